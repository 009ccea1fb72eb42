# Part of fashion_mnist.cmake: disks that are full, or may not be written to. Uses what the part before it has made.

# Ends with status 1 and a text that matches.
function(expect_failure pattern)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT result EQUAL 1 OR NOT error MATCHES "${pattern}")
    message(SEND_ERROR "${ARGN}: exit code ${result}, printed ${output}${error}; wanted ${pattern}")
  endif()
endfunction()

# A limit on the size of files, 32 KiB, is what a full disk is to a program. The checkpoint does not fit; then one more beside
# two that were there; then the weights of a training that is over.
set(limited sh -c [=[trap '' XFSZ && ulimit -f 64 && exec "$@"]=] sh ${PROGRAM} ${small})
set(too_large "cannot be written: File too large\n  hint: raise the limit on the size of files \\(ulimit -f\\), or choose another disk\n$")
expect_failure("^error: ${WORK}/limited/checkpoints/checkpoint-000000010\\.npz: ${too_large}" ${limited} --epochs 1 --out ${WORK}/limited)
expect_names(${WORK}/limited checkpoints)
expect_names(${WORK}/limited/checkpoints)

if(EXISTS ${WORK}/full)
  set(checkpoints ${WORK}/full/checkpoints)
  file(GLOB kept RELATIVE ${checkpoints} ${checkpoints}/*)
  expect_failure("^error: ${checkpoints}/checkpoint-[0-9]+\\.npz: ${too_large}" ${limited} --epochs 12 --out ${WORK}/full)
  expect_names(${WORK}/full checkpoints)
  expect_names(${checkpoints} ${kept})
  execute_process(COMMAND ${PROGRAM} ${training} --quiet --out ${WORK}/full OUTPUT_QUIET ERROR_VARIABLE error COMMAND_ERROR_IS_FATAL ANY)
  if(NOT error MATCHES "^going on after step [0-9]+ of 120, from ")
    message(SEND_ERROR "after a full disk it printed: ${error}")
  endif()
  expect_weights(${WORK}/full ${sum_whole})
endif()

file(COPY ${WORK}/checkpoints DESTINATION ${WORK}/unwritten)
expect_failure("^error: ${WORK}/unwritten/weights\\.npz: ${too_large}" ${limited} --epochs 1 --out ${WORK}/unwritten)
expect_names(${WORK}/unwritten checkpoints)
expect_names(${WORK}/unwritten/checkpoints checkpoint-000000010.npz)
execute_process(COMMAND ${PROGRAM} ${small} --epochs 1 --out ${WORK}/unwritten OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
expect_weights(${WORK}/unwritten ${sum_1})

# File systems of this process alone, where a user may make some. Lines, as semicolons would make lists of the scripts.
set(disk ${WORK}/disk)
file(MAKE_DIRECTORY ${disk})
set(mounted unshare -rm sh -c [=[
mount -t tmpfs -o "$1" none "$2" || exit 2
shift 2
"$@"
]=] sh)
execute_process(COMMAND ${mounted} size=1m ${disk} true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(NOT result EQUAL 0)
  message("no file system by 'unshare -rm' and mount: disks that are really full or read-only are not tested")
  return()
endif()
# One checkpoint fits and a second does not. What is left is copied out, and the training goes on from it elsewhere.
execute_process(COMMAND ${PROGRAM} ${small} --epochs 2 --quiet --out ${WORK}/two OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${WORK}/two/weights.npz sum_two)
file(SIZE ${WORK}/checkpoints/checkpoint-000000010.npz bytes)
math(EXPR bytes "${bytes} * 3 / 2")
set(and_copy sh -c [=[
"$@"
status=$?
cp -R "$0" "$0.copy"
exit $status
]=] ${disk})
expect_failure("^error: ${disk}/checkpoints/checkpoint-000000020\\.npz: cannot be written: No space left on device\n  hint: free some space, or choose another disk\n$"
               ${mounted} size=${bytes} ${disk} ${and_copy} ${PROGRAM} ${small} --epochs 2 --out ${disk})
expect_names(${disk}.copy checkpoints)
expect_names(${disk}.copy/checkpoints checkpoint-000000010.npz)
execute_process(COMMAND ${PROGRAM} ${small} --epochs 2 --quiet --out ${disk}.copy OUTPUT_QUIET ERROR_VARIABLE error COMMAND_ERROR_IS_FATAL ANY)
if(NOT error MATCHES "^going on after step 10 of 20, from ")
  message(SEND_ERROR "after a full disk it printed: ${error}")
endif()
expect_weights(${disk}.copy ${sum_two})

set(read_only ${mounted} ro ${disk} ${PROGRAM} ${small} --epochs 1)
set(no_place "cannot be written: Read-only file system\n  hint: choose a place that this user may write to\n$")
expect_failure("^error: ${disk}/weights\\.npz: ${no_place}" ${read_only} --out ${disk})
expect_failure("^error: ${disk}/new: cannot be created: Read-only file system\n  hint: name another directory with --out\n$"
               ${read_only} --out ${disk}/new)
expect_failure("^error: ${disk}/checkpoint-0\\.npz: ${no_place}" ${read_only} --checkpoints ${disk} --out ${WORK}/errors)
expect_failure("^error: ${disk}/new: cannot be created: Read-only file system\n  hint: choose another directory for the checkpoints\n$"
               ${read_only} --checkpoints ${disk}/new --out ${WORK}/errors)
