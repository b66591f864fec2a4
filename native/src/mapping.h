#pragma once

#include <memory>
#include <unordered_set>

#include "addon.h"

namespace native {

struct Window;

/// The memory behind a Mapping. Shared with its windows and scatter/gather tables: memory that an ArrayBuffer
/// can reach must not be unmapped, even when the Mapping object was collected without close().
struct Memory {
  uint8_t* base = nullptr;
  uint64_t length = 0;     // as asked for
  size_t mapped = 0;       // whole pages; 0 = unmapped
  bool writable = false;
  bool closed = false;
  int guard_slot = -1;     // -1 = no file, thus no SIGBUS
  uint64_t final_faults = 0;
  std::unordered_set<Window*> windows;
  /// After close: windows that could not be detached. The last one to be collected unmaps.
  size_t unrevoked = 0;

  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { Unmap(); }

  uint64_t Faults() const;
  void Unmap();
};

class Mapping final : public Handle<Mapping> {
 public:
  static constexpr Kind kKind = Kind::kMapping;
  static constexpr const char* kName = "Mapping";
  using State = std::shared_ptr<Memory>;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit Mapping(const Napi::CallbackInfo& info);

  const std::shared_ptr<Memory>& Shared() const { return memory_; }
  /// The memory when open (and writable, if asked for); null with an exception pending otherwise.
  Memory* Open(Napi::Env env, bool for_writing) const;

 private:
  Napi::Value GetLength(const Napi::CallbackInfo& info);
  Napi::Value GetClosed(const Napi::CallbackInfo& info);
  Napi::Value GetWritable(const Napi::CallbackInfo& info);
  Napi::Value GetFaults(const Napi::CallbackInfo& info);
  Napi::Value WindowAt(const Napi::CallbackInfo& info);
  Napi::Value CopyFrom(const Napi::CallbackInfo& info);
  Napi::Value Fill(const Napi::CallbackInfo& info);
  Napi::Value ConvertPixels(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<Memory> memory_;
};

}  // namespace native
