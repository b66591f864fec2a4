// The paths that the broker was given.
#pragma once

#include <cstdint>
#include <string>

namespace native {

/// Something in the file system that is to be removed at the end: a socket, a link, an empty folder.
class RemovablePath {
 public:
  /// Remembers what is there now.
  explicit RemovablePath(const char* path);

  /// Removes it, unless it is gone or something else is there by now.
  void Remove();

 private:
  struct Identity {
    uint64_t device;
    uint64_t inode;
    /// Tells it from a later file that got the same number; 0 where the file system does not say.
    int64_t born_ns;
    bool folder;
    bool operator==(const Identity&) const = default;
  };

  static bool Look(const std::string& path, Identity* out);

  std::string path_;
  Identity identity_ = {};
  bool there_ = false;
};

/// A non-blocking, close-on-exec socket that is connected to `path`; -1 with errno.
int ConnectTo(const char* path);

}  // namespace native
