# Settings of our own targets; nothing here reaches a consumer.
function(fathom_own_target target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(FATHOM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${FATHOM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${FATHOM_SANITIZE})
  endif()
endfunction()
