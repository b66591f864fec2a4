// Copies of pixels between memory that does not overlap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace native {

/// How the bytes are stored. To stream is to store past the caches.
enum class Store { kCached, kStreamed };

/// The way for a copy of `bytes` in all: streamed when the copy would only push other things out of the caches, and be
/// out of them itself before somebody reads it.
Store StoreFor(uint64_t bytes);

/// Copies `length` bytes. `next` is where the copy that follows this one will read (any address: it is only fetched in
/// advance). FinishCopies before somebody else is told.
void Copy(Store store, uint8_t* target, const uint8_t* source, size_t length, const uint8_t* next);

/// Has what will soon be copied, or written to, fetched in advance. Any address will do.
void Fetch(const uint8_t* bytes, size_t length);

/// Makes streamed bytes visible, in order, before all that is stored later.
void FinishCopies(Store store);

/// Copies `rows` rows of `row_bytes`.
void CopyRows(uint8_t* target, uint64_t target_stride, const uint8_t* source, uint64_t source_stride, uint64_t row_bytes,
              uint64_t rows);

}  // namespace native
