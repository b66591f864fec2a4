// io_uring: what a process submits through a ring, seccomp does not see.
#pragma once

#include <napi.h>

namespace native {

/// Registers usesIoUring and restartWithoutIoUring.
void RegisterIoUringFunctions(Napi::Env env, Napi::Object exports);

}  // namespace native
