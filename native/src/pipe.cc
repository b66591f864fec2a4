#include "pipe.h"

#include <fcntl.h>

#include <cerrno>

#include "args.h"

namespace native {
namespace {

Napi::Value CreatePipe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    ThrowErrno(env, errno, "pipe2");
    return {};
  }
  UniqueFd reader(fds[0]);
  UniqueFd writer(fds[1]);
  // Only our end: the other one is for a stranger, who may count on a write that waits.
  if (const int error = PrepareAdopted(reader.Get()); error != 0) {
    ThrowErrno(env, error, "fcntl");
    return {};
  }
  const Napi::Value pipe = Pipe::Create(env, std::move(reader));
  if (pipe.IsEmpty()) return {};
  Napi::Object result = Napi::Object::New(env);
  result.Set("reader", pipe);
  result.Set("writeFd", Napi::Number::New(env, writer.Get()));
  if (env.IsExceptionPending()) return {};
  writer.Release();
  return result;
}

Napi::Value AdoptPipe(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  if (const int error = PrepareAdopted(fd); error != 0) {
    ThrowErrno(info.Env(), error, "adopt", "descriptor " + std::to_string(fd));
    return {};
  }
  return Pipe::Create(info.Env(), UniqueFd(fd));
}

}  // namespace

void Pipe::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<Pipe>(env, addon,
                 {FdAccessor(), ClosedAccessor(), InstanceMethod<&Pipe::Read>("read"),
                  InstanceMethod<&Pipe::Write>("write"), InstanceMethod<&Pipe::Watch>("watch"),
                  InstanceMethod<&Pipe::Close>("close")});
  exports.Set("createPipe", Napi::Function::New<CreatePipe>(env, "createPipe"));
  exports.Set("adoptPipe", Napi::Function::New<AdoptPipe>(env, "adoptPipe"));
}

Pipe::Pipe(const Napi::CallbackInfo& info) : FdHandle<Pipe>(info) {
  if (State* state = Take<State>(info)) fd_ = std::move(*state);
}

void Pipe::OnReady(Napi::Env env, int events) { watcher_.Call(env, {Napi::Number::New(env, events)}); }

Napi::Value Pipe::Read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes target;
  if (!CheckOpen(env) || !ToBytes(env, info[0], "target", &target)) return {};
  if (target.length == 0) {
    // read would return 0, which means end of stream.
    ThrowRange(env, "target must not be empty");
    return {};
  }
  ssize_t bytes = 0;
  do {
    bytes = read(fd_.Get(), target.data, target.length);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0 && errno != EAGAIN) {
    ThrowErrno(env, errno, "read");
    return {};
  }
  return Napi::Number::New(env, static_cast<double>(bytes));
}

Napi::Value Pipe::Write(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes data;
  if (!CheckOpen(env) || !ToBytes(env, info[0], "data", &data)) return {};
  ssize_t bytes = 0;
  do {
    // SIGPIPE is ignored by Node: EPIPE it is.
    bytes = write(fd_.Get(), data.data, data.length);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0 && errno != EAGAIN) {
    ThrowErrno(env, errno, "write");
    return {};
  }
  return Napi::Number::New(env, static_cast<double>(bytes));
}

Napi::Value Pipe::Watch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t events = 0;
  if (!CheckOpen(env) || !ToInteger(env, info[0], "events", kReadable | kWritable, &events)) return {};
  if (events == 0) {
    watcher_.Stop();
  } else if (info[1].IsFunction()) {
    watcher_.Start(env, fd_.Get(), static_cast<int>(events), info[1].As<Napi::Function>());
  } else {
    ThrowType(env, "callback must be a function");
  }
  return {};
}

Napi::Value Pipe::Close(const Napi::CallbackInfo&) {
  CloseFd();
  return {};
}

}  // namespace native
