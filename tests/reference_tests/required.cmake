# What Fathom has must stay: an operation that fell out of the table would be a skip, which fails nothing. Every entry of
# these names must run and pass, and there must be as many as the manifest holds.
# cmake -D HARNESS=program -P required.cmake
set(operations
    depthwise_convolution_2d convolution_2d dilated_convolution_2d deconvolution_2d linear matmul
    relu relu6 clipped_relu leaky_relu sigmoid hard_sigmoid tanh
    exp log sqrt square absolute pow pow_scalar rpow_scalar maximum minimum clip batch_normalization fixed_batch_normalization
    max_pooling_2d average_pooling_2d
    softmax log_softmax softmax_cross_entropy sigmoid_cross_entropy mean_squared_error dropout
    add sub mul div neg add_scalar rsub_scalar mul_scalar rdiv_scalar
    sum mean max min argmax argmin reshape transpose broadcast_to sum_to expand_dims squeeze
    concat stack split_axis get_item pad where cast graph_diamond graph_reuse)
set(optimizers SGD MomentumSGD NesterovAG Adam AdamW RMSprop)
set(initializers Normal LeCunNormal GlorotNormal HeNormal Uniform LeCunUniform GlorotUniform HeUniform)
set(networks net_00)

execute_process(COMMAND ${HARNESS} ${operations} ${optimizers} ${initializers} ${networks}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0 OR NOT output MATCHES "\n591 passed, 0 failed, 0 skipped\n$")
  message(SEND_ERROR "exit status ${status}, or the last line is not '591 passed, 0 failed, 0 skipped':\n${output}")
endif()
foreach(name ${operations} ${optimizers} ${initializers} ${networks})
  if(NOT output MATCHES "\n${name}: [1-9][0-9]* passed, 0 failed, 0 skipped\n")
    message(SEND_ERROR "nothing of ${name} ran")
  endif()
endforeach()
