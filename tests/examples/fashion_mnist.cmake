# Runs PROGRAM, 040_fashion_mnist, on ten batches of BATCH images in folder WORK.
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
math(EXPR images "${BATCH} * 75 / 8")  # the last of ten batches is not full
set(small --limit ${images} --batch ${BATCH})

# Equal weights, byte for byte, with any number of threads; one line when quiet.
foreach(threads 1 2 3 5)
  execute_process(COMMAND ${PROGRAM} ${small} --epochs 1 --quiet --threads ${threads} --out ${WORK}/${threads}
                  OUTPUT_VARIABLE output_${threads} COMMAND_ERROR_IS_FATAL ANY)
  if(NOT output_${threads} MATCHES "^test accuracy [0-9]+\\.[0-9][0-9] %\n$")
    message(SEND_ERROR "--quiet printed: ${output_${threads}}")
  endif()
  file(SHA256 ${WORK}/${threads}/weights.npz sum_${threads})
  if(NOT sum_${threads} STREQUAL sum_1 OR NOT output_${threads} STREQUAL output_1)
    message(SEND_ERROR "${threads} threads give other weights than one")
  endif()
endforeach()

# On one core, of which a machine may have no more.
find_program(TASKSET taskset)
if(TASKSET)
  execute_process(COMMAND ${TASKSET} -c 0 true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  if(result EQUAL 0)
    execute_process(COMMAND ${TASKSET} -c 0 ${PROGRAM} ${small} --epochs 1 --quiet --out ${WORK}/core COMMAND_ERROR_IS_FATAL ANY
                    OUTPUT_VARIABLE output)
    file(SHA256 ${WORK}/core/weights.npz sum)
    if(NOT sum STREQUAL sum_1)
      message(SEND_ERROR "one core gives other weights")
    endif()
  endif()
endif()

# Saved weights give the same accuracy again, and nothing is written; another seed gives other weights.
execute_process(COMMAND ${PROGRAM} ${small} --epochs 0 --load ${WORK}/1/weights.npz --out ${WORK}/none --mirror
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "\nwith mirror images [0-9]+\\.[0-9][0-9] %\n$")
  message(SEND_ERROR "with --mirror it printed ${output}")
endif()
string(REGEX REPLACE "with mirror[^\n]*\n" "" output "${output}")
if(NOT output STREQUAL output_1 OR EXISTS ${WORK}/none)
  message(SEND_ERROR "--load and --epochs 0 printed ${output} after ${output_1}")
endif()
execute_process(COMMAND ${PROGRAM} ${small} --epochs 1 --seed 2 --out ${WORK}/seed OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${WORK}/seed/weights.npz sum)
if(sum STREQUAL sum_1)
  message(SEND_ERROR "the seed changes nothing")
endif()
if(NOT output MATCHES "^epoch 1/1: loss [0-9.]+, accuracy [0-9.]+ %, [0-9]+ images/s, [0-9]+ s\nweights saved in [^\n]*\ntest accuracy [0-9.]+ %\n$")
  message(SEND_ERROR "not on a terminal it printed: ${output}")
endif()

# On a terminal, which util-linux's script pretends to be, a bar fills up and gives way to the line of the epoch.
# A bare root may have the program and no pseudo-terminals.
find_program(SCRIPT script)
set(has_terminal FALSE)
if(SCRIPT)
  execute_process(COMMAND ${SCRIPT} --quiet --return --command true /dev/null INPUT_FILE /dev/null
                  RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  if(result EQUAL 0)
    set(has_terminal TRUE)
  endif()
endif()
if(has_terminal)
  list(JOIN small " " options)
  execute_process(COMMAND ${SCRIPT} --quiet --return --command "'${PROGRAM}' ${options} --epochs 1 --out '${WORK}/terminal'" /dev/null
                  INPUT_FILE /dev/null OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(ASCII 27 escape)
  string(REPLACE "\r${escape}[K" "<" output "${output}")
  if(NOT output MATCHES "<epoch 1/1 \\[=*>? *\\] .*<epoch 1/1 \\[=+\\] loss [0-9.]+, [0-9.]+ %, [0-9]+ images/s, 0:00 left<epoch 1/1: loss ")
    message(SEND_ERROR "on a terminal it printed: ${output}")
  endif()
else()
  message("no pseudo-terminal from 'script': the bar is not tested")
endif()

# Checkpoints: a training that is over is not done again, and gives the same weights.
foreach(run first again)
  execute_process(COMMAND ${PROGRAM} ${small} --epochs 1 --checkpoints ${WORK}/checkpoints --out ${WORK}/${run}
                  OUTPUT_VARIABLE output_${run} COMMAND_ERROR_IS_FATAL ANY)
  file(SHA256 ${WORK}/${run}/weights.npz sum_${run})
endforeach()
if(NOT sum_first STREQUAL sum_1 OR NOT sum_again STREQUAL sum_1 OR output_again MATCHES "epoch 1"
   OR NOT output_again MATCHES "^going on after step 10 of 10, from ${WORK}/checkpoints/checkpoint-000000010.npz\n")
  message(SEND_ERROR "with checkpoints it printed: ${output_again}")
endif()

# A log of the test images changes no weight.
execute_process(COMMAND ${PROGRAM} ${small} --epochs 1 --quiet --log ${WORK}/log.jsonl --out ${WORK}/log
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${WORK}/log/weights.npz sum)
file(READ ${WORK}/log.jsonl log)
if(NOT sum STREQUAL sum_1 OR NOT log MATCHES "^{\"epoch\": 1, [^\n]*\"validation_images\": ${images}, [^\n]*}\n$")
  message(SEND_ERROR "with --log it wrote: ${log}")
endif()

# Fails with exit code 1 and a text that matches `pattern`; nothing is trained first.
function(expect_error pattern)
  execute_process(COMMAND ${PROGRAM} ${small} ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT result EQUAL 1 OR NOT error MATCHES "${pattern}" OR output MATCHES "epoch")
    message(SEND_ERROR "${ARGN}: exit code ${result}, printed ${output}${error}; wanted ${pattern}")
  endif()
endfunction()
file(TOUCH ${WORK}/file)
set(out --out ${WORK}/errors)
expect_error("^error: ${WORK}/missing: the data directory does not exist\n  hint: install the package dataset-fashion-mnist, or name a directory with --data\n$"
             --data ${WORK}/missing ${out})
expect_error("^error: ${WORK}/1/train-images-idx3-ubyte.gz: is missing" --data ${WORK}/1 ${out})
expect_error("^error: ${WORK}/file/sub: cannot be created: Not a directory\n  hint: " --out ${WORK}/file/sub)
expect_error("^error: /proc/weights.npz: cannot be written: " --out /proc)
expect_error("^error: ${WORK}/missing/log: cannot be [a-z]+: No such file or directory" --epochs 1 --log ${WORK}/missing/log ${out})
expect_error("^error: ${WORK}/missing.npz: cannot be read: No such file or directory\n  hint: " --load ${WORK}/missing.npz ${out})
expect_error("^error: ${WORK}/file: is truncated or no zip archive" --load ${WORK}/file ${out})
expect_error("--epochs" --epochs -1 ${out})
expect_error("--batch" --batch 0 ${out})
expect_error("--threads" --threads 0 ${out})
expect_error("--lr" --lr fast ${out})
expect_error("--limit" --limit 0 ${out})
expect_error("--unknown" --unknown ${out})

include(${CMAKE_CURRENT_LIST_DIR}/fashion_mnist_resume.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/fashion_mnist_disk.cmake)
