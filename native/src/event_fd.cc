#include "event_fd.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "args.h"

namespace native {
namespace {

Napi::Value CreateEventFd(const Napi::CallbackInfo& info) {
  UniqueFd fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd.IsOpen()) {
    ThrowErrno(info.Env(), errno, "eventfd");
    return {};
  }
  return EventFd::Create(info.Env(), std::move(fd));
}

/// Lets others have the processor: whoever busy-waits for somebody who may need it.
Napi::Value YieldCpu(const Napi::CallbackInfo&) {
  sched_yield();
  return {};
}

/// There is no system call that tells; /proc does. Where it is out of reach (not mounted; a sandbox), all anonymous
/// files pass.
bool LooksLikeEventFd(int fd) {
  struct stat status;
  if (StatusOf(fd, &status) != 0 || (status.st_mode & S_IFMT) != 0) return false;
  char path[64];
  char target[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(path, target, sizeof(target));
  if (length < 0) return true;
  constexpr char kExpected[] = "anon_inode:[eventfd]";
  return length == sizeof(kExpected) - 1 && memcmp(target, kExpected, sizeof(kExpected) - 1) == 0;
}

Napi::Value AdoptEventFd(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  int error = fcntl(fd, F_GETFD) < 0 ? errno : 0;
  if (error == 0 && !LooksLikeEventFd(fd)) error = EINVAL;
  if (error == 0) error = PrepareAdopted(fd);
  if (error != 0) {
    ThrowErrno(info.Env(), error, "adopt", "descriptor " + std::to_string(fd) + " is not a usable eventfd");
    return {};
  }
  return EventFd::Create(info.Env(), UniqueFd(fd));
}

}  // namespace

void EventFd::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<EventFd>(env, addon,
                    {FdAccessor(), ClosedAccessor(),
                     InstanceMethod<&EventFd::Signal>("signal"), InstanceMethod<&EventFd::Drain>("drain"),
                     InstanceMethod<&EventFd::Watch>("watch"), InstanceMethod<&EventFd::Close>("close")});
  exports.Set("createEventFd", Napi::Function::New<CreateEventFd>(env, "createEventFd"));
  exports.Set("yieldCpu", Napi::Function::New<YieldCpu>(env, "yieldCpu"));
  exports.Set("adoptEventFd", Napi::Function::New<AdoptEventFd>(env, "adoptEventFd"));
}

EventFd::EventFd(const Napi::CallbackInfo& info) : FdHandle<EventFd>(info) {
  if (State* state = Take<State>(info)) fd_ = std::move(*state);
}

int EventFd::Clear() {
  uint64_t count = 0;
  ssize_t got = 0;
  do {
    got = read(fd_.Get(), &count, sizeof(count));
  } while (got < 0 && errno == EINTR);
  if (got >= 0) return 1;
  return errno == EAGAIN ? 0 : -1;
}

void EventFd::OnReady(Napi::Env env, int) {
  // Somebody else may have drained it since the loop looked: then there is nothing to tell.
  if (Clear() == 1) watcher_.Call(env, {});
}

Napi::Value EventFd::Signal(const Napi::CallbackInfo& info) {
  if (!CheckOpen(info.Env())) return {};
  const uint64_t one = 1;
  ssize_t put = 0;
  do {
    put = write(fd_.Get(), &one, sizeof(one));
  } while (put < 0 && errno == EINTR);
  // EAGAIN: the counter is full, so the peer has not even seen the earlier signals.
  if (put < 0 && errno != EAGAIN) ThrowErrno(info.Env(), errno, "write");
  return {};
}

Napi::Value EventFd::Drain(const Napi::CallbackInfo& info) {
  if (!CheckOpen(info.Env())) return {};
  const int result = Clear();
  if (result < 0) {
    ThrowErrno(info.Env(), errno, "read");
    return {};
  }
  return Napi::Boolean::New(info.Env(), result == 1);
}

Napi::Value EventFd::Watch(const Napi::CallbackInfo& info) { return WatchReadable(info); }

Napi::Value EventFd::Close(const Napi::CallbackInfo&) {
  CloseFd();
  return {};
}

}  // namespace native
