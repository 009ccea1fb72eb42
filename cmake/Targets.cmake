# Settings of our own targets; nothing here reaches a consumer.
function(fathom_own_target target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion)
  if(FATHOM_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 sees overlapping copies in "text" + std::string (GCC bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
    # ccache looks at preprocessed sources, from which g++ otherwise leaves a precompiled header out.
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(FATHOM_SANITIZE)
    # -O1 and line tables alone: g++ 12 compiles that in half the time of -O2 -g.
    target_compile_options(${target} PRIVATE -fsanitize=${FATHOM_SANITIZE} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer -O1 -g1)
    target_link_options(${target} PRIVATE -fsanitize=${FATHOM_SANITIZE})
  endif()
endfunction()
