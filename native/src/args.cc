#include "args.h"

#include <cmath>

#include "errors.h"

namespace native {

bool ToInteger(Napi::Env env, napi_value value, const char* name, uint64_t max, uint64_t* out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    ThrowType(env, std::string(name) + " must be a number");
    return false;
  }
  // NaN fails the first comparison. `max` is at most 2^53 - 1, thus exact as a double.
  if (!(number >= 0) || number > static_cast<double>(max) || number != std::trunc(number)) {
    ThrowRange(env, std::string(name) + " must be an integer from 0 to " + std::to_string(max));
    return false;
  }
  *out = static_cast<uint64_t>(number);
  return true;
}

bool ToFd(Napi::Env env, napi_value value, int* out) {
  uint64_t number = 0;
  if (!ToInteger(env, value, "fd", INT_MAX, &number)) return false;
  *out = static_cast<int>(number);
  return true;
}

bool ToBytes(Napi::Env env, napi_value value, const char* name, Bytes* out) {
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  size_t length = 0;
  const napi_status status = napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != napi_uint8_array) {
    ThrowType(env, std::string(name) + " must be a Uint8Array");
    return false;
  }
  *out = {static_cast<uint8_t*>(data), length};
  return true;
}

bool ToPath(Napi::Env env, napi_value value, std::string* out) {
  const Napi::Value path(env, value);
  if (!path.IsString()) {
    ThrowType(env, "path must be a string");
    return false;
  }
  *out = path.As<Napi::String>().Utf8Value();
  if (out->empty() || out->find('\0') != std::string::npos) {
    ThrowType(env, "path must not be empty nor contain NUL");
    return false;
  }
  return true;
}

bool ToWords(Napi::Env env, napi_value value, std::vector<std::string>* out) {
  const Napi::Value words(env, value);
  if (!words.IsArray()) {
    ThrowType(env, "arguments must be an array of strings");
    return false;
  }
  const Napi::Array list = words.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value word = list.Get(i);
    if (word.IsString()) out->push_back(word.As<Napi::String>().Utf8Value());
    if (!word.IsString() || out->back().find('\0') != std::string::npos) {
      ThrowType(env, "arguments must be strings without NUL");
      return false;
    }
  }
  return true;
}

}  // namespace native
