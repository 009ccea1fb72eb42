// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of one instruction set and what xsimd lacks for them.
#pragma once

#include <cstdint>
#include <xsimd/xsimd.hpp>

#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class T>
using Batch = xsimd::batch<T, FATHOM_ARCH>;
template <class T>
inline constexpr std::int64_t lanes = static_cast<std::int64_t>(Batch<T>::size);

}  // namespace
}  // namespace fathom::ops::depthwise
