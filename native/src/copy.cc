#include "copy.h"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Fuzzers build this with a limit that small copies come to.
#ifndef STREAMED_COPY_MIN_BYTES
#define STREAMED_COPY_MIN_BYTES (uint64_t{4} << 20)
#endif

namespace native {
namespace {

/// Half of a 1920x1080 picture. All of one fits the last-level cache of a common server, with its source, but a virtual
/// machine is at work there, too: where it is, a streamed picture takes half of the time, and a display that reads it at
/// once is no slower.
[[maybe_unused]] constexpr uint64_t kStreamedMin = STREAMED_COPY_MIN_BYTES;

}  // namespace

#ifdef __SSE2__

namespace {

constexpr size_t kLine = 64;
constexpr size_t kVector = sizeof(__m128i);
/// How far ahead a streamed copy fetches what it reads.
constexpr size_t kAhead = 4096;

/// Copies whole lines; returns the bytes that are done. Streamed ones need an aligned target.
///
/// Why not memcpy: for the short rows of small rectangles the call takes as long as the copy, and for those of 2 KiB and
/// more some versions of glibc use `rep movsb`, which takes ten times as long on Zen 3 and 4 when the target lies 1 to 31
/// bytes further into its page than the source.
template <Store kStore>
size_t CopyLines(uint8_t* target, const uint8_t* source, size_t length, const uint8_t* next) {
  const auto store = [](uint8_t* at, __m128i value) {
    auto* vector = reinterpret_cast<__m128i*>(at);
    if constexpr (kStore == Store::kStreamed) {
      _mm_stream_si128(vector, value);
    } else {
      _mm_storeu_si128(vector, value);
    }
  };
  size_t at = 0;
  for (; length - at >= kLine; at += kLine) {
    // Scattered pages: the processor's own prefetching ends with each page.
    if constexpr (kStore == Store::kStreamed) _mm_prefetch(reinterpret_cast<const char*>(next) + at, _MM_HINT_T0);
    const auto* from = reinterpret_cast<const __m128i*>(source + at);
    const __m128i a = _mm_loadu_si128(from);
    const __m128i b = _mm_loadu_si128(from + 1);
    const __m128i c = _mm_loadu_si128(from + 2);
    const __m128i d = _mm_loadu_si128(from + 3);
    store(target + at, a);
    store(target + at + kVector, b);
    store(target + at + 2 * kVector, c);
    store(target + at + 3 * kVector, d);
  }
  return at;
}

}  // namespace

Store StoreFor(uint64_t bytes) { return bytes >= kStreamedMin ? Store::kStreamed : Store::kCached; }

void Copy(Store store, uint8_t* target, const uint8_t* source, size_t length, const uint8_t* next) {
  size_t done = 0;
  if (store == Store::kStreamed) {
    done = std::min(length, -reinterpret_cast<uintptr_t>(target) % kVector);
    memcpy(target, source, done);
    while (length - done >= kLine) {
      const size_t here = std::min(length - done, kAhead);
      const uint8_t* ahead = done + here < length ? source + done + here : next;
      done += CopyLines<Store::kStreamed>(target + done, source + done, here, ahead);
    }
  } else {
    done = CopyLines<Store::kCached>(target, source, length, next);
  }
  memcpy(target + done, source + done, length - done);
}

void Fetch(const uint8_t* bytes, size_t length) {
  for (size_t at = 0; at < length; at += kLine) _mm_prefetch(reinterpret_cast<const char*>(bytes) + at, _MM_HINT_T0);
}

void FinishCopies(Store store) {
  if (store == Store::kStreamed) _mm_sfence();
}

#else

Store StoreFor(uint64_t) { return Store::kCached; }

void Copy(Store, uint8_t* target, const uint8_t* source, size_t length, const uint8_t*) {
  memcpy(target, source, length);
}

void Fetch(const uint8_t*, size_t) {}

void FinishCopies(Store) {}

#endif

void CopyRows(uint8_t* target, uint64_t target_stride, const uint8_t* source, uint64_t source_stride, uint64_t row_bytes,
              uint64_t rows) {
  const Store store = StoreFor(row_bytes * rows);
  for (uint64_t row = 0; row < rows; row++) {
    const uint8_t* from = source + row * source_stride;
    Copy(store, target + row * target_stride, from, row_bytes, from + source_stride);
  }
  FinishCopies(store);
}

}  // namespace native
