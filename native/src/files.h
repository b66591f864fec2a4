// Files that are made and kept for others: sealed copies, lock files.
#pragma once

#include <napi.h>

namespace native {

void RegisterFileFunctions(Napi::Env env, Napi::Object exports);

}  // namespace native
