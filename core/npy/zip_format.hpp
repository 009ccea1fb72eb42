// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

// Records of the zip format (PKWARE, APPNOTE.TXT 6.3), little-endian.
namespace fathom::detail::zip {

inline constexpr std::uint32_t kLocalSignature = 0x04034b50;
inline constexpr std::size_t kLocalSize = 30;
inline constexpr std::uint32_t kCentralSignature = 0x02014b50;
inline constexpr std::size_t kCentralSize = 46;
inline constexpr std::uint32_t kEndSignature = 0x06054b50;
inline constexpr std::size_t kEndSize = 22;
inline constexpr std::uint32_t kEnd64Signature = 0x06064b50;
inline constexpr std::size_t kEnd64Size = 56;
inline constexpr std::uint32_t kLocator64Signature = 0x07064b50;
inline constexpr std::size_t kLocator64Size = 20;
inline constexpr std::uint16_t kExtra64 = 1;  ///< the extra field that holds zip64 sizes

inline constexpr std::uint32_t kNone32 = 0xffffffff;  ///< the number is in the zip64 record
inline constexpr std::uint16_t kNone16 = 0xffff;

inline constexpr std::uint16_t kStored = 0;
inline constexpr std::uint16_t kDeflated = 8;
inline constexpr std::uint16_t kEncryptedFlag = 1;
inline constexpr std::uint16_t kUtf8Flag = 1 << 11;
inline constexpr std::uint16_t kFirstDate = (1 << 5) | 1;  ///< 1980-01-01, the earliest date there is

}  // namespace fathom::detail::zip
