// Registration: everything that index.ts sees.
#include "addon.h"

#include "broker_link.h"
#include "drm.h"
#include "event_fd.h"
#include "fd.h"
#include "files.h"
#include "io_uring.h"
#include "mapping.h"
#include "pipe.h"
#include "sandbox.h"
#include "scatter_gather.h"
#include "udmabuf.h"
#include "unix_listener.h"
#include "unix_socket.h"
#include "watcher.h"

namespace native {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* addon = new Addon;
  env.SetInstanceData(addon);
  addon->loop = CreateLoopState(env);
  if (addon->loop == nullptr) return exports;
  UnixSocket::Init(env, *addon, exports);
  UnixListener::Init(env, *addon, exports);
  EventFd::Init(env, *addon, exports);
  Mapping::Init(env, *addon, exports);
  ScatterGather::Init(env, *addon, exports);
  Pipe::Init(env, *addon, exports);
  DrmDevice::Init(env, *addon, exports);
  BrokerLink::Init(env, *addon, exports);
  RegisterFdFunctions(env, exports);
  RegisterFileFunctions(env, exports);
  RegisterUdmabufFunctions(env, exports);
  RegisterSandboxFunctions(env, exports);
  RegisterIoUringFunctions(env, exports);
  return exports;
}

}  // namespace
}  // namespace native

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) { return native::Init(env, exports); }

NODE_API_MODULE(core, InitModule)
