# What each dependency does for us: docs/dependencies.md.
find_package(fmt 9 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

find_path(FATHOM_XSIMD_INCLUDE xsimd/xsimd.hpp REQUIRED)
add_library(fathom_xsimd INTERFACE)
target_include_directories(fathom_xsimd SYSTEM INTERFACE ${FATHOM_XSIMD_INCLUDE})

if(FATHOM_TESTS OR FATHOM_EXAMPLES)
  find_path(FATHOM_XTENSOR_INCLUDE xtensor/xtensor.hpp REQUIRED)
  add_library(fathom_xtensor INTERFACE)
  target_include_directories(fathom_xtensor SYSTEM INTERFACE ${FATHOM_XTENSOR_INCLUDE})
  find_package(CLI11 REQUIRED)
endif()
if(FATHOM_TESTS)
  find_package(Catch2 REQUIRED)
  find_package(nlohmann_json 3 REQUIRED)
endif()
