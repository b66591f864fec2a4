#include "fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "args.h"
#include "errors.h"

namespace native {
namespace {

Napi::Value CloseFd(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  // EINTR: Linux has freed the number all the same.
  if (::close(fd) != 0 && errno != EINTR) ThrowErrno(info.Env(), errno, "close");
  return {};
}

Napi::Value DupFd(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  // From 3 up: a duplicate must not become somebody's standard output.
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    ThrowErrno(info.Env(), errno, "fcntl");
    return {};
  }
  return Napi::Number::New(info.Env(), copy);
}

bool Stat(const Napi::CallbackInfo& info, struct stat* out) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return false;
  const int error = StatusOf(fd, out);
  if (error != 0) ThrowErrno(info.Env(), error, "fstat");
  return error == 0;
}

Napi::Value FileSize(const Napi::CallbackInfo& info) {
  struct stat status;
  if (!Stat(info, &status)) return {};
  return Napi::Number::New(info.Env(), static_cast<double>(status.st_size));
}

Napi::Value IsPlainFile(const Napi::CallbackInfo& info) {
  struct stat status;
  if (!Stat(info, &status)) return {};
  return Napi::Boolean::New(info.Env(), S_ISREG(status.st_mode));
}

Napi::Value FileIdentity(const Napi::CallbackInfo& info) {
  struct stat status;
  if (!Stat(info, &status)) return {};
  Napi::Object identity = Napi::Object::New(info.Env());
  identity.Set("device", Napi::BigInt::New(info.Env(), static_cast<uint64_t>(status.st_dev)));
  identity.Set("inode", Napi::BigInt::New(info.Env(), static_cast<uint64_t>(status.st_ino)));
  return identity;
}

Napi::Value PunchHole(const Napi::CallbackInfo& info) {
  int fd = -1;
  uint64_t offset = 0;
  uint64_t length = 0;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  if (!ToInteger(info.Env(), info[1], "offset", kMaxSafeInteger, &offset)) return {};
  if (!ToInteger(info.Env(), info[2], "length", kMaxSafeInteger, &length)) return {};
  int result = 0;
  do {
    result = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(length));
  } while (result != 0 && errno == EINTR);
  if (result != 0) ThrowErrno(info.Env(), errno, "fallocate");
  return {};
}

bool SocketOption(int fd, int option, int* out) {
  socklen_t size = sizeof(*out);
  return getsockopt(fd, SOL_SOCKET, option, out, &size) == 0;
}

Napi::Value IsSocketListening(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!ToFd(info.Env(), info[0], &fd)) return {};
  int listening = 0;
  if (!SocketOption(fd, SO_ACCEPTCONN, &listening)) {
    ThrowErrno(info.Env(), errno, "getsockopt");
    return {};
  }
  return Napi::Boolean::New(info.Env(), listening != 0);
}

}  // namespace

int StatusOf(int fd, struct stat* out) { return syscall(SYS_fstat, fd, out) == 0 ? 0 : errno; }

int PrepareAdopted(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return errno;
  if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  const int descriptor_flags = fcntl(fd, F_GETFD);
  if (descriptor_flags < 0 || fcntl(fd, F_SETFD, descriptor_flags | FD_CLOEXEC) != 0) return errno;
  return 0;
}

int CheckUnixStream(int fd, bool listening) {
  int domain = 0;
  int type = 0;
  int accepts = 0;
  if (!SocketOption(fd, SO_DOMAIN, &domain) || !SocketOption(fd, SO_TYPE, &type) ||
      !SocketOption(fd, SO_ACCEPTCONN, &accepts)) {
    return errno;
  }
  if (domain != AF_UNIX || type != SOCK_STREAM) return EPROTOTYPE;
  if ((accepts != 0) != listening) return EINVAL;
  return 0;
}

void RegisterFdFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("closeFd", Napi::Function::New<CloseFd>(env, "closeFd"));
  exports.Set("dupFd", Napi::Function::New<DupFd>(env, "dupFd"));
  exports.Set("fileSize", Napi::Function::New<FileSize>(env, "fileSize"));
  exports.Set("isPlainFile", Napi::Function::New<IsPlainFile>(env, "isPlainFile"));
  exports.Set("fileIdentity", Napi::Function::New<FileIdentity>(env, "fileIdentity"));
  exports.Set("punchHole", Napi::Function::New<PunchHole>(env, "punchHole"));
  exports.Set("isSocketListening", Napi::Function::New<IsSocketListening>(env, "isSocketListening"));
  exports.Set("pageSize", Napi::Number::New(env, static_cast<double>(sysconf(_SC_PAGESIZE))));
}

}  // namespace native
