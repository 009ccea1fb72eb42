# cmake -D OPS=bench_ops -D MODELS=bench_models -D GRAPH=bench_graph -D LIMITS=bench_limits -D LOADER=bench_loader -P programs.cmake
# Each op, network and pass runs once on something tiny and prints its line of JSON; wrong options are refused in words.
cmake_minimum_required(VERSION 3.25)
set(op_fields op pass shape dtype threads isa request runs median_ms min_ms GFLOP/s GB/s
              written)
set(model_fields model mode width size cifar batch threads isa steps multiply_adds median_ms min_ms images_per_s peak_rss_mib
                 minor_faults_per_step system_allocations_per_step)

# Each of the fields is there, and those of `positive` are above zero.
function(require_line line fields positive)
  foreach(field IN LISTS fields)
    string(JSON value ERROR_VARIABLE error GET "${line}" "${field}")
    if(error)
      message(SEND_ERROR "${error}: ${line}")
    elseif(field IN_LIST positive AND NOT value GREATER 0)
      message(SEND_ERROR "${field} is ${value}: ${line}")
    endif()
  endforeach()
endfunction()

function(require_ops requests)
  list(JOIN requests "\n" text)
  list(LENGTH requests count)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/bench_requests.txt "${text}\n")
  execute_process(COMMAND ${OPS} --stdin INPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/bench_requests.txt
                  OUTPUT_VARIABLE output RESULT_VARIABLE status)
  set(lines 0)
  string(FIND "${output}" "\n" end)
  while(end GREATER -1)
    string(SUBSTRING "${output}" 0 ${end} line)
    math(EXPR next "${end} + 1")
    string(SUBSTRING "${output}" ${next} -1 output)
    math(EXPR lines "${lines} + 1")
    require_line("${line}" "${op_fields}" "median_ms;min_ms;GFLOP/s;GB/s;runs;written")
    string(FIND "${output}" "\n" end)
  endwhile()
  if(NOT status EQUAL 0 OR NOT lines EQUAL count)
    message(SEND_ERROR "bench_ops --stdin: status ${status}, ${lines} lines for ${count} requests")
  endif()
endfunction()

function(require_refusal text)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE error RESULT_VARIABLE status)
  string(FIND "${error}" "${text}" found)
  if(NOT status EQUAL 1 OR found EQUAL -1 OR NOT output STREQUAL "")
    message(SEND_ERROR "${ARGN}: status ${status}, not 1 with '${text}':\n${output}${error}")
  endif()
endfunction()

set(image --shape 2,6,7,5)
set(requests "")
foreach(dtype float32 float64)
  set(common "--repeat 1 --dtype ${dtype}")
  foreach(pass forward backward_x backward_w)
    foreach(op "depthwise_convolution_2d" "depthwise_convolution_2d --kernel 5 --stride 2 --multiplier 2" "convolution_2d"
               "convolution_2d --out-channels 4 --groups 2 --kernel 3 --stride 2 --pad 2 --dilation 2"
               "batch_normalization" "batch_normalization --activation relu"
               "batch_normalization --activation relu6 --residual" "add")
      list(APPEND requests "--op ${op} --shape 2,6,7,5 --pass ${pass} ${common}")
    endforeach()
    list(APPEND requests "--op linear --shape 3,8 --out-channels 5 --pass ${pass} ${common}")
  endforeach()
  foreach(pass forward backward_x)
    foreach(op relu relu6 max_pooling_2d "max_pooling_2d --kernel 3 --stride 2 --pad 1"
               "max_pooling_2d --kernel 3 --stride 2 --cover-all" average_pooling_2d
               "average_pooling_2d --kernel 3 --stride 2 --pad 1" global_average_pooling_2d)
      list(APPEND requests "--op ${op} --shape 2,6,7,5 --pass ${pass} ${common}")
    endforeach()
    list(APPEND requests "--op softmax_cross_entropy --shape 5,7 --pass ${pass} ${common}")
  endforeach()
  list(APPEND requests "--op convolution_2d --shape 2,6,7,5 --bias --threads 2 --pass forward ${common}")
endforeach()
require_ops("${requests}")

# Not of two images: where 1 x 1 pixels are left, normalizing two numbers gives +1 and -1, whose gradient is a difference of
# equal numbers times whatever their distance was, and the loss does as the rounding errors like.
foreach(model "mobilenet_v1;--size;32" "mobilenet_v1;--width;0.25;--cifar" "mobilenet_v2;--size;32" "mobilenet_v2;--width;0.5;--cifar"
              "small_cnn" "small_cnn;--cifar;--threads;2")
  foreach(mode train infer)
    execute_process(COMMAND ${MODELS} --model ${model} --mode ${mode} --batch 8 --steps 1
                    OUTPUT_VARIABLE output ERROR_VARIABLE error RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
      message(SEND_ERROR "bench_models --model ${model} --mode ${mode}: status ${status}:\n${error}")
    else()
      require_line("${output}" "${model_fields}" "multiply_adds;median_ms;min_ms;images_per_s;peak_rss_mib")
    endif()
  endforeach()
endforeach()

# What the first two steps took from the system is kept: no clock is needed to see that.
foreach(threads 1 2)
  execute_process(COMMAND ${MODELS} --model mobilenet_v1 --width 0.25 --cifar --batch 4 --steps 3 --threads ${threads}
                  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(JSON allocations GET "${output}" system_allocations_per_step)
  string(JSON faults GET "${output}" minor_faults_per_step)
  if(NOT allocations EQUAL 0 OR NOT faults LESS 100)
    message(SEND_ERROR "mobilenet_v1 with ${threads} threads: after the second step ${allocations} allocations, not 0, and ${faults} "
                       "page faults, not less than 100, a step:\n${output}")
  endif()
endforeach()

execute_process(COMMAND ${GRAPH} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
require_line("${output}" "nodes;median_us_per_node;min_us_per_node" "nodes;median_us_per_node;min_us_per_node")
execute_process(COMMAND ${LIMITS} --seconds 0.001 OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
set(rates "")
foreach(size "128 KiB" "1 MiB" "12.25 MiB" "24.5 MiB" "49 MiB" "256 MiB")
  list(APPEND rates "GB/s reading ${size}" "GB/s copying ${size}")
endforeach()
require_line("${output}" "${rates}" "${rates}")

execute_process(COMMAND ${LOADER} --images 20 --batch 8 --workers 1 --threads 2 --seconds 0.001
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
require_line("${output}" "images;batch;workers;threads;isa;loader_us_per_image;step_us_per_image;share" "step_us_per_image;share")
string(JSON loader GET "${output}" loader_us_per_image)
require_line("${loader}" "none;flip;shift;erase;all" "none;flip;shift;erase;all")

require_refusal("relu has no option --cover-all" ${OPS} --op relu ${image} --pass forward --cover-all)
require_refusal("--seconds: must be a positive number (it is 0)" ${LIMITS} --seconds 0)
require_refusal("--op: nonsense not in {depthwise_convolution_2d," ${OPS} --op nonsense ${image} --pass forward)
require_refusal("--pass is required" ${OPS} --op relu ${image})
require_refusal("relu has no option --kernel" ${OPS} --op relu ${image} --pass forward --kernel 3)
require_refusal("it has --kernel, --stride, --pad, --cover-all" ${OPS} --op max_pooling_2d ${image} --pass forward --groups 2)
require_refusal("relu has no parameters" ${OPS} --op relu ${image} --pass backward_w)
require_refusal("relu takes a --shape of 4 numbers, not 3" ${OPS} --op relu --shape 2,6,7 --pass forward)
require_refusal("--shape: must be a positive number (it is 0)" ${OPS} --op relu --shape 0,6,7,5 --pass forward)
require_refusal("--dtype: float16 not in {float32,float64}" ${OPS} --op relu ${image} --pass forward --dtype float16)
require_refusal("groups" ${OPS} --op convolution_2d ${image} --pass forward --groups 4)
require_refusal("--model: resnet not in {mobilenet_v1,mobilenet_v2,small_cnn}" ${MODELS} --model resnet)
require_refusal("small_cnn has no --width" ${MODELS} --model small_cnn --width 0.5)
require_refusal("--batch: must be a positive number (it is -1)" ${MODELS} --model small_cnn --batch -1)
require_refusal("--mode: test not in {train,infer}" ${MODELS} --model small_cnn --mode test)
require_refusal("--images: must be a positive number (it is 0)" ${LOADER} --images 0)
