#pragma once

#include <sys/types.h>

#include <string>

#include "fd_handle.h"

namespace native {

/// A path that this process bound. Unlinked when the object goes, if it still is the same inode.
struct BoundPath {
  std::string path;  // empty = not ours to remove
  dev_t device = 0;
  ino_t inode = 0;
};

struct ListenerState {
  UniqueFd fd;
  BoundPath bound;
};

class UnixListener final : public FdHandle<UnixListener> {
 public:
  static constexpr Kind kKind = Kind::kUnixListener;
  static constexpr const char* kName = "UnixListener";
  using State = ListenerState;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit UnixListener(const Napi::CallbackInfo& info);
  ~UnixListener() override { Unlink(); }

  void OnReady(Napi::Env env, int events) override;

 private:
  Napi::Value Accept(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  void Unlink();

  BoundPath bound_;
};

}  // namespace native
