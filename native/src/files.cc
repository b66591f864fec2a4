#include "files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>

#include "args.h"
#include "errors.h"
#include "fd.h"

namespace native {
namespace {

bool WriteAll(int fd, const Bytes& content) {
  size_t done = 0;
  while (done < content.length) {
    const ssize_t put = write(fd, content.data + done, content.length - done);
    if (put < 0 && errno != EINTR) return false;
    if (put > 0) done += static_cast<size_t>(put);
  }
  return true;
}

/// sealedFile(name, content)
Napi::Value SealedFile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes content;
  if (!info[0].IsString()) {
    ThrowType(env, "name must be a string");
    return {};
  }
  if (!ToBytes(env, info[1], "content", &content)) return {};
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  UniqueFd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.IsOpen()) {
    ThrowErrno(env, errno, "memfd_create");
    return {};
  }
  if (!WriteAll(fd.Get(), content)) {
    ThrowErrno(env, errno, "write");
    return {};
  }
  if (fcntl(fd.Get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    ThrowErrno(env, errno, "fcntl");
    return {};
  }
  // Opened anew, for reading: a shared mapping of a descriptor that can be written is refused once the file is sealed,
  // and readers of keymaps do ask for one. (From the start again, too.)
  const std::string path = "/proc/self/fd/" + std::to_string(fd.Get());
  const int reader = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (reader >= 0) {
    fd.Reset(reader);
  } else if (lseek(fd.Get(), 0, SEEK_SET) < 0) {
    ThrowErrno(env, errno, "lseek");
    return {};
  }
  return Napi::Number::New(env, fd.Release());
}

/// lockFile(path): its descriptor, or null when somebody else holds the lock
Napi::Value LockFile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!ToPath(env, info[0], &path)) return {};
  UniqueFd fd(open(path.c_str(), O_CREAT | O_CLOEXEC | O_RDWR | O_NOFOLLOW, 0660));
  if (!fd.IsOpen()) {
    ThrowErrno(env, errno, "open", path);
    return {};
  }
  int result = 0;
  do {
    result = flock(fd.Get(), LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno == EWOULDBLOCK) return env.Null();
  if (result != 0) {
    ThrowErrno(env, errno, "flock", path);
    return {};
  }
  return Napi::Number::New(env, fd.Release());
}

}  // namespace

void RegisterFileFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("sealedFile", Napi::Function::New<SealedFile>(env, "sealedFile"));
  exports.Set("lockFile", Napi::Function::New<LockFile>(env, "lockFile"));
}

}  // namespace native
