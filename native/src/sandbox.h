// Confinement of the process: what sandbox.ts sees.
#pragma once

#include <napi.h>

namespace native {

void RegisterSandboxFunctions(Napi::Env env, Napi::Object exports);

}  // namespace native
