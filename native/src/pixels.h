// Byte rearrangement of 4-byte pixels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace native {

/// Leaves the bytes of a pixel where they are.
constexpr unsigned kIdentitySwizzle = 0 | 1 << 2 | 2 << 4 | 3 << 6;

/// One row: target byte i of a pixel is source byte `(swizzle >> 2*i) & 3`; then the little-endian pixel is
/// ORed with `or_mask`. The same row for both is fine; rows that overlap in another way are not.
void ConvertPixelRow(uint8_t* target, const uint8_t* source, size_t pixels, unsigned swizzle, uint32_t or_mask);

}  // namespace native
