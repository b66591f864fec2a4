// Readiness callbacks from the event loop for one descriptor, on top of uv_poll.
#pragma once

#include <napi.h>
#include <uv.h>

#include <initializer_list>
#include <memory>
#include <unordered_set>

namespace native {

constexpr int kReadable = 1;
constexpr int kWritable = 2;

class Watcher;

/// The poll handles of one event loop. It outlives the instance data: libuv calls back about a closed handle
/// in a later turn of the loop, which may be after the environment is gone.
struct LoopState {
  uv_loop_t* loop = nullptr;
  std::unordered_set<Watcher*> open;
  /// Handles that libuv still knows, those that are closing included.
  size_t handles = 0;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool ending = false;
};

/// Makes the state of `env`'s loop and sees to it that no handle survives the environment (a worker's loop
/// aborts the process if one does). Null with an exception pending on failure.
std::shared_ptr<LoopState> CreateLoopState(Napi::Env env);

/// Implemented by the JavaScript object that owns the watched descriptor.
class WatchOwner {
 public:
  virtual ~WatchOwner() = default;
  /// Called with an open handle scope; `events` is of kReadable and kWritable. May close and free everything.
  virtual void OnReady(Napi::Env env, int events) = 0;
  virtual Napi::Object Self() = 0;
  /// While watched, the JavaScript object must not be collected: the loop holds a pointer to it.
  virtual void Hold() = 0;
  virtual void Unhold() = 0;
};

/// Level-triggered. An active watcher keeps the process and its owner alive.
class Watcher {
 public:
  explicit Watcher(WatchOwner& owner) : owner_(owner) {}
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() { Close(); }

  /// Starts, or changes what a started one waits for. False with an exception pending.
  bool Start(Napi::Env env, int fd, int events, Napi::Function callback);
  void Stop();
  /// Stops for good. The descriptor can be closed right after it.
  void Close();
  /// Calls the JavaScript callback. What it throws is reported as an uncaught exception here and now:
  /// N-API would leave it pending and blame the next, unrelated call for it.
  void Call(Napi::Env env, std::initializer_list<napi_value> args);

 private:
  /// Freed in libuv's close callback, thus after the Watcher.
  struct Poll {
    uv_poll_t handle;
    napi_env env;
    int fd;
    Watcher* watcher;
    std::shared_ptr<LoopState> state;
  };

  static void OnPoll(uv_poll_t* handle, int status, int events);
  static void OnClosed(uv_handle_t* handle);

  WatchOwner& owner_;
  Poll* poll_ = nullptr;
  int events_ = 0;
  Napi::FunctionReference callback_;
};

}  // namespace native
