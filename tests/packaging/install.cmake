# Installs the build tree BUILD into an empty PREFIX and checks what arrives there.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

foreach(header fathom.hpp core/array.hpp autograd/variable.hpp ops/depthwise_convolution_2d.hpp nn/module.hpp
               nn/optim/sgd.hpp)
  if(NOT EXISTS ${PREFIX}/include/fathom/${header})
    message(SEND_ERROR "not installed: include/fathom/${header}")
  endif()
endforeach()

include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/PublicHeaders.cmake)
file(GLOB_RECURSE inside RELATIVE ${PREFIX}/include/fathom ${PREFIX}/include/*)
list(FILTER inside EXCLUDE REGEX "${public_header}")
if(inside)
  message(SEND_ERROR "installed, but not public: ${inside}")
endif()

# A consumer gets the include folder, the language standard and what it must link: no flags, no paths of the build.
file(GLOB_RECURSE package_files ${PREFIX}/*.cmake)
foreach(file ${package_files})
  file(STRINGS ${file} lines)
  foreach(line IN LISTS lines)
    if(line MATCHES "INTERFACE_(COMPILE_OPTIONS|COMPILE_DEFINITIONS|LINK_OPTIONS)|-march|-fsanitize|${BUILD}")
      message(SEND_ERROR "${file} passes on to consumers: ${line}")
    endif()
  endforeach()
endforeach()
