// Owned descriptors, and the functions that work on plain descriptor numbers.
#pragma once

#include <napi.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace native {

/// Closes what it holds. close() is never retried: on Linux the number is free even when it reports EINTR.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int Get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// fstat() by the system call that takes no path: in a sandbox the one that C libraries prefer is refused. 0 or an errno.
int StatusOf(int fd, struct stat* out);

/// Sets O_NONBLOCK and FD_CLOEXEC; returns 0 or an errno.
int PrepareAdopted(int fd);

/// 0 when `fd` is a unix stream socket that listens (or, with `listening` false, does not); else an errno.
int CheckUnixStream(int fd, bool listening);

void RegisterFdFunctions(Napi::Env env, Napi::Object exports);

}  // namespace native
