#pragma once

#include "fd_handle.h"

namespace native {

/// One end of a pipe, or anything else that bytes are read from or written to one after the other.
class Pipe final : public FdHandle<Pipe> {
 public:
  static constexpr Kind kKind = Kind::kPipe;
  static constexpr const char* kName = "Pipe";
  using State = UniqueFd;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit Pipe(const Napi::CallbackInfo& info);

  void OnReady(Napi::Env env, int events) override;

 private:
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
};

}  // namespace native
