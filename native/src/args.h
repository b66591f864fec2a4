// Arguments from JavaScript, checked. Each function returns false with an exception pending.
#pragma once

#include <napi.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace native {

/// Largest integer that a JavaScript number holds exactly, 2^53 - 1.
constexpr uint64_t kMaxSafeInteger = (uint64_t{1} << 53) - 1;

/// An integer from 0 to `max`. TypeError when it is no number, RangeError when it is any other number.
bool ToInteger(Napi::Env env, napi_value value, const char* name, uint64_t max, uint64_t* out);

/// A descriptor number, 0 to INT_MAX. Whether it is open is for the system call to say.
bool ToFd(Napi::Env env, napi_value value, int* out);

struct Bytes {
  uint8_t* data;
  size_t length;
};

/// The bytes of a Uint8Array or Buffer. The pointer is good until JavaScript runs again.
bool ToBytes(Napi::Env env, napi_value value, const char* name, Bytes* out);

/// A file system path without NUL bytes.
bool ToPath(Napi::Env env, napi_value value, std::string* out);

/// Arguments of a program: an array of strings without NUL bytes.
bool ToWords(Napi::Env env, napi_value value, std::vector<std::string>* out);

/// Whether [offset, offset + length) lies within `limit` bytes.
inline bool RangeFits(uint64_t limit, uint64_t offset, uint64_t length) {
  return offset <= limit && length <= limit - offset;
}

/// Whether `rows` rows of `row_bytes`, the first at `offset`, each `stride` after the last, lie within `limit`.
inline bool RowsFit(uint64_t limit, uint64_t offset, uint64_t stride, uint64_t row_bytes, uint64_t rows) {
  if (rows == 0 || row_bytes == 0) return offset <= limit;
  // Each factor is below 2^56, so 128 bits can't overflow.
  const unsigned __int128 last = static_cast<unsigned __int128>(rows - 1) * stride;
  return last + offset + row_bytes <= limit;
}

}  // namespace native
