# Every entry of the recorded set is replayed and passes: as many as the manifest lists, none skipped.
# cmake -D HARNESS=program -D RECORDED=directory -P required.cmake
file(READ ${RECORDED}/manifest.json manifest)
set(entries 0)
foreach(list cases errors optimizers initializers networks)
  string(JSON length LENGTH "${manifest}" ${list})
  math(EXPR entries "${entries} + ${length}")
endforeach()
if(entries LESS 797)
  message(SEND_ERROR "the manifest has lost entries: ${entries} of 797")
endif()

execute_process(COMMAND ${HARNESS} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0 OR NOT output MATCHES "\n${entries} passed, 0 failed, 0 skipped\n$")
  message(SEND_ERROR "exit status ${status}, or the last line is not '${entries} passed, 0 failed, 0 skipped':\n${output}")
endif()
