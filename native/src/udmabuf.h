// dma-bufs over pages of memfds (linux/udmabuf.h).
#pragma once

#include <napi.h>

namespace native {

void RegisterUdmabufFunctions(Napi::Env env, Napi::Object exports);

}  // namespace native
