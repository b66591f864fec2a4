#pragma once

#include "fd_handle.h"

namespace native {

/// An open node of Linux's virtio-gpu driver, in the guest (include/uapi/drm/virtgpu_drm.h).
class DrmDevice final : public FdHandle<DrmDevice> {
 public:
  static constexpr Kind kKind = Kind::kDrmDevice;
  static constexpr const char* kName = "DrmDevice";
  using State = UniqueFd;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit DrmDevice(const Napi::CallbackInfo& info);

  void OnReady(Napi::Env env, int events) override;

 private:
  Napi::Value GetParam(const Napi::CallbackInfo& info);
  Napi::Value GetCaps(const Napi::CallbackInfo& info);
  Napi::Value ContextInit(const Napi::CallbackInfo& info);
  Napi::Value CreateBlob(const Napi::CallbackInfo& info);
  Napi::Value Map(const Napi::CallbackInfo& info);
  Napi::Value Execbuffer(const Napi::CallbackInfo& info);
  Napi::Value Wait(const Napi::CallbackInfo& info);
  Napi::Value PrimeHandleToFd(const Napi::CallbackInfo& info);
  Napi::Value PrimeFdToHandle(const Napi::CallbackInfo& info);
  Napi::Value GemClose(const Napi::CallbackInfo& info);
  Napi::Value ResourceInfo(const Napi::CallbackInfo& info);
  Napi::Value ReadEvents(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  /// False with an exception pending.
  bool Call(Napi::Env env, unsigned long request, void* argument, const char* name);
};

}  // namespace native
