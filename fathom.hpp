// SPDX-License-Identifier: BSD-3-Clause
// The whole library but core/xtensor.hpp and core/format.hpp, which pull in xtensor and fmt. For programs
// that use Fathom; inside the library every file includes what it needs.
#pragma once

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/autograd/hooks.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/autograd/variable.hpp>
#include <fathom/core/array.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/data/idx.hpp>
#include <fathom/nn/init.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/layers/pooling2d.hpp>
#include <fathom/nn/layers/relu.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/optim/gradients.hpp>
#include <fathom/nn/optim/schedule.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
