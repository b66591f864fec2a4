#include "io_uring.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "args.h"
#include "errors.h"

namespace native {
namespace {

/// usesIoUring(): whether a ring is among the descriptors. False where /proc is out of reach.
Napi::Value UsesIoUring(const Napi::CallbackInfo& info) {
  bool found = false;
  if (DIR* folder = opendir("/proc/self/fd"); folder != nullptr) {
    while (const struct dirent* entry = readdir(folder)) {
      char target[64];
      const ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target));
      if (length > 0 && std::string_view(target, static_cast<size_t>(length)) == "anon_inode:[io_uring]") found = true;
    }
    closedir(folder);
  }
  return Napi::Boolean::New(info.Env(), found);
}

/// For the calling thread and the programs that it becomes: as on a kernel without io_uring. 0 or an errno.
int HideIoUring() {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

bool ToFds(Napi::Env env, const Napi::Value& value, std::vector<int>* out) {
  if (!value.IsArray()) {
    ThrowType(env, "descriptors must be an array of numbers");
    return false;
  }
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    int fd = -1;
    if (!ToFd(env, list.Get(i), &fd)) return false;
    out->push_back(fd);
  }
  return true;
}

/// restartWithoutIoUring(program, arguments, descriptors that stay open)
Napi::Value RestartWithoutIoUring(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  std::vector<std::string> words;
  std::vector<int> kept;
  if (!ToPath(env, info[0], &path) || !ToWords(env, info[1], &words) || !ToFds(env, info[2], &kept)) return {};
  // Where it is hidden already, the ring is somebody else's, and starting again would change nothing.
  syscall(SYS_io_uring_setup, 0, nullptr);
  int error = errno == ENOSYS ? ENOSYS : HideIoUring();
  if (error == 0) {
    // libuv makes what a process inherits close-on-exec.
    for (const int fd : kept) fcntl(fd, F_SETFD, 0);
    std::vector<char*> arguments = {path.data()};
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(path.c_str(), arguments.data());
    error = errno;
  }
  ThrowErrno(env, error, "execv", path);
  return {};
}

}  // namespace

void RegisterIoUringFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("usesIoUring", Napi::Function::New<UsesIoUring>(env, "usesIoUring"));
  exports.Set("restartWithoutIoUring", Napi::Function::New<RestartWithoutIoUring>(env, "restartWithoutIoUring"));
}

}  // namespace native
