// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Marks what a shared build of the library makes visible; everything else is hidden.
#define FATHOM_EXPORT __attribute__((visibility("default")))
