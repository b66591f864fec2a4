// The common part of the objects that own one descriptor: fd, closed, watching.
#pragma once

#include "addon.h"
#include "fd.h"
#include "watcher.h"

namespace native {

template <typename T>
class FdHandle : public Handle<T>, public WatchOwner {
 public:
  explicit FdHandle(const Napi::CallbackInfo& info) : Handle<T>(info), watcher_(*this) {}

  Napi::Value GetFd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), fd_.Get()); }
  Napi::Value GetClosed(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), !fd_.IsOpen());
  }

  /// The properties that all kinds have.
  static Napi::ClassPropertyDescriptor<T> FdAccessor() { return T::InstanceAccessor("fd", &T::GetFd, nullptr); }
  static Napi::ClassPropertyDescriptor<T> ClosedAccessor() {
    return T::InstanceAccessor("closed", &T::GetClosed, nullptr);
  }

  Napi::Object Self() override { return this->Value(); }
  void Hold() override { this->Ref(); }
  void Unhold() override { this->Unref(); }

 protected:
  /// False with ERR_CLOSED pending.
  bool CheckOpen(Napi::Env env) const {
    if (fd_.IsOpen()) return true;
    ThrowClosed(env, T::kName);
    return false;
  }

  void CloseFd() {
    // Before the descriptor: the number may be reused at once, and libuv must have forgotten it by then.
    watcher_.Close();
    fd_.Reset();
  }

  /// `watch(callback | null)` of the kinds that wait for input only.
  Napi::Value WatchReadable(const Napi::CallbackInfo& info) {
    if (!CheckOpen(info.Env())) return {};
    if (info[0].IsNull() || info[0].IsUndefined()) {
      watcher_.Stop();
    } else if (info[0].IsFunction()) {
      watcher_.Start(info.Env(), fd_.Get(), kReadable, info[0].As<Napi::Function>());
    } else {
      ThrowType(info.Env(), "callback must be a function or null");
    }
    return {};
  }

  // In this order: the watcher is destroyed before the descriptor is closed.
  UniqueFd fd_;
  Watcher watcher_;
};

}  // namespace native
