# cmake --install, and find_package(fathom CONFIG) for what was installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fathom)

install(TARGETS fathom EXPORT fathom
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

include(${CMAKE_CURRENT_LIST_DIR}/PublicHeaders.cmake)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/core/*.hpp
     ${PROJECT_SOURCE_DIR}/autograd/*.hpp ${PROJECT_SOURCE_DIR}/ops/*.hpp ${PROJECT_SOURCE_DIR}/nn/*.hpp)
list(FILTER headers INCLUDE REGEX "${public_header}")
foreach(header fathom.hpp ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fathom/${folder})
endforeach()

# A static library leaves the linking of what it uses to its consumer; a shared one has done it.
get_target_property(type fathom TYPE)
if(type STREQUAL "STATIC_LIBRARY")
  set(FATHOM_FIND_DEPENDENCIES "include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(ZLIB)
find_dependency(PNG)
find_dependency(Threads)
")
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/fathomConfig.cmake.in fathomConfig.cmake
                              INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(fathomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fathomConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/fathomConfigVersion.cmake
        DESTINATION ${package_dir})
install(EXPORT fathom FILE fathomTargets.cmake NAMESPACE fathom:: DESTINATION ${package_dir})
