# Part of fashion_mnist.cmake: Ctrl-C, and going on after it.

# Fails unless the names in a folder are those that follow.
function(expect_names folder)
  file(GLOB names RELATIVE ${folder} ${folder}/*)
  set(wanted "${ARGN}")
  if(NOT names STREQUAL wanted)
    message(SEND_ERROR "${folder} has ${names}, not ${wanted}")
  endif()
endfunction()

# Fails unless a folder has nothing but the weights, and these are the wanted ones.
function(expect_weights folder wanted)
  expect_names(${folder} weights.npz)
  file(SHA256 ${folder}/weights.npz sum)
  if(NOT sum STREQUAL wanted)
    message(SEND_ERROR "${folder} has other weights than a training that was left alone")
  endif()
endfunction()

# What has no directory of its own for checkpoints leaves none.
set(training ${small} --epochs 12)
execute_process(COMMAND ${PROGRAM} ${training} --quiet --out ${WORK}/whole OUTPUT_VARIABLE output_whole COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${WORK}/whole/weights.npz sum_whole)
expect_weights(${WORK}/whole ${sum_whole})

# The signal comes after the second epoch. It may be ignored where this runs; env undoes that.
execute_process(COMMAND env --default-signal=INT true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(NOT result EQUAL 0)
  message("no 'env --default-signal': Ctrl-C is not tested")
  return()
endif()
set(interrupt [=[
{ sh -c 'echo $$ >"$0"; exec env --default-signal=INT "$@"' "$0" "$@"; echo "status $?"; } |
while IFS= read -r line; do
  printf '%s\n' "$line"
  case $line in "epoch 2/"*) kill -INT "$(cat "$0")" ;; esac
done
]=])
set(out ${WORK}/interrupted)
execute_process(COMMAND sh -c "${interrupt}" ${WORK}/pid ${PROGRAM} ${training} --out ${out} OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT output MATCHES "\ninterrupted by SIGINT \\(Ctrl-C\\) after step [0-9]+ of 120; ${out}/checkpoints/checkpoint-[0-9]+\\.npz is saved: the same command goes on from there\nstatus 130\n$"
   OR NOT error STREQUAL "")
  message(SEND_ERROR "after SIGINT it printed: ${output}${error}")
endif()
expect_names(${out} checkpoints)
file(GLOB kept RELATIVE ${out}/checkpoints ${out}/checkpoints/*)
list(LENGTH kept count)
if(NOT count EQUAL 2)
  message(FATAL_ERROR "${out}/checkpoints has ${kept}, not two checkpoints")
endif()
foreach(copy corrupt full)  # the latter for fashion_mnist_disk.cmake
  file(COPY ${out}/checkpoints DESTINATION ${WORK}/${copy})
endforeach()

# Another training does not go on with it, and says what to do; nothing is lost.
set(is_other "^error: ${out}/checkpoints/checkpoint-[0-9]+\\.npz: ")
set(hint "\n  hint: go on with the same [^\n]*\n  hint: remove ${out}/checkpoints to begin anew, or name another directory with ")
expect_error("${is_other}is of another loader: ${images} images in 10 batches with seed 1, this training's has ${images} images in 10 batches with seed 2${hint}--out\n$"
             --epochs 12 --seed 2 --out ${out})
expect_error("${is_other}is of another loader: [^\n]*${hint}--checkpoints\n$"
             --epochs 12 --seed 2 --checkpoints ${out}/checkpoints --out ${WORK}/errors)
expect_error("${is_other}is of another schedule: its step [0-9]+ of 120 had [^\n]*${hint}--out\n$" --epochs 13 --out ${out})
expect_error("${is_other}is of another schedule: [^\n]*${hint}--out\n$" --epochs 12 --lr 0.2 --out ${out})
expect_error("${is_other}is after step [0-9]+ of 120, and this training ends after step 10${hint}--out\n$" --epochs 1 --out ${out})
expect_error("${is_other}has no averages of the weights, [^\n]*${hint}--out\n$" --epochs 12 --recipe long --out ${out})
expect_names(${out}/checkpoints ${kept})

execute_process(COMMAND ${PROGRAM} ${training} --out ${out} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "^going on after step [0-9]+ of 120, from ${out}/checkpoints/checkpoint-[0-9]+\\.npz\nepoch ")
  message(SEND_ERROR "after an interruption it printed: ${output}")
endif()
expect_weights(${out} ${sum_whole})

# What --quiet leaves out is on standard error.
list(GET kept 0 older)
list(GET kept 1 newer)
set(checkpoints ${WORK}/corrupt/checkpoints)
file(WRITE ${checkpoints}/${newer} "no archive")
execute_process(COMMAND ${PROGRAM} ${training} --quiet --out ${WORK}/corrupt OUTPUT_VARIABLE output ERROR_VARIABLE error COMMAND_ERROR_IS_FATAL ANY)
if(NOT output STREQUAL output_whole
   OR NOT error MATCHES "^passed over: ${checkpoints}/${newer}: is truncated [^\n]*\n  hint: [^\n]*\ngoing on after step [0-9]+ of 120, from ${checkpoints}/${older}\n$")
  message(SEND_ERROR "after a corrupt checkpoint it printed: ${output}${error}")
endif()
expect_weights(${WORK}/corrupt ${sum_whole})
