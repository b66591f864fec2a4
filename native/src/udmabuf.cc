#include "udmabuf.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "addon.h"
#include "args.h"

namespace native {
namespace {

// Numbers per piece: descriptor, offset, length.
constexpr size_t kFields = 3;
// The kernel's own bound (list_limit) is 1024 unless somebody raised it; this one is on our scratch memory.
constexpr size_t kPiecesMax = size_t{1} << 20;

bool Integer(double number, uint64_t max, uint64_t* out) {
  if (!(number >= 0) || number > static_cast<double>(max)) return false;
  *out = static_cast<uint64_t>(number);
  return static_cast<double>(*out) == number;
}

/// The device, opened at the first use and kept: whoever drops rights later can go on. -1 with an exception pending.
int Device(Napi::Env env) {
  UniqueFd& device = AddonOf(env).udmabuf;
  if (!device.IsOpen()) {
    const int fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
    if (fd < 0) ThrowErrno(env, errno, "open", "/dev/udmabuf");
    device.Reset(fd);
  }
  return device.Get();
}

/// createUdmabuf(packed: Float64Array): number; packed by the façade.
Napi::Value CreateUdmabuf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  napi_typedarray_type type = napi_int8_array;
  size_t numbers = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, info[0], &type, &numbers, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array || numbers % kFields != 0) {
    ThrowType(env, "packed must be a Float64Array of triples");
    return {};
  }
  const size_t count = numbers / kFields;
  if (count > kPiecesMax) {
    ThrowRange(env, "too many pieces");
    return {};
  }
  static_assert(sizeof(udmabuf_create_list) % sizeof(uint64_t) == 0);
  static_assert(sizeof(udmabuf_create_item) % sizeof(uint64_t) == 0);
  // Of words, so that it is aligned.
  std::vector<uint64_t> message(
      (sizeof(udmabuf_create_list) + count * sizeof(udmabuf_create_item)) / sizeof(uint64_t));
  auto* list = reinterpret_cast<udmabuf_create_list*>(message.data());
  list->flags = UDMABUF_FLAGS_CLOEXEC;
  list->count = static_cast<uint32_t>(count);
  const double* packed = static_cast<const double*>(data);
  for (size_t i = 0; i < count; i++) {
    uint64_t fd = 0;
    uint64_t offset = 0;
    uint64_t length = 0;
    if (!Integer(packed[kFields * i], INT_MAX, &fd) || !Integer(packed[kFields * i + 1], kMaxSafeInteger, &offset) ||
        !Integer(packed[kFields * i + 2], kMaxSafeInteger, &length)) {
      ThrowRange(env, "piece " + std::to_string(i) + " is not a descriptor and a range");
      return {};
    }
    list->list[i] = {static_cast<uint32_t>(fd), 0, offset, length};
  }
  const int device = Device(env);
  if (device < 0) return {};
  const int made = ioctl(device, UDMABUF_CREATE_LIST, list);
  if (made < 0) {
    ThrowErrno(env, errno, "ioctl", "UDMABUF_CREATE_LIST");
    return {};
  }
  return Napi::Number::New(env, made);
}

/// openUdmabuf(): whether the device is open now. For who drops the right to open it.
Napi::Value OpenUdmabuf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const bool open = Device(env) >= 0;
  if (!open) env.GetAndClearPendingException();
  return Napi::Boolean::New(env, open);
}

}  // namespace

void RegisterUdmabufFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("createUdmabuf", Napi::Function::New<CreateUdmabuf>(env, "createUdmabuf"));
  exports.Set("openUdmabuf", Napi::Function::New<OpenUdmabuf>(env, "openUdmabuf"));
}

}  // namespace native
