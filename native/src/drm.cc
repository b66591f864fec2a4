#include "drm.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "args.h"
#include "guard.h"
#include "mapping.h"

namespace native {
namespace {

// The interface of the kernel, spelled out: libdrm's headers don't have the newer half of it.
struct Version {
  int32_t major, minor, patch, pad;
  uint64_t name_length, name;
  uint64_t date_length, date;
  uint64_t description_length, description;
};
struct GemCloseArgs {
  uint32_t handle, pad;
};
struct PrimeArgs {
  uint32_t handle, flags;
  int32_t fd;
};
struct MapArgs {
  uint64_t offset;
  uint32_t handle, pad;
};
struct ExecbufferArgs {
  uint32_t flags, size;
  uint64_t command, handles;
  uint32_t handle_count;
  int32_t fence_fd;
  uint32_t ring_idx, syncobj_stride, in_syncobj_count, out_syncobj_count;
  uint64_t in_syncobjs, out_syncobjs;
};
struct GetParamArgs {
  uint64_t param, value;
};
struct ResourceInfoArgs {
  uint32_t handle, resource, size, blob_mem;
};
struct WaitArgs {
  uint32_t handle, flags;
};
struct GetCapsArgs {
  uint32_t id, version;
  uint64_t address;
  uint32_t size, pad;
};
struct CreateBlobArgs {
  uint32_t blob_mem, flags, handle, resource;
  uint64_t size;
  uint32_t pad, command_size;
  uint64_t command, blob_id;
};
struct ContextParam {
  uint64_t param, value;
};
struct ContextInitArgs {
  uint32_t count, pad;
  uint64_t params;
};
static_assert(sizeof(Version) == 64 && sizeof(PrimeArgs) == 12 && sizeof(ExecbufferArgs) == 64 &&
              sizeof(CreateBlobArgs) == 48 && sizeof(GetCapsArgs) == 24);

constexpr unsigned long kVersion = _IOWR('d', 0x00, Version);
constexpr unsigned long kGemClose = _IOW('d', 0x09, GemCloseArgs);
constexpr unsigned long kPrimeHandleToFd = _IOWR('d', 0x2d, PrimeArgs);
constexpr unsigned long kPrimeFdToHandle = _IOWR('d', 0x2e, PrimeArgs);
constexpr unsigned long kMap = _IOWR('d', 0x41, MapArgs);
constexpr unsigned long kExecbuffer = _IOWR('d', 0x42, ExecbufferArgs);
constexpr unsigned long kGetParam = _IOWR('d', 0x43, GetParamArgs);
constexpr unsigned long kResourceInfo = _IOWR('d', 0x45, ResourceInfoArgs);
constexpr unsigned long kWait = _IOWR('d', 0x48, WaitArgs);
constexpr unsigned long kGetCaps = _IOWR('d', 0x49, GetCapsArgs);
constexpr unsigned long kCreateBlob = _IOWR('d', 0x4a, CreateBlobArgs);
constexpr unsigned long kContextInit = _IOWR('d', 0x4b, ContextInitArgs);
static_assert(kVersion == 0xc0406400 && kGemClose == 0x40086409 && kPrimeHandleToFd == 0xc00c642d &&
              kPrimeFdToHandle == 0xc00c642e && kMap == 0xc0106441 && kExecbuffer == 0xc0406442 &&
              kGetParam == 0xc0106443 && kResourceInfo == 0xc0106445 && kWait == 0xc0086448 &&
              kGetCaps == 0xc0186449 && kCreateBlob == 0xc030644a && kContextInit == 0xc010644b);

constexpr char kDriver[] = "virtio_gpu";
constexpr uint32_t kExecbufferRingIdx = 4;
constexpr uint32_t kWaitNowait = 1;
constexpr uint64_t kContextCapsetId = 1;
constexpr uint64_t kContextNumRings = 2;
constexpr uint64_t kContextPollRingsMask = 3;
constexpr uint64_t kContextDebugName = 4;
constexpr uint32_t kEventFence = 0x90000000;
constexpr uint64_t kCapsMax = 4096;
constexpr uint64_t kHandlesMax = 64;
constexpr uint64_t kUint32Max = 0xffffffff;

template <typename T>
uint64_t Address(T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

int Ioctl(int fd, unsigned long request, void* argument) {
  int result = 0;
  do {
    result = ioctl(fd, request, argument);
  } while (result != 0 && (errno == EINTR || errno == EAGAIN));
  return result;
}

bool ToUint32(Napi::Env env, napi_value value, const char* name, uint32_t* out) {
  uint64_t number = 0;
  if (!ToInteger(env, value, name, kUint32Max, &number)) return false;
  *out = static_cast<uint32_t>(number);
  return true;
}

/// openDrm(path)
Napi::Value OpenDrm(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!ToPath(env, info[0], &path)) return {};
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.IsOpen()) {
    ThrowErrno(env, errno, "open", path);
    return {};
  }
  char name[32] = {};
  Version version = {};
  version.name_length = sizeof(name) - 1;
  version.name = Address(name);
  if (Ioctl(fd.Get(), kVersion, &version) != 0) {
    ThrowErrno(env, errno, "ioctl", path + " is no DRM device");
    return {};
  }
  if (strcmp(name, kDriver) != 0) {
    ThrowErrno(env, ENODEV, "open", path + " belongs to the driver " + name + ", not " + kDriver);
    return {};
  }
  return DrmDevice::Create(env, std::move(fd));
}

}  // namespace

void DrmDevice::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<DrmDevice>(
      env, addon,
      {FdAccessor(), ClosedAccessor(), InstanceMethod<&DrmDevice::GetParam>("getParam"),
       InstanceMethod<&DrmDevice::GetCaps>("getCaps"), InstanceMethod<&DrmDevice::ContextInit>("contextInit"),
       InstanceMethod<&DrmDevice::CreateBlob>("createBlob"), InstanceMethod<&DrmDevice::Map>("map"),
       InstanceMethod<&DrmDevice::Execbuffer>("execbuffer"), InstanceMethod<&DrmDevice::Wait>("wait"),
       InstanceMethod<&DrmDevice::PrimeHandleToFd>("primeHandleToFd"),
       InstanceMethod<&DrmDevice::PrimeFdToHandle>("primeFdToHandle"),
       InstanceMethod<&DrmDevice::GemClose>("gemClose"), InstanceMethod<&DrmDevice::ResourceInfo>("resourceInfo"),
       InstanceMethod<&DrmDevice::ReadEvents>("readEvents"), InstanceMethod<&DrmDevice::Watch>("watch"),
       InstanceMethod<&DrmDevice::Close>("close")});
  exports.Set("openDrm", Napi::Function::New<OpenDrm>(env, "openDrm"));
}

DrmDevice::DrmDevice(const Napi::CallbackInfo& info) : FdHandle<DrmDevice>(info) {
  if (State* state = Take<State>(info)) fd_ = std::move(*state);
}

void DrmDevice::OnReady(Napi::Env env, int) { watcher_.Call(env, {}); }

bool DrmDevice::Call(Napi::Env env, unsigned long request, void* argument, const char* name) {
  if (Ioctl(fd_.Get(), request, argument) == 0) return true;
  ThrowErrno(env, errno, "ioctl", name);
  return false;
}

Napi::Value DrmDevice::GetParam(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t param = 0;
  if (!CheckOpen(env) || !ToInteger(env, info[0], "param", kUint32Max, &param)) return {};
  int32_t value = 0;
  GetParamArgs args = {param, Address(&value)};
  if (!Call(env, kGetParam, &args, "VIRTGPU_GETPARAM")) return {};
  return Napi::Number::New(env, value);
}

Napi::Value DrmDevice::GetCaps(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  GetCapsArgs args = {};
  uint64_t bytes = 0;
  if (!CheckOpen(env) || !ToUint32(env, info[0], "id", &args.id) || !ToUint32(env, info[1], "version", &args.version) ||
      !ToInteger(env, info[2], "bytes", kCapsMax, &bytes)) {
    return {};
  }
  uint8_t data[kCapsMax] = {};
  args.address = Address(data);
  args.size = static_cast<uint32_t>(bytes);
  if (!Call(env, kGetCaps, &args, "VIRTGPU_GET_CAPS")) return {};
  Napi::Uint8Array result = Napi::Uint8Array::New(env, bytes);
  if (env.IsExceptionPending()) return {};
  memcpy(result.Data(), data, bytes);
  return result;
}

/// contextInit(capset, rings, pollRingsMask, name | null)
Napi::Value DrmDevice::ContextInit(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t capset = 0;
  uint64_t rings = 0;
  uint64_t mask = 0;
  if (!CheckOpen(env) || !ToInteger(env, info[0], "capset", kUint32Max, &capset) ||
      !ToInteger(env, info[1], "rings", kUint32Max, &rings) ||
      !ToInteger(env, info[2], "pollRings", kMaxSafeInteger, &mask)) {
    return {};
  }
  if (!info[3].IsNull() && !info[3].IsString()) {
    ThrowType(env, "name must be a string or null");
    return {};
  }
  const std::string name = info[3].IsString() ? info[3].As<Napi::String>().Utf8Value() : std::string();
  ContextParam params[] = {{kContextCapsetId, capset},
                           {kContextNumRings, rings},
                           {kContextPollRingsMask, mask},
                           {kContextDebugName, Address(name.c_str())}};
  ContextInitArgs args = {name.empty() ? 3u : 4u, 0, Address(params)};
  Call(env, kContextInit, &args, "VIRTGPU_CONTEXT_INIT");
  return {};
}

/// createBlob(blobMem, flags, bytes, blobId)
Napi::Value DrmDevice::CreateBlob(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  CreateBlobArgs args = {};
  if (!CheckOpen(env) || !ToUint32(env, info[0], "blobMem", &args.blob_mem) ||
      !ToUint32(env, info[1], "flags", &args.flags) || !ToInteger(env, info[2], "bytes", kMaxSafeInteger, &args.size) ||
      !ToInteger(env, info[3], "blobId", kMaxSafeInteger, &args.blob_id)) {
    return {};
  }
  if (!Call(env, kCreateBlob, &args, "VIRTGPU_RESOURCE_CREATE_BLOB")) return {};
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", Napi::Number::New(env, args.handle));
  result.Set("resource", Napi::Number::New(env, args.resource));
  return result;
}

Napi::Value DrmDevice::Map(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  MapArgs args = {};
  uint64_t length = 0;
  if (!CheckOpen(env) || !ToUint32(env, info[0], "handle", &args.handle) ||
      !ToInteger(env, info[1], "length", kMaxSafeInteger, &length)) {
    return {};
  }
  const size_t page_size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (length == 0) {
    ThrowRange(env, "length must not be 0");
    return {};
  }
  if (!Call(env, kMap, &args, "VIRTGPU_MAP")) return {};
  const size_t mapped = (length + page_size - 1) / page_size * page_size;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.Get(), static_cast<off_t>(args.offset));
  if (base == MAP_FAILED) {
    ThrowErrno(env, errno, "mmap");
    return {};
  }
  auto memory = std::make_shared<Memory>();
  memory->base = static_cast<uint8_t*>(base);
  memory->length = length;
  memory->mapped = mapped;
  memory->writable = true;
  // A device that is unplugged takes its memory along: the next access is a SIGBUS.
  memory->guard_slot = GuardAdd(base, mapped, page_size);
  if (memory->guard_slot < 0) {
    ThrowErrno(env, ENOMEM, "mmap", "too many file mappings");
    return {};
  }
  return Mapping::Create(env, std::move(memory));
}

/// execbuffer(command, ringIdx | null, handles)
Napi::Value DrmDevice::Execbuffer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes command;
  ExecbufferArgs args = {};
  args.fence_fd = -1;
  if (!CheckOpen(env) || !ToBytes(env, info[0], "command", &command)) return {};
  if (!info[1].IsNull()) {
    if (!ToUint32(env, info[1], "ringIdx", &args.ring_idx)) return {};
    args.flags = kExecbufferRingIdx;
  }
  if (!info[2].IsArray()) {
    ThrowType(env, "handles must be an array");
    return {};
  }
  const Napi::Array list = info[2].As<Napi::Array>();
  uint32_t handles[kHandlesMax];
  if (list.Length() > kHandlesMax || command.length > kUint32Max) {
    ThrowRange(env, "too many handles, or too long a command");
    return {};
  }
  for (uint32_t i = 0; i < list.Length(); i++) {
    if (!ToUint32(env, list.Get(i), "handle", &handles[i])) return {};
  }
  args.size = static_cast<uint32_t>(command.length);
  args.command = Address(command.data);
  args.handle_count = list.Length();
  args.handles = list.Length() == 0 ? 0 : Address(handles);
  Call(env, kExecbuffer, &args, "VIRTGPU_EXECBUFFER");
  return {};
}

/// wait(handle, block): whether nothing is under way any more
Napi::Value DrmDevice::Wait(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  WaitArgs args = {};
  if (!CheckOpen(env) || !ToUint32(env, info[0], "handle", &args.handle)) return {};
  if (!info[1].IsBoolean()) {
    ThrowType(env, "block must be a boolean");
    return {};
  }
  args.flags = info[1].As<Napi::Boolean>().Value() ? 0 : kWaitNowait;
  const int result = Ioctl(fd_.Get(), kWait, &args);
  if (result != 0 && errno != EBUSY) {
    ThrowErrno(env, errno, "ioctl", "VIRTGPU_WAIT");
    return {};
  }
  return Napi::Boolean::New(env, result == 0);
}

Napi::Value DrmDevice::PrimeHandleToFd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  PrimeArgs args = {0, O_CLOEXEC | O_RDWR, -1};
  if (!CheckOpen(env) || !ToUint32(env, info[0], "handle", &args.handle)) return {};
  if (!Call(env, kPrimeHandleToFd, &args, "PRIME_HANDLE_TO_FD")) return {};
  return Napi::Number::New(env, args.fd);
}

Napi::Value DrmDevice::PrimeFdToHandle(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  PrimeArgs args = {0, 0, -1};
  if (!CheckOpen(env) || !ToFd(env, info[0], &args.fd)) return {};
  if (!Call(env, kPrimeFdToHandle, &args, "PRIME_FD_TO_HANDLE")) return {};
  return Napi::Number::New(env, args.handle);
}

Napi::Value DrmDevice::GemClose(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  GemCloseArgs args = {};
  if (!CheckOpen(env) || !ToUint32(env, info[0], "handle", &args.handle)) return {};
  Call(env, kGemClose, &args, "GEM_CLOSE");
  return {};
}

Napi::Value DrmDevice::ResourceInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ResourceInfoArgs args = {};
  if (!CheckOpen(env) || !ToUint32(env, info[0], "handle", &args.handle)) return {};
  if (!Call(env, kResourceInfo, &args, "VIRTGPU_RESOURCE_INFO")) return {};
  Napi::Object result = Napi::Object::New(env);
  result.Set("resource", Napi::Number::New(env, args.resource));
  result.Set("bytes", Napi::Number::New(env, args.size));
  result.Set("blobMem", Napi::Number::New(env, args.blob_mem));
  return result;
}

Napi::Value DrmDevice::ReadEvents(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!CheckOpen(env)) return {};
  // The kernel hands out whole events only: {u32 type, u32 length, ...}.
  alignas(8) uint8_t data[1024];
  ssize_t got = 0;
  do {
    got = read(fd_.Get(), data, sizeof(data));
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno != EAGAIN) {
    ThrowErrno(env, errno, "read");
    return {};
  }
  uint32_t count = 0;
  size_t at = 0;
  while (got > 0 && at + 8 <= static_cast<size_t>(got)) {
    uint32_t header[2];
    memcpy(header, data + at, sizeof(header));
    if (header[0] == kEventFence) count++;
    if (header[1] < sizeof(header)) break;
    at += header[1];
  }
  return Napi::Number::New(env, count);
}

Napi::Value DrmDevice::Watch(const Napi::CallbackInfo& info) { return WatchReadable(info); }

Napi::Value DrmDevice::Close(const Napi::CallbackInfo&) {
  CloseFd();
  return {};
}

}  // namespace native
