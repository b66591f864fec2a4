#pragma once

#include "fd_handle.h"

namespace native {

class EventFd final : public FdHandle<EventFd> {
 public:
  static constexpr Kind kKind = Kind::kEventFd;
  static constexpr const char* kName = "EventFd";
  using State = UniqueFd;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit EventFd(const Napi::CallbackInfo& info);

  void OnReady(Napi::Env env, int events) override;

 private:
  Napi::Value Signal(const Napi::CallbackInfo& info);
  Napi::Value Drain(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  /// 1: the counter was not 0 and is now; 0: it was; -1: errno.
  int Clear();
};

}  // namespace native
