#pragma once

#include <memory>
#include <vector>

#include "mapping.h"

namespace native {

/// One contiguous piece of a table: bytes [start, end) of the table lie at `data`.
struct Piece {
  uint64_t start;
  uint64_t end;
  uint8_t* data;
};

struct Table {
  std::vector<Piece> pieces;
  /// The distinct mappings; held so that `data` of an open one stays mapped even if the object is collected.
  std::vector<std::shared_ptr<Memory>> memories;
  uint64_t length = 0;
};

class ScatterGather final : public Handle<ScatterGather> {
 public:
  static constexpr Kind kKind = Kind::kScatterGather;
  static constexpr const char* kName = "ScatterGather";
  using State = Table;

  static void Init(Napi::Env env, Addon& addon, Napi::Object exports);
  explicit ScatterGather(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetLength(const Napi::CallbackInfo& info);
  Napi::Value GetClosed(const Napi::CallbackInfo& info);
  Napi::Value ReadRows(const Napi::CallbackInfo& info);
  Napi::Value WriteRows(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  template <bool kToTable>
  void CopyRows(const Napi::CallbackInfo& info);

  Table table_;
  bool closed_ = false;
};

}  // namespace native
