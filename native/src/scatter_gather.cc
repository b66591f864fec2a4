#include "scatter_gather.h"

#include <algorithm>
#include <cstring>

#include "args.h"
#include "copy.h"

namespace native {
namespace {

// Numbers per entry of the packed table: index of the mapping, offset, length.
constexpr size_t kFields = 3;
constexpr size_t kEntriesMax = size_t{1} << 24;

/// Rows of a rectangle lie in different pages. Where they are short, to find out where each page is takes as long as the
/// copy: that is begun some rows before.
constexpr uint64_t kShortRow = 1024;
constexpr uint64_t kRowsAhead = 8;

bool Packed(double number, uint64_t* out) {
  if (!(number >= 0) || number > static_cast<double>(kMaxSafeInteger)) return false;
  *out = static_cast<uint64_t>(number);
  return static_cast<double>(*out) == number;
}

/// createScatterGather(mappings: Mapping[], packed: Float64Array): packed by the façade, because reading three
/// properties of thousands of objects through N-API costs more than the copy that follows.
Napi::Value CreateScatterGather(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t count = 0;
  if (!info[0].IsArray() || napi_get_array_length(env, info[0], &count) != napi_ok) {
    ThrowType(env, "mappings must be an array");
    return {};
  }
  Table table;
  table.memories.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element = nullptr;
    if (napi_get_element(env, info[0], i, &element) != napi_ok) return {};
    Mapping* mapping = Mapping::From(env, element, "mapping");
    if (mapping == nullptr || mapping->Open(env, false) == nullptr) return {};
    table.memories.push_back(mapping->Shared());
  }
  // Last, so that no JavaScript runs between here and the use of the pointer.
  napi_typedarray_type type = napi_int8_array;
  size_t numbers = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, info[1], &type, &numbers, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array || numbers % kFields != 0) {
    ThrowType(env, "packed must be a Float64Array of triples");
    return {};
  }
  if (numbers / kFields > kEntriesMax) {
    ThrowRange(env, "too many segments");
    return {};
  }
  const double* packed = static_cast<const double*>(data);
  table.pieces.reserve(numbers / kFields);
  for (size_t i = 0; i < numbers; i += kFields) {
    uint64_t index = 0;
    uint64_t offset = 0;
    uint64_t length = 0;
    if (!Packed(packed[i], &index) || index >= table.memories.size() || !Packed(packed[i + 1], &offset) ||
        !Packed(packed[i + 2], &length) || !RangeFits(table.memories[index]->length, offset, length)) {
      ThrowRange(env, "segment " + std::to_string(i / kFields) + " is not a range of its mapping");
      return {};
    }
    if (length == 0) continue;
    if (length > kMaxSafeInteger - table.length) {
      ThrowRange(env, "the segments are too long together");
      return {};
    }
    uint8_t* start = table.memories[index]->base + offset;
    const uint64_t end = table.length + length;
    if (!table.pieces.empty()) {
      Piece& last = table.pieces.back();
      // Adjacent in memory, but never across mappings that happen to be neighbours: they can be closed alone.
      const Memory& memory = *table.memories[index];
      if (last.data + (last.end - last.start) == start && last.data >= memory.base) {
        last.end = end;
        table.length = end;
        continue;
      }
    }
    table.pieces.push_back({table.length, end, start});
    table.length = end;
  }
  table.pieces.shrink_to_fit();
  return ScatterGather::Create(env, std::move(table));
}

/// The piece that holds byte `position`, found from `from`: near ones by walking, others by binary search.
size_t Seek(const std::vector<Piece>& pieces, size_t from, uint64_t position) {
  constexpr int kWalk = 8;
  size_t index = from;
  if (position >= pieces[index].start) {
    for (int step = 0; step < kWalk; step++) {
      if (position < pieces[index].end) return index;
      index++;
    }
  } else {
    index = 0;
  }
  const auto found = std::upper_bound(pieces.begin() + static_cast<ptrdiff_t>(index), pieces.end(), position,
                                      [](uint64_t value, const Piece& piece) { return value < piece.end; });
  return static_cast<size_t>(found - pieces.begin());
}

}  // namespace

void ScatterGather::Init(Napi::Env env, Addon& addon, Napi::Object exports) {
  Register<ScatterGather>(
      env, addon,
      {InstanceAccessor<&ScatterGather::GetLength>("length"), InstanceAccessor<&ScatterGather::GetClosed>("closed"),
       InstanceMethod<&ScatterGather::ReadRows>("readRows"), InstanceMethod<&ScatterGather::WriteRows>("writeRows"),
       InstanceMethod<&ScatterGather::Close>("close")});
  exports.Set("createScatterGather", Napi::Function::New<CreateScatterGather>(env, "createScatterGather"));
}

ScatterGather::ScatterGather(const Napi::CallbackInfo& info) : Handle<ScatterGather>(info) {
  if (State* state = Take<State>(info)) table_ = std::move(*state);
}

Napi::Value ScatterGather::GetLength(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(table_.length));
}

Napi::Value ScatterGather::GetClosed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), closed_);
}

template <bool kToTable>
void ScatterGather::CopyRows(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (closed_) return ThrowClosed(env, kName);
  uint64_t offset = 0;
  uint64_t stride = 0;
  uint64_t other_offset = 0;
  uint64_t other_stride = 0;
  uint64_t row_bytes = 0;
  uint64_t rows = 0;
  if (!ToInteger(env, info[0], "offset", kMaxSafeInteger, &offset) ||
      !ToInteger(env, info[1], "strideBytes", kMaxSafeInteger, &stride)) {
    return;
  }
  Mapping* mapping = Mapping::From(env, info[2], kToTable ? "source" : "target");
  Memory* other = mapping == nullptr ? nullptr : mapping->Open(env, !kToTable);
  if (other == nullptr ||
      !ToInteger(env, info[3], kToTable ? "sourceOffset" : "targetOffset", kMaxSafeInteger, &other_offset) ||
      !ToInteger(env, info[4], kToTable ? "sourceStrideBytes" : "targetStrideBytes", kMaxSafeInteger, &other_stride) ||
      !ToInteger(env, info[5], "rowBytes", kMaxSafeInteger, &row_bytes) ||
      !ToInteger(env, info[6], "rows", kMaxSafeInteger, &rows)) {
    return;
  }
  for (const std::shared_ptr<Memory>& memory : table_.memories) {
    if (memory->closed) return ThrowClosed(env, "a Mapping of the table");
    if (kToTable && !memory->writable) return ThrowReadOnly(env);
  }
  if (!RowsFit(table_.length, offset, stride, row_bytes, rows)) {
    return ThrowRange(env, "rows are past the end of the table (" + std::to_string(table_.length) + " bytes)");
  }
  if (!RowsFit(other->length, other_offset, other_stride, row_bytes, rows)) {
    return ThrowRange(env, "rows are past the end of the mapping (" + std::to_string(other->length) + " bytes)");
  }
  if (rows == 0 || row_bytes == 0) return;
  // Bounds the work by the size of what is written to.
  if (rows > 1 && (kToTable ? stride : other_stride) < row_bytes) {
    return ThrowRange(env, "the stride of the target must not be less than a row");
  }
  if (stride == row_bytes && other_stride == row_bytes) {
    row_bytes *= rows;
    rows = 1;
  }

  const std::vector<Piece>& pieces = table_.pieces;
  const bool may_overlap = std::any_of(table_.memories.begin(), table_.memories.end(),
                                       [=](const std::shared_ptr<Memory>& memory) { return memory.get() == other; });
  const Store store = StoreFor(row_bytes * rows);
  // hot
  const uint64_t rows_with_next = row_bytes <= kShortRow && rows > kRowsAhead ? rows - kRowsAhead : 0;
  size_t index = 0;
  for (uint64_t row = 0; row < rows; row++) {
    uint64_t position = offset + row * stride;
    uint8_t* bytes = other->base + other_offset + row * other_stride;
    uint64_t left = row_bytes;
    index = Seek(pieces, index, position);
    if (row < rows_with_next) {
      Fetch(bytes + kRowsAhead * other_stride, row_bytes);
      const Piece& piece = pieces[index];
      const uint64_t next = position + kRowsAhead * stride;
      if (next < piece.end) Fetch(piece.data + (next - piece.start), row_bytes);
    }
    for (;;) {
      const Piece& piece = pieces[index];
      const uint64_t length = std::min(left, piece.end - position);
      uint8_t* in_table = piece.data + (position - piece.start);
      uint8_t* target = kToTable ? in_table : bytes;
      const uint8_t* source = kToTable ? bytes : in_table;
      left -= length;
      if (may_overlap) {
        memmove(target, source, length);
      } else {
        const bool ends_piece = !kToTable && left > 0;
        Copy(store, target, source, length, ends_piece ? pieces[index + 1].data : source + length);
      }
      if (left == 0) break;
      position += length;
      bytes += length;
      index++;
    }
  }
  FinishCopies(store);
}

Napi::Value ScatterGather::ReadRows(const Napi::CallbackInfo& info) {
  CopyRows<false>(info);
  return {};
}

Napi::Value ScatterGather::WriteRows(const Napi::CallbackInfo& info) {
  CopyRows<true>(info);
  return {};
}

Napi::Value ScatterGather::Close(const Napi::CallbackInfo&) {
  closed_ = true;
  // The length stays readable.
  table_.pieces = {};
  table_.memories = {};
  return {};
}

}  // namespace native
