#include "pixels.h"

#include <bit>
#include <cstring>

namespace native {
namespace {

static_assert(std::endian::native == std::endian::little, "vhost-user memory is little-endian here");

constexpr unsigned kSwapRedBlue = 2 | 1 << 2 | 0 << 4 | 3 << 6;

/// Applies `convert` to each pixel. Through memcpy: offsets need not be multiples of 4. GCC vectorises this.
template <typename Convert>
void ForEach(uint8_t* target, const uint8_t* source, size_t pixels, Convert convert) {
  for (size_t i = 0; i < pixels; i++) {
    uint32_t pixel;
    memcpy(&pixel, source + i * 4, 4);
    pixel = convert(pixel);
    memcpy(target + i * 4, &pixel, 4);
  }
}

}  // namespace

void ConvertPixelRow(uint8_t* target, const uint8_t* source, size_t pixels, unsigned swizzle, uint32_t or_mask) {
  if (swizzle == kIdentitySwizzle && or_mask == 0) {
    memmove(target, source, pixels * 4);
    return;
  }
  if (swizzle == kIdentitySwizzle) {
    ForEach(target, source, pixels, [=](uint32_t p) { return p | or_mask; });
    return;
  }
  if (swizzle == kSwapRedBlue) {
    ForEach(target, source, pixels, [=](uint32_t p) {
      return (p & 0xff00ff00u) | (p >> 16 & 0xffu) | (p & 0xffu) << 16 | or_mask;
    });
    return;
  }
  const unsigned s0 = (swizzle & 3) * 8;
  const unsigned s1 = (swizzle >> 2 & 3) * 8;
  const unsigned s2 = (swizzle >> 4 & 3) * 8;
  const unsigned s3 = (swizzle >> 6 & 3) * 8;
  ForEach(target, source, pixels, [=](uint32_t p) {
    return (p >> s0 & 0xffu) | (p >> s1 & 0xffu) << 8 | (p >> s2 & 0xffu) << 16 | (p >> s3 & 0xffu) << 24 | or_mask;
  });
}

}  // namespace native
