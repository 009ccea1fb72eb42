# Every <module>/<stem>/kernel_impl.hpp becomes one translation unit for each instruction set. The unit sees
#   FATHOM_ARCH  the xsimd architecture, FATHOM_ISA the name in enum class Isa
# and gets the flags of that set alone; all code in it lives in an unnamed namespace but for the table it defines.
function(fathom_add_isa_units target)
  # Loops that the compiler vectorises run along rows of images, which are short: with vectors of 512 bits their rests take
  # longer than what they save (max pooling to 14 pixels: half the speed). Batches of xsimd have 512 bits all the same.
  set(avx512_flags -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=256)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 takes the undefined operands inside its own intrinsics for uninitialised variables (GCC bug 105593).
    list(APPEND avx512_flags -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  file(GLOB_RECURSE kernels CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
       ${PROJECT_SOURCE_DIR}/core/*kernel_impl.hpp ${PROJECT_SOURCE_DIR}/ops/*kernel_impl.hpp
       ${PROJECT_SOURCE_DIR}/nn/*kernel_impl.hpp)
  foreach(kernel ${kernels})
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      fathom_add_isa_unit(${target} ${kernel} baseline xsimd::sse2 -msse2)
      fathom_add_isa_unit(${target} ${kernel} avx2 xsimd::fma3<xsimd::avx2> -mavx2 -mfma)
      fathom_add_isa_unit(${target} ${kernel} avx512 xsimd::avx512bw ${avx512_flags})
    else()
      fathom_add_isa_unit(${target} ${kernel} baseline xsimd::default_arch)
    endif()
  endforeach()
endfunction()

function(fathom_add_isa_unit target kernel isa arch)
  string(REPLACE ".hpp" "_${isa}.cpp" unit ${CMAKE_CURRENT_BINARY_DIR}/isa/${kernel})
  file(CONFIGURE OUTPUT ${unit} @ONLY CONTENT
       "#define FATHOM_ARCH ${arch}\n#define FATHOM_ISA ${isa}\n#include <fathom/${kernel}>\n")
  target_sources(${target} PRIVATE ${unit})
  set(level -O3)
  if(FATHOM_SANITIZE)
    set(level -O1)  # g++ 12 needs minutes for a kernel at -O3 with sanitizers
  endif()
  if(FATHOM_SANITIZE MATCHES "address" AND kernel MATCHES "depthwise" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Unrolled to thousands of moves between registers, which g++ 12 takes many minutes to check one by one. What they read
    # and write in arrays is checked all the same.
    list(APPEND level --param asan-stack=0 -fno-sanitize=undefined)
  endif()
  # A precompiled header would have other flags.
  set_source_files_properties(${unit} PROPERTIES COMPILE_OPTIONS "${level};${ARGN}" SKIP_PRECOMPILE_HEADERS ON)
endfunction()
