#include "paths.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace native {

RemovablePath::RemovablePath(const char* path) : path_(path) { there_ = Look(path_, &identity_); }

bool RemovablePath::Look(const std::string& path, Identity* out) {
  struct statx status;
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return false;
  const bool born = (status.stx_mask & STATX_BTIME) != 0;
  out->device = makedev(status.stx_dev_major, status.stx_dev_minor);
  out->inode = status.stx_ino;
  out->born_ns = born ? status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec : 0;
  out->folder = S_ISDIR(status.stx_mode);
  return true;
}

void RemovablePath::Remove() {
  Identity now;
  if (!there_ || !Look(path_, &now) || !(now == identity_)) return;
  there_ = false;
  if (now.folder) rmdir(path_.c_str());
  else unlink(path_.c_str());
}

int ConnectTo(const char* path) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t length = strlen(path);
  if (length >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, length);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const struct sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace native
