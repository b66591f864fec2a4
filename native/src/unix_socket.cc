#include "unix_socket.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <climits>
#include <cstring>

#include "args.h"
#include "mapping.h"

namespace native {
namespace {

constexpr size_t kFdsMax = 32;
constexpr size_t kIovecsMax = 1024;  // UIO_MAXIOV: the kernel refuses more
/// Bytes offered to one sendmsg. More than any socket buffer takes; it only bounds the list that is built.
constexpr uint64_t kOfferMax = uint64_t{8} << 20;

union Control {
  char bytes[CMSG_SPACE(sizeof(int) * kFdsMax)];
  struct cmsghdr alignment;
};

Napi::Value ConnectUnix(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  struct sockaddr_un address;
  if (!ToPath(env, info[0], &path) || !ToAddress(env, path, "connect", &address)) return {};
  UniqueFd fd = NewUnixSocket(env);
  if (!fd.IsOpen()) return {};
  // A unix socket connects at once or not at all (EAGAIN: the listener's queue is full).
  int result = 0;
  do {
    result = connect(fd.Get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    ThrowErrno(env, errno, "connect", path);
    return {};
  }
  return UnixSocket::Create(env, std::move(fd));
}

/// connectDatagram(path): the descriptor of a socket on which each write is a message to that path
Napi::Value ConnectDatagram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  struct sockaddr_un address;
  if (!ToPath(env, info[0], &path) || !ToAddress(env, path, "connect", &address)) return {};
  socklen_t size = sizeof(address);
  // An abstract name (unix(7)) has the length that it has.
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
    size = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + path.size());
  }
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.IsOpen()) {
    ThrowErrno(env, errno, "socket");
    return {};
  }
  if (connect(fd.Get(), reinterpret_cast<const struct sockaddr*>(&address), size) != 0) {
    ThrowErrno(env, errno, "connect", path);
    return {};
  }
  return Napi::Number::New(env, fd.Release());
}

Napi::Value AdoptSocket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = -1;
  if (!ToFd(env, info[0], &fd)) return {};
  int error = CheckUnixStream(fd, false);
  if (error == 0) {
    struct sockaddr_un peer;
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<struct sockaddr*>(&peer), &size) != 0) error = errno;
  }
  if (error == 0) error = PrepareAdopted(fd);
  if (error != 0) {
    ThrowErrno(env, error, "adopt", "descriptor " + std::to_string(fd) + " is not a connected unix stream socket");
    return {};
  }
  return UnixSocket::Create(env, UniqueFd(fd));
}

Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    ThrowErrno(env, errno, "socketpair");
    return {};
  }
  UniqueFd first(fds[0]);
  UniqueFd second(fds[1]);
  const Napi::Value a = UnixSocket::Create(env, std::move(first));
  if (a.IsEmpty()) return {};
  const Napi::Value b = UnixSocket::Create(env, std::move(second));
  if (b.IsEmpty()) return {};
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(uint32_t{0}, a);
  pair.Set(uint32_t{1}, b);
  return pair;
}

/// Reads the optional array of descriptors. False with an exception pending.
bool ToFds(Napi::Env env, napi_value value, int* fds, size_t* count) {
  const Napi::Value list(env, value);
  *count = 0;
  if (list.IsUndefined() || list.IsNull()) return true;
  uint32_t length = 0;
  if (!list.IsArray() || napi_get_array_length(env, value, &length) != napi_ok) {
    ThrowType(env, "fds must be an array");
    return false;
  }
  if (length > kFdsMax) {
    ThrowRange(env, "at most " + std::to_string(kFdsMax) + " descriptors fit one message");
    return false;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    if (napi_get_element(env, value, i, &element) != napi_ok || !ToFd(env, element, &fds[i])) return false;
  }
  *count = length;
  return true;
}

}  // namespace

bool ToAddress(Napi::Env env, const std::string& path, const char* syscall, struct sockaddr_un* out) {
  memset(out, 0, sizeof(*out));
  out->sun_family = AF_UNIX;
  if (path.size() >= sizeof(out->sun_path)) {
    ThrowErrno(env, ENAMETOOLONG, syscall,
               "a socket path has at most " + std::to_string(sizeof(out->sun_path) - 1) + " bytes, this one has " +
                   std::to_string(path.size()));
    return false;
  }
  memcpy(out->sun_path, path.data(), path.size());
  return true;
}

UniqueFd NewUnixSocket(Napi::Env env) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.IsOpen()) ThrowErrno(env, errno, "socket");
  return fd;
}

void UnixSocket::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<UnixSocket>(
      env, addon,
      {FdAccessor(), ClosedAccessor(),
       InstanceMethod<&UnixSocket::Receive>("receive"), InstanceMethod<&UnixSocket::Send>("send"),
       InstanceMethod<&UnixSocket::SendRows>("sendRows"),
       InstanceMethod<&UnixSocket::SetSendBuffer>("setSendBuffer"), InstanceMethod<&UnixSocket::Watch>("watch"),
       InstanceMethod<&UnixSocket::Close>("close")});
  exports.Set("connectUnix", Napi::Function::New<ConnectUnix>(env, "connectUnix"));
  exports.Set("connectDatagram", Napi::Function::New<ConnectDatagram>(env, "connectDatagram"));
  exports.Set("adoptSocket", Napi::Function::New<AdoptSocket>(env, "adoptSocket"));
  exports.Set("socketPair", Napi::Function::New<SocketPair>(env, "socketPair"));
}

UnixSocket::UnixSocket(const Napi::CallbackInfo& info) : FdHandle<UnixSocket>(info) {
  if (State* state = Take<State>(info)) fd_ = std::move(*state);
}

void UnixSocket::OnReady(Napi::Env env, int events) { watcher_.Call(env, {Napi::Number::New(env, events)}); }

Napi::Value UnixSocket::Receive(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes target;
  if (!CheckOpen(env) || !ToBytes(env, info[0], "target", &target)) return {};
  if (target.length == 0) {
    // recvmsg would return 0, which means end of stream. (A stale view of a closed mapping ends up here.)
    ThrowRange(env, "target must not be empty");
    return {};
  }

  struct iovec iovec = {target.data, target.length};
  Control control;
  struct msghdr message = {};
  message.msg_iov = &iovec;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t bytes = 0;
  do {
    bytes = recvmsg(fd_.Get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0 && errno != EAGAIN) {
    ThrowErrno(env, errno, "recvmsg");
    return {};
  }

  // Owned here until the result is complete, so that no failure below leaks them.
  UniqueFd fds[kFdsMax];
  size_t count = 0;
  bool truncated = false;
  if (bytes >= 0) {
    truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < here; i++) {
        int fd = -1;
        memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
        if (count < kFdsMax) {
          fds[count++].Reset(fd);
        } else {
          ::close(fd);
          truncated = true;
        }
      }
    }
  }

  Napi::Object result = Napi::Object::New(env);
  Napi::Array list = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; i++) list.Set(static_cast<uint32_t>(i), Napi::Number::New(env, fds[i].Get()));
  result.Set("bytes", Napi::Number::New(env, static_cast<double>(bytes)));
  result.Set("fds", list);
  result.Set("truncated", Napi::Boolean::New(env, truncated));
  if (env.IsExceptionPending()) return {};
  for (size_t i = 0; i < count; i++) fds[i].Release();
  return result;
}

Napi::Value UnixSocket::SendMessage(Napi::Env env, const struct msghdr& message) {
  ssize_t bytes = 0;
  do {
    bytes = sendmsg(fd_.Get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0 && errno != EAGAIN) {
    ThrowErrno(env, errno, "sendmsg");
    return {};
  }
  return Napi::Number::New(env, static_cast<double>(bytes));
}

Napi::Value UnixSocket::Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[kFdsMax];
  size_t count = 0;
  Bytes data;
  // The descriptors first: reading the array may run JavaScript (a getter), which may close this socket or
  // detach the data.
  if (!ToFds(env, info[1], fds, &count) || !CheckOpen(env) || !ToBytes(env, info[0], "data", &data)) return {};
  if (data.length == 0) {
    if (count == 0) return Napi::Number::New(env, 0);
    ThrowRange(env, "descriptors need at least one byte to ride on");
    return {};
  }
  struct iovec iovec = {data.data, data.length};
  Control control = {};
  struct msghdr message = {};
  message.msg_iov = &iovec;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(part), fds, sizeof(int) * count);
  }
  return SendMessage(env, message);
}

Napi::Value UnixSocket::SendRows(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes header;
  uint64_t skip = 0;
  uint64_t offset = 0;
  uint64_t row_bytes = 0;
  uint64_t stride = 0;
  uint64_t rows = 0;
  if (!CheckOpen(env) || !ToBytes(env, info[0], "header", &header) ||
      !ToInteger(env, info[1], "skipBytes", kMaxSafeInteger, &skip)) {
    return {};
  }
  Mapping* mapping = Mapping::From(env, info[2], "source");
  Memory* source = mapping == nullptr ? nullptr : mapping->Open(env, false);
  if (source == nullptr || !ToInteger(env, info[3], "offset", kMaxSafeInteger, &offset) ||
      !ToInteger(env, info[4], "rowBytes", kMaxSafeInteger, &row_bytes) ||
      !ToInteger(env, info[5], "strideBytes", kMaxSafeInteger, &stride) ||
      !ToInteger(env, info[6], "rows", kMaxSafeInteger, &rows)) {
    return {};
  }
  if (!RowsFit(source->length, offset, stride, row_bytes, rows)) {
    ThrowRange(env, "rows are past the end of the mapping (" + std::to_string(source->length) + " bytes)");
    return {};
  }
  // With a stride of 0 the rows fit however many there are: this is what bounds the message then.
  const unsigned __int128 payload = static_cast<unsigned __int128>(row_bytes) * rows;
  if (payload > kMaxSafeInteger || header.length > kMaxSafeInteger - static_cast<uint64_t>(payload)) {
    ThrowRange(env, "the message is too long");
    return {};
  }
  const uint64_t total = header.length + static_cast<uint64_t>(payload);
  if (skip > total) {
    ThrowRange(env, "skipBytes is past the end of the message (" + std::to_string(total) + " bytes)");
    return {};
  }
  if (skip == total) return Napi::Number::New(env, 0);

  struct iovec iovecs[kIovecsMax];
  size_t count = 0;
  uint64_t offered = 0;
  if (skip < header.length) {
    iovecs[count++] = {header.data + skip, header.length - skip};
    offered = header.length - skip;
  }
  uint64_t at = skip > header.length ? skip - header.length : 0;  // in the payload
  if (stride == row_bytes) {
    // The rows lie one behind the other.
    row_bytes = static_cast<uint64_t>(payload);
    rows = row_bytes == 0 ? 0 : 1;
  }
  while (at < payload && count < kIovecsMax && offered < kOfferMax) {
    const uint64_t row = at / row_bytes;
    const uint64_t in_row = at % row_bytes;
    const uint64_t length = std::min(row_bytes - in_row, kOfferMax);
    iovecs[count++] = {source->base + offset + row * stride + in_row, length};
    offered += length;
    at += length;
  }
  struct msghdr message = {};
  message.msg_iov = iovecs;
  message.msg_iovlen = count;
  // The kernel does not raise SIGBUS for what a truncated file lacks: it answers EFAULT.
  return SendMessage(env, message);
}

Napi::Value UnixSocket::SetSendBuffer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t bytes = 0;
  if (!CheckOpen(env) || !ToInteger(env, info[0], "bytes", INT_MAX, &bytes)) return {};
  const int size = static_cast<int>(bytes);
  if (setsockopt(fd_.Get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) ThrowErrno(env, errno, "setsockopt");
  return {};
}

Napi::Value UnixSocket::Watch(const Napi::CallbackInfo& info) {
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

Napi::Value UnixSocket::Close(const Napi::CallbackInfo&) {
  CloseFd();
  return {};
}

}  // namespace native
