# An object file compiled for one instruction set may give the linker its table and nothing else: a weak symbol in it (an
# inline function of a library, say) could be the copy that the whole program uses, and an old CPU would die of it.
# cmake -D NM=nm -D OBJECTS=list -P isa_symbols.cmake
if(NOT NM)
  message("skipped: no nm")
  return()
endif()
if(NOT OBJECTS)
  message(FATAL_ERROR "no object files")
endif()
foreach(object ${OBJECTS})
  execute_process(COMMAND ${NM} --defined-only --format=posix ${object} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  # Capitals are visible outside, u is unique in the program. DW.ref.* points to the handler of exceptions: no code.
  string(REGEX MATCHALL "[^\n ]+ [A-Zuvw] [^\n]*" symbols "${output}")
  list(FILTER symbols EXCLUDE REGEX "^DW\\.ref\\.__gxx_personality")
  list(FILTER symbols EXCLUDE REGEX "^_ZN6fathom[^ ]*(kernels|gemm_table)I[^ ]* T ")
  if(symbols)
    list(JOIN symbols "\n  " symbols)
    message(SEND_ERROR "${object} also defines\n  ${symbols}")
  endif()
  if(NOT output MATCHES "_ZN6fathom[^ ]*(kernels|gemm_table)I[^ ]* T ")
    message(SEND_ERROR "${object} defines no table")
  endif()
endforeach()
