// SPDX-License-Identifier: BSD-3-Clause
// The whole library but core/xtensor.hpp and core/format.hpp, which pull in xtensor and fmt. For programs that use
// Fathom; inside the library every file includes what it needs.
#pragma once

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/autograd/hooks.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/autograd/variable.hpp>
#include <fathom/core/array.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
