#include "unix_listener.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "args.h"
#include "unix_socket.h"

namespace native {
namespace {

constexpr uint64_t kModeMax = 0777;
constexpr uint64_t kBacklogMax = 65535;

/// Whether `path` is a socket that nobody listens on any more. Nothing but a refused connection proves it.
bool IsStale(const std::string& path, const struct sockaddr_un& address) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.IsOpen() &&
         connect(probe.Get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

/// `path` from the root, so that a later chdir does not make us unlink something else.
std::string Absolute(const std::string& path) {
  if (path[0] == '/') return path;
  char* folder = getcwd(nullptr, 0);
  if (folder == nullptr) return {};
  std::string absolute = std::string(folder) + "/" + path;
  free(folder);
  return absolute;
}

void RemoveIfSame(const BoundPath& bound) {
  struct stat status;
  if (!bound.path.empty() && lstat(bound.path.c_str(), &status) == 0 && status.st_dev == bound.device &&
      status.st_ino == bound.inode) {
    unlink(bound.path.c_str());
  }
}

/// listenUnix(path, mode | null, backlog)
Napi::Value ListenUnix(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  uint64_t mode = 0;
  uint64_t backlog = 0;
  struct sockaddr_un address;
  const bool with_mode = !info[1].IsNull();
  if (!ToPath(env, info[0], &path) || (with_mode && !ToInteger(env, info[1], "mode", kModeMax, &mode)) ||
      !ToInteger(env, info[2], "backlog", kBacklogMax, &backlog) || !ToAddress(env, path, "bind", &address)) {
    return {};
  }
  ListenerState state;
  state.fd = NewUnixSocket(env);
  if (!state.fd.IsOpen()) return {};

  const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
  int error = bind(state.fd.Get(), generic, sizeof(address)) == 0 ? 0 : errno;
  if (error == EADDRINUSE && IsStale(path, address)) {
    error = unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
    if (error == 0 && bind(state.fd.Get(), generic, sizeof(address)) != 0) error = errno;
  }
  if (error != 0) {
    ThrowErrno(env, error, "bind", path);
    return {};
  }
  struct stat status;
  if (lstat(path.c_str(), &status) == 0) state.bound = {Absolute(path), status.st_dev, status.st_ino};

  // Before listen(): until then nobody can connect, so the mode applies from the first connection on.
  const char* syscall = "chmod";
  error = with_mode && chmod(path.c_str(), static_cast<mode_t>(mode)) != 0 ? errno : 0;
  if (error == 0 && listen(state.fd.Get(), static_cast<int>(backlog)) != 0) {
    syscall = "listen";
    error = errno;
  }
  if (error != 0) {
    RemoveIfSame(state.bound);
    ThrowErrno(env, error, syscall, path);
    return {};
  }
  return UnixListener::Create(env, std::move(state));
}

Napi::Value AdoptListener(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = -1;
  if (!ToFd(env, info[0], &fd)) return {};
  int error = CheckUnixStream(fd, true);
  if (error == 0) error = PrepareAdopted(fd);
  if (error != 0) {
    ThrowErrno(env, error, "adopt", "descriptor " + std::to_string(fd) + " is not a listening unix stream socket");
    return {};
  }
  return UnixListener::Create(env, ListenerState{UniqueFd(fd), {}});
}

}  // namespace

void UnixListener::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<UnixListener>(
      env, addon,
      {FdAccessor(), ClosedAccessor(),
       InstanceMethod<&UnixListener::Accept>("accept"), InstanceMethod<&UnixListener::Watch>("watch"),
       InstanceMethod<&UnixListener::Close>("close")});
  exports.Set("listenUnix", Napi::Function::New<ListenUnix>(env, "listenUnix"));
  exports.Set("adoptListener", Napi::Function::New<AdoptListener>(env, "adoptListener"));
}

UnixListener::UnixListener(const Napi::CallbackInfo& info) : FdHandle<UnixListener>(info) {
  if (State* state = Take<State>(info)) {
    fd_ = std::move(state->fd);
    bound_ = std::move(state->bound);
  }
}

void UnixListener::Unlink() {
  RemoveIfSame(bound_);
  bound_.path.clear();
}

void UnixListener::OnReady(Napi::Env env, int) { watcher_.Call(env, {}); }

Napi::Value UnixListener::Accept(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return {};
  UniqueFd fd;
  do {
    fd.Reset(accept4(fd_.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  } while (!fd.IsOpen() && (errno == EINTR || errno == ECONNABORTED));
  if (fd.IsOpen()) return UnixSocket::Create(env, std::move(fd));
  if (errno == EAGAIN) return env.Null();
  ThrowErrno(env, errno, "accept");
  return {};
}

Napi::Value UnixListener::Watch(const Napi::CallbackInfo& info) { return WatchReadable(info); }

Napi::Value UnixListener::Close(const Napi::CallbackInfo&) {
  // The path first: with the descriptor closed, another process may take the path for a stale one, bind it
  // anew, and have it unlinked by us if the file system reuses the inode number.
  Unlink();
  CloseFd();
  return {};
}

}  // namespace native
