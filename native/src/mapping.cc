#include "mapping.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "args.h"
#include "copy.h"
#include "guard.h"
#include "pixels.h"

namespace native {

/// One external ArrayBuffer. Node frees it through WindowCollected once the ArrayBuffer is gone, or, when the
/// buffer was detached, some time later; so it must not keep more alive than the record itself.
struct Window {
  std::shared_ptr<Memory> memory;
  napi_ref buffer = nullptr;  // weak
  bool revoked = false;
};

namespace {

// Node 20 refuses external buffers longer than this.
constexpr uint64_t kWindowMax = uint64_t{4} << 30;

void WindowCollected(napi_env env, void*, void* hint) {
  std::unique_ptr<Window> window(static_cast<Window*>(hint));
  if (window->buffer != nullptr) napi_delete_reference(env, window->buffer);
  Memory& memory = *window->memory;
  memory.windows.erase(window.get());
  if (memory.closed && !window->revoked && --memory.unrevoked == 0) memory.Unmap();
}

/// True when no JavaScript can reach the memory through this window any more.
bool Revoke(Napi::Env env, Window& window) {
  napi_value buffer = nullptr;
  // Collected, but its finalizer has not run: a later engine could have moved the memory to another buffer
  // before (ArrayBuffer.prototype.transfer), so wait for the finalizer. The same if it is detached already.
  if (napi_get_reference_value(env, window.buffer, &buffer) != napi_ok || buffer == nullptr) return false;
  bool detached = true;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) return false;
  return napi_detach_arraybuffer(env, buffer) == napi_ok;
}

size_t PageSizeOf(int fd) {
  struct statfs status;
  if (fstatfs(fd, &status) == 0 && status.f_type == HUGETLBFS_MAGIC) return static_cast<size_t>(status.f_bsize);
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// `length` in whole pages. `length` is at most 2^53, so nothing overflows.
size_t WholePages(uint64_t length, size_t page_size) { return (length + page_size - 1) / page_size * page_size; }

bool ToLength(Napi::Env env, napi_value value, uint64_t* out) {
  if (!ToInteger(env, value, "length", kMaxSafeInteger, out)) return false;
  if (*out != 0) return true;
  ThrowRange(env, "length must not be 0");
  return false;
}

Napi::Value MapFile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = -1;
  uint64_t offset = 0;
  uint64_t length = 0;
  if (!ToFd(env, info[0], &fd) || !ToInteger(env, info[1], "offset", kMaxSafeInteger, &offset) ||
      !ToLength(env, info[2], &length)) {
    return {};
  }
  if (!info[3].IsBoolean()) {
    ThrowType(env, "writable must be a boolean");
    return {};
  }
  const bool writable = info[3].As<Napi::Boolean>().Value();

  struct stat status;
  const int error = StatusOf(fd, &status);
  if (error != 0) {
    ThrowErrno(env, error, "fstat");
    return {};
  }
  const size_t page_size = PageSizeOf(fd);
  if (offset % page_size != 0) {
    ThrowRange(env, "offset must be a multiple of the page size, " + std::to_string(page_size));
    return {};
  }
  // Devices and dma-bufs may report no size: mmap knows.
  const uint64_t size = static_cast<uint64_t>(status.st_size);
  if ((S_ISREG(status.st_mode) || size > 0) && !RangeFits(size, offset, length)) {
    ThrowRange(env, "range " + std::to_string(offset) + "+" + std::to_string(length) + " is past the end of the file (" +
                        std::to_string(size) + " bytes)");
    return {};
  }

  auto memory = std::make_shared<Memory>();
  const size_t mapped = WholePages(length, page_size);
  // Read-only memory can't be shown as an ArrayBuffer: a stray store would kill the process. A private mapping
  // shows the file's present contents until it is stored to, and keeps such a store to itself; it also works
  // for descriptors opened read-only and for files sealed against writing.
  const int flags = writable ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, flags, fd, static_cast<off_t>(offset));
  if (base == MAP_FAILED) {
    ThrowErrno(env, errno, "mmap");
    return {};
  }
  memory->base = static_cast<uint8_t*>(base);
  memory->length = length;
  memory->mapped = mapped;
  memory->writable = writable;
  memory->guard_slot = GuardAdd(base, mapped, page_size);
  if (memory->guard_slot < 0) {
    ThrowErrno(env, ENOMEM, "mmap", "too many file mappings");
    return {};
  }
  return Mapping::Create(env, std::move(memory));
}

Napi::Value MapAnonymous(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t length = 0;
  if (!ToLength(env, info[0], &length)) return {};
  auto memory = std::make_shared<Memory>();
  const size_t mapped = WholePages(length, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    ThrowErrno(env, errno, "mmap");
    return {};
  }
  memory->base = static_cast<uint8_t*>(base);
  memory->length = length;
  memory->mapped = mapped;
  memory->writable = true;
  return Mapping::Create(env, std::move(memory));
}

Napi::Value MappingFaults(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(GuardFaultsOfAll()));
}

bool CheckRange(Napi::Env env, const Memory& memory, uint64_t offset, uint64_t length) {
  if (RangeFits(memory.length, offset, length)) return true;
  ThrowRange(env, "range " + std::to_string(offset) + "+" + std::to_string(length) + " is past the end of the mapping (" +
                      std::to_string(memory.length) + " bytes)");
  return false;
}

}  // namespace

uint64_t Memory::Faults() const { return guard_slot >= 0 ? GuardFaults(guard_slot) : final_faults; }

void Memory::Unmap() {
  if (mapped == 0) return;
  if (guard_slot >= 0) {
    final_faults = GuardRemove(guard_slot);
    guard_slot = -1;
  }
  munmap(base, mapped);
  mapped = 0;
  base = nullptr;
}

void Mapping::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<Mapping>(
      env, addon,
      {InstanceAccessor<&Mapping::GetLength>("length"), InstanceAccessor<&Mapping::GetClosed>("closed"),
       InstanceAccessor<&Mapping::GetWritable>("writable"), InstanceAccessor<&Mapping::GetFaults>("faults"),
       InstanceMethod<&Mapping::WindowAt>("window"), InstanceMethod<&Mapping::CopyFrom>("copyFrom"),
       InstanceMethod<&Mapping::Fill>("fill"), InstanceMethod<&Mapping::ConvertPixels>("convertPixels"),
       InstanceMethod<&Mapping::Close>("close")});
  exports.Set("mapFile", Napi::Function::New<MapFile>(env, "mapFile"));
  exports.Set("mapAnonymous", Napi::Function::New<MapAnonymous>(env, "mapAnonymous"));
  exports.Set("mappingFaults", Napi::Function::New<MappingFaults>(env, "mappingFaults"));
}

Mapping::Mapping(const Napi::CallbackInfo& info) : Handle<Mapping>(info) {
  if (State* state = Take<State>(info)) memory_ = std::move(*state);
}

Memory* Mapping::Open(Napi::Env env, bool for_writing) const {
  if (memory_->closed) {
    ThrowClosed(env, kName);
    return nullptr;
  }
  if (for_writing && !memory_->writable) {
    ThrowReadOnly(env);
    return nullptr;
  }
  return memory_.get();
}

Napi::Value Mapping::GetLength(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(memory_->length));
}

Napi::Value Mapping::GetClosed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), memory_->closed);
}

Napi::Value Mapping::GetWritable(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), memory_->writable);
}

Napi::Value Mapping::GetFaults(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(memory_->Faults()));
}

Napi::Value Mapping::WindowAt(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Memory* memory = Open(env, false);
  uint64_t offset = 0;
  uint64_t length = 0;
  if (memory == nullptr || !ToInteger(env, info[0], "offset", kMaxSafeInteger, &offset) ||
      !ToInteger(env, info[1], "length", kWindowMax, &length) || !CheckRange(env, *memory, offset, length)) {
    return {};
  }
  if (length == 0) return Napi::ArrayBuffer::New(env, 0);

  auto* window = new Window{memory_};
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, memory->base + offset, length, WindowCollected, window, &buffer) != napi_ok) {
    delete window;
    if (!env.IsExceptionPending()) {
      Napi::Error::New(env, "this JavaScript engine does not allow external buffers").ThrowAsJavaScriptException();
    }
    return {};
  }
  // Before the reference: WindowCollected owns the record from here on.
  memory->windows.insert(window);
  napi_create_reference(env, buffer, 0, &window->buffer);
  return Napi::Value(env, buffer);
}

Napi::Value Mapping::CopyFrom(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Memory* target = Open(env, true);
  if (target == nullptr) return {};
  uint64_t offset = 0;
  uint64_t source_offset = 0;
  uint64_t length = 0;
  if (!ToInteger(env, info[0], "offset", kMaxSafeInteger, &offset)) return {};
  Mapping* mapping = From(env, info[1], "source");
  Memory* source = mapping == nullptr ? nullptr : mapping->Open(env, false);
  if (source == nullptr || !ToInteger(env, info[2], "sourceOffset", kMaxSafeInteger, &source_offset) ||
      !ToInteger(env, info[3], "length", kMaxSafeInteger, &length) || !CheckRange(env, *target, offset, length) ||
      !CheckRange(env, *source, source_offset, length)) {
    return {};
  }
  if (source == target) {
    memmove(target->base + offset, source->base + source_offset, length);
  } else {
    CopyRows(target->base + offset, length, source->base + source_offset, length, length, 1);
  }
  return {};
}

Napi::Value Mapping::Fill(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Memory* target = Open(env, true);
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t value = 0;
  if (target == nullptr || !ToInteger(env, info[0], "offset", kMaxSafeInteger, &offset) ||
      !ToInteger(env, info[1], "length", kMaxSafeInteger, &length) || !ToInteger(env, info[2], "value", 255, &value) ||
      !CheckRange(env, *target, offset, length)) {
    return {};
  }
  memset(target->base + offset, static_cast<int>(value), length);
  return {};
}

Napi::Value Mapping::ConvertPixels(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Memory* target = Open(env, true);
  if (target == nullptr) return {};
  uint64_t offset = 0;
  uint64_t stride = 0;
  uint64_t source_offset = 0;
  uint64_t source_stride = 0;
  uint64_t width = 0;
  uint64_t rows = 0;
  uint64_t swizzle = 0;
  uint64_t or_mask = 0;
  if (!ToInteger(env, info[0], "offset", kMaxSafeInteger, &offset) ||
      !ToInteger(env, info[1], "strideBytes", kMaxSafeInteger, &stride)) {
    return {};
  }
  Mapping* mapping = From(env, info[2], "source");
  Memory* source = mapping == nullptr ? nullptr : mapping->Open(env, false);
  if (source == nullptr || !ToInteger(env, info[3], "sourceOffset", kMaxSafeInteger, &source_offset) ||
      !ToInteger(env, info[4], "sourceStrideBytes", kMaxSafeInteger, &source_stride) ||
      !ToInteger(env, info[5], "width", kMaxSafeInteger, &width) ||
      !ToInteger(env, info[6], "rows", kMaxSafeInteger, &rows) || !ToInteger(env, info[7], "swizzle", 255, &swizzle) ||
      !ToInteger(env, info[8], "orMask", UINT32_MAX, &or_mask)) {
    return {};
  }
  const uint64_t row_bytes = width * 4;
  if (!RowsFit(target->length, offset, stride, row_bytes, rows) ||
      !RowsFit(source->length, source_offset, source_stride, row_bytes, rows)) {
    ThrowRange(env, "the rectangle is past the end of a mapping");
    return {};
  }
  if (row_bytes == 0) return {};
  // Bounds the work by the size of the target.
  if (rows > 1 && stride < row_bytes) {
    ThrowRange(env, "strideBytes must not be less than a row");
    return {};
  }
  if (swizzle == kIdentitySwizzle && or_mask == 0 && source != target) {
    CopyRows(target->base + offset, stride, source->base + source_offset, source_stride, row_bytes, rows);
    return {};
  }
  for (uint64_t row = 0; row < rows; row++) {
    ConvertPixelRow(target->base + offset + row * stride, source->base + source_offset + row * source_stride, width,
                    static_cast<unsigned>(swizzle), static_cast<uint32_t>(or_mask));
  }
  return {};
}

Napi::Value Mapping::Close(const Napi::CallbackInfo& info) {
  Memory& memory = *memory_;
  if (memory.closed) return {};
  memory.closed = true;
  memory.unrevoked = 0;
  for (Window* window : memory.windows) {
    window->revoked = Revoke(info.Env(), *window);
    if (!window->revoked) memory.unrevoked++;
  }
  if (memory.unrevoked == 0) memory.Unmap();
  return {};
}

}  // namespace native
