#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "fd_handle.h"

namespace native {

class UnixSocket final : public FdHandle<UnixSocket> {
 public:
  static constexpr Kind kKind = Kind::kUnixSocket;
  static constexpr const char* kName = "UnixSocket";
  using State = UniqueFd;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit UnixSocket(const Napi::CallbackInfo& info);

  void OnReady(Napi::Env env, int events) override;

 private:
  Napi::Value Receive(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value SendRows(const Napi::CallbackInfo& info);
  Napi::Value SetSendBuffer(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  /// sendmsg; bytes taken, or -1 when the socket is full. Empty with an exception pending on failure.
  Napi::Value SendMessage(Napi::Env env, const struct msghdr& message);
};

/// A socket address of `path`. False with ENAMETOOLONG pending.
bool ToAddress(Napi::Env env, const std::string& path, const char* syscall, struct sockaddr_un* out);

/// A new non-blocking, close-on-exec stream socket. Not open, with an exception pending, on failure.
UniqueFd NewUnixSocket(Napi::Env env);

}  // namespace native
