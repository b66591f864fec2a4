#include "errors.h"

#include <uv.h>

#include <cstring>

namespace native {
namespace {

const char* ErrorName(int error) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
  if (const char* name = strerrorname_np(error)) return name;
#endif
  return uv_err_name(-error);
}

void ThrowWithCode(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
}

}  // namespace

void ThrowErrno(Napi::Env env, int number, const char* syscall, const std::string& detail) {
  const char* name = ErrorName(number);
  std::string message = std::string(name) + ": " + strerror(number) + ", " + syscall;
  if (!detail.empty()) message += ": " + detail;
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, name));
  error.Set("errno", Napi::Number::New(env, -number));
  error.Set("syscall", Napi::String::New(env, syscall));
  error.ThrowAsJavaScriptException();
}

void ThrowClosed(Napi::Env env, const char* what) {
  ThrowWithCode(env, "ERR_CLOSED", std::string(what) + " is closed");
}

void ThrowReadOnly(Napi::Env env) { ThrowWithCode(env, "ERR_READ_ONLY", "the mapping is not writable"); }

void ThrowRange(Napi::Env env, const std::string& message) {
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
}

void ThrowType(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

}  // namespace native
