// Errors as TypeScript sees them. Each function leaves a JavaScript exception pending: return at once after it.
#pragma once

#include <napi.h>

#include <string>

namespace native {

/// Error with `code` (errno name), `errno` (negative, as in Node's own errors) and `syscall`.
void ThrowErrno(Napi::Env env, int error, const char* syscall, const std::string& detail = {});
/// Error with code ERR_CLOSED.
void ThrowClosed(Napi::Env env, const char* what);
/// Error with code ERR_READ_ONLY.
void ThrowReadOnly(Napi::Env env);
void ThrowRange(Napi::Env env, const std::string& message);
void ThrowType(Napi::Env env, const std::string& message);

}  // namespace native
