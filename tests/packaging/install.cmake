# Installs the build tree BUILD into an empty PREFIX and checks what arrives there.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

foreach(header fathom.hpp core/array.hpp autograd/variable.hpp ops/depthwise_convolution_2d.hpp)
  if(NOT EXISTS ${PREFIX}/include/fathom/${header})
    message(SEND_ERROR "not installed: include/fathom/${header}")
  endif()
endforeach()

file(GLOB inside ${PREFIX}/include/fathom/core/*/* ${PREFIX}/include/fathom/autograd/*/* ${PREFIX}/include/fathom/ops/*/*)
file(GLOB_RECURSE kernels ${PREFIX}/*kernel*)
if(inside OR kernels)
  message(SEND_ERROR "installed, but not public: ${inside} ${kernels}")
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
