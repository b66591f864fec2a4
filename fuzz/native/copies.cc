// Mappings and copy tables of the addon, as it is, called with any numbers. What it does is held against a model that
// keeps the bytes of each mapping: a call throws exactly where the model says that it has to, and changes what it says.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "addon.h"
#include "engine.h"
#include "mapping.h"
#include "scatter_gather.h"
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

namespace {

using fake::Value;

constexpr size_t kPage = 4096;
constexpr size_t kMappings = 4;
constexpr size_t kTables = 3;
constexpr size_t kSegmentsMax = 12;
constexpr double kSafeMax = 9007199254740991;
constexpr size_t kStepsMax = 64;

[[noreturn]] void Fail(const char* what) {
  fprintf(stderr, "finding: %s\n", what);
  abort();
}

/// Calls of the addon so far: what is counted as inputs. FUZZ_CALLS ends the process after that many.
uint64_t calls = 0;

void CountCalls() {
  static const char* const most = getenv("FUZZ_CALLS");
  static const uint64_t limit = most == nullptr ? UINT64_MAX : strtoull(most, nullptr, 10);
  if (calls < limit) return;
  if (__lsan_do_recoverable_leak_check() != 0) abort();
  printf("%lu calls: nothing found\n", static_cast<unsigned long>(calls));
  fflush(stdout);
  // (For libFuzzer, exit() is a crash.)
  _exit(0);
}

/// The input, as numbers; zeroes when it is at its end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool AtEnd() const { return size_ == 0; }
  uint8_t Byte() {
    if (size_ == 0) return 0;
    size_--;
    return *data_++;
  }
  uint32_t Below(uint32_t limit) { return (Byte() | static_cast<uint32_t>(Byte()) << 8) % limit; }
  /// An argument: mostly from 0 to `limit` - 1, else at an edge, or no integer at all.
  double Argument(uint32_t limit) {
    const uint8_t choice = Byte();
    if (choice < 236) return Below(limit);
    static constexpr std::array<double, 12> kOdd = {
        -1, 0.5, 4096, 4294967295.0, 4294967296.0, kSafeMax, kSafeMax + 1, 1e300, -0.0, 9007199254736895.0,
        std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
    return kOdd[choice % kOdd.size()];
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

bool IsInteger(double number, double max) {
  return number >= 0 && number <= max && number == static_cast<double>(static_cast<uint64_t>(number));
}

struct MappedModel {
  Value* object = nullptr;
  bool open = false;
  bool writable = false;
  uint8_t* base = nullptr;
  std::vector<uint8_t> bytes;
};

struct TableModel {
  Value* object = nullptr;
  bool open = false;
  /// Each byte of the table: which mapping, and where.
  std::vector<std::pair<uint32_t, uint32_t>> places;
  std::vector<size_t> mappings;
};

class Run {
 public:
  Run(Value* exports, const uint8_t* data, size_t size) : exports_(exports), input_(data, size) {}

  void Play() {
    while (!input_.AtEnd() && steps_++ < kStepsMax) Step();
    for (MappedModel& mapping : mappings_) Check(mapping);
    for (TableModel& table : tables_) Close(table);
    for (MappedModel& mapping : mappings_) Close(mapping);
    fake::Collect();
  }

 private:
  void Step() {
    switch (input_.Byte() % 10) {
      case 0: return Map(mappings_[input_.Byte() % kMappings]);
      case 1: return Tabulate(tables_[input_.Byte() % kTables]);
      case 2: case 3: return CopyRows(false);
      case 4: case 5: return CopyRows(true);
      case 6: return Copy();
      case 7: return Fill();
      case 8: return Convert();
      default: return Rest();
    }
  }

  void Map(MappedModel& mapping) {
    Check(mapping);
    Close(mapping);
    const uint8_t kind = input_.Byte();
    const size_t length = 1 + input_.Below(3 * kPage);
    if (kind % 4 == 0) {
      MapFile(mapping, length, (kind & 8) != 0);
    } else {
      mapping.object = Try("mapAnonymous", {fake::Number(static_cast<double>(length))}, true);
      mapping.writable = true;
    }
    mapping.open = true;
    mapping.bytes.assign(length, 0);
    Value* window = fake::CallMember(mapping.object, "window", {fake::Number(0), fake::Number(static_cast<double>(length))});
    if (window == nullptr || window->length != length) Fail("a window over all of a mapping");
    mapping.base = static_cast<uint8_t*>(window->data);
    // The kernel gives whole pages: past the end is out of bounds all the same.
    __asan_poison_memory_region(mapping.base + length, (kPage - length % kPage) % kPage);
    for (size_t i = 0; i < length; i++) mapping.bytes[i] = mapping.base[i] = static_cast<uint8_t>(seed_ += 37 + (i >> 5));
  }

  void MapFile(MappedModel& mapping, size_t length, bool writable) {
    const size_t offset = input_.Byte() % 3 * kPage;
    const int fd = memfd_create("copies", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(offset + length)) != 0) Fail("no memory file");
    const std::vector<Value*> arguments = {fake::Number(fd), fake::Number(static_cast<double>(offset)),
                                           fake::Number(static_cast<double>(length)), fake::Boolean(writable)};
    mapping.object = Try("mapFile", arguments, true);
    mapping.writable = writable;
    // One byte more is not there.
    const std::vector<Value*> longer = {arguments[0], arguments[1], fake::Number(static_cast<double>(length + 1)), arguments[3]};
    Try("mapFile", longer, false);
    close(fd);
  }

  void Tabulate(TableModel& table) {
    Close(table);
    const size_t count = input_.Byte() % kSegmentsMax;
    std::vector<Value*> objects;
    table.mappings.clear();
    bool valid = true;
    for (size_t i = 0; i < 1u + input_.Byte() % kMappings; i++) {
      const size_t index = input_.Byte() % kMappings;
      if (mappings_[index].object == nullptr) continue;
      table.mappings.push_back(index);
      objects.push_back(mappings_[index].object);
      valid = valid && mappings_[index].open;
    }
    std::vector<double> packed;
    table.places.clear();
    for (size_t i = 0; i < count; i++) {
      const double index = input_.Argument(static_cast<uint32_t>(objects.size()) + (input_.Byte() == 0 ? 1 : 0) + (objects.empty() ? 1 : 0));
      const size_t whole = table.mappings.empty() ? 1 : Size(table.mappings[IsInteger(index, 11) ? static_cast<size_t>(index) % table.mappings.size() : 0]);
      const double offset = input_.Argument(static_cast<uint32_t>(whole));
      const double length = input_.Argument(static_cast<uint32_t>(std::min<double>(700, std::max(1.0, static_cast<double>(whole) - offset))));
      packed.insert(packed.end(), {index, offset, length});
      valid = valid && IsInteger(index, static_cast<double>(objects.size()) - 1) && IsInteger(offset, kSafeMax) && IsInteger(length, kSafeMax);
      if (!valid) continue;
      const size_t which = table.mappings[static_cast<size_t>(index)];
      valid = offset + length <= static_cast<double>(mappings_[which].bytes.size());
      for (uint32_t at = 0; valid && at < static_cast<uint32_t>(length); at++) {
        table.places.emplace_back(which, static_cast<uint32_t>(offset) + at);
      }
    }
    if (input_.Byte() == 0) {
      packed.push_back(1);
      valid = false;
    }
    table.object = Try("createScatterGather", {fake::Array(objects), fake::Doubles(packed.data(), packed.size())}, valid);
    table.open = table.object != nullptr;
  }

  struct Rows {
    double offset, stride, other_offset, other_stride, row_bytes, rows;
  };

  size_t Size(size_t mapping) const { return std::max<size_t>(1, mappings_[mapping].bytes.size()); }

  /// Rows of which most lie within so many bytes on either side.
  Rows ReadRows(size_t limit, size_t other_limit) {
    Rows rows;
    rows.rows = input_.Argument(8);
    const double count = IsInteger(rows.rows, 8) ? std::max(1.0, rows.rows) : 1;
    const size_t most = std::min(limit, other_limit) / static_cast<size_t>(count) + 2;
    rows.row_bytes = input_.Argument(static_cast<uint32_t>(most));
    rows.stride = ReadStride(rows.row_bytes);
    rows.other_stride = ReadStride(rows.row_bytes);
    rows.offset = ReadOffset(limit, count, rows.stride, rows.row_bytes);
    rows.other_offset = ReadOffset(other_limit, count, rows.other_stride, rows.row_bytes);
    return rows;
  }

  double ReadStride(double row_bytes) {
    const uint8_t choice = input_.Byte();
    if (!IsInteger(row_bytes, 3 * kPage) || choice % 8 == 0) return input_.Argument(512);
    return choice % 3 == 0 ? row_bytes : row_bytes + choice;
  }

  double ReadOffset(size_t limit, double count, double stride, double row_bytes) {
    const double room = static_cast<double>(limit) - (count - 1) * stride - row_bytes;
    return input_.Argument(room >= 0 && room < 3 * kPage ? static_cast<uint32_t>(room) + 1 : 64);
  }

  static bool Fit(size_t limit, double offset, double stride, double row_bytes, double rows) {
    if (rows == 0 || row_bytes == 0) return offset <= static_cast<double>(limit);
    const auto last = static_cast<unsigned __int128>(rows - 1) * static_cast<unsigned __int128>(stride);
    return last + static_cast<unsigned __int128>(offset) + static_cast<unsigned __int128>(row_bytes) <= limit;
  }

  void CopyRows(bool to_table) {
    TableModel& table = tables_[input_.Byte() % kTables];
    MappedModel& other = mappings_[input_.Byte() % kMappings];
    if (table.object == nullptr || other.object == nullptr) return;
    const Rows r = ReadRows(table.places.size(), other.bytes.size());
    bool valid = table.open && other.open && (to_table || other.writable);
    for (const size_t index : table.mappings) {
      valid = valid && mappings_[index].object != nullptr && mappings_[index].open && (!to_table || mappings_[index].writable);
    }
    // A table holds on to mappings that were replaced here: those are closed.
    valid = valid && !stale_[static_cast<size_t>(&table - tables_.data())];
    for (const double number : {r.offset, r.stride, r.other_offset, r.other_stride, r.row_bytes, r.rows}) valid = valid && IsInteger(number, kSafeMax);
    valid = valid && Fit(table.places.size(), r.offset, r.stride, r.row_bytes, r.rows) &&
            Fit(other.bytes.size(), r.other_offset, r.other_stride, r.row_bytes, r.rows);
    const bool nothing = r.rows == 0 || r.row_bytes == 0;
    if (!nothing && r.rows > 1 && (to_table ? r.stride : r.other_stride) < r.row_bytes) valid = false;
    // Where both are the same memory, the order of the rows matters, and so does each one's own overlap.
    Call(table.object, to_table ? "writeRows" : "readRows",
         {fake::Number(r.offset), fake::Number(r.stride), other.object, fake::Number(r.other_offset), fake::Number(r.other_stride), fake::Number(r.row_bytes), fake::Number(r.rows)},
         valid);
    if (!valid || nothing) return;
    for (const size_t index : table.mappings) {
      if (&mappings_[index] == &other) return Learn();
    }
    for (uint64_t row = 0; row < static_cast<uint64_t>(r.rows); row++) {
      for (uint64_t at = 0; at < static_cast<uint64_t>(r.row_bytes); at++) {
        const auto [which, place] = table.places[static_cast<uint64_t>(r.offset) + row * static_cast<uint64_t>(r.stride) + at];
        uint8_t& in_other = other.bytes[static_cast<uint64_t>(r.other_offset) + row * static_cast<uint64_t>(r.other_stride) + at];
        uint8_t& in_table = mappings_[which].bytes[place];
        if (to_table) in_table = in_other;
        else in_other = in_table;
      }
    }
  }

  void Copy() {
    MappedModel& target = mappings_[input_.Byte() % kMappings];
    MappedModel& source = mappings_[input_.Byte() % kMappings];
    if (target.object == nullptr || source.object == nullptr) return;
    const double at = input_.Argument(kPage);
    const double from = input_.Argument(kPage);
    const double length = input_.Argument(3 * kPage);
    const bool valid = target.open && target.writable && source.open && IsInteger(at, kSafeMax) && IsInteger(from, kSafeMax) &&
                       IsInteger(length, kSafeMax) && at + length <= static_cast<double>(target.bytes.size()) &&
                       from + length <= static_cast<double>(source.bytes.size());
    Call(target.object, "copyFrom", {fake::Number(at), source.object, fake::Number(from), fake::Number(length)}, valid);
    if (valid) memmove(target.bytes.data() + static_cast<size_t>(at), source.bytes.data() + static_cast<size_t>(from), static_cast<size_t>(length));
  }

  void Fill() {
    MappedModel& target = mappings_[input_.Byte() % kMappings];
    if (target.object == nullptr) return;
    const double at = input_.Argument(2 * kPage);
    const double length = input_.Argument(kPage);
    const double byte = input_.Argument(256);
    const bool valid = target.open && target.writable && IsInteger(at, kSafeMax) && IsInteger(length, kSafeMax) &&
                       IsInteger(byte, 255) && at + length <= static_cast<double>(target.bytes.size());
    Call(target.object, "fill", {fake::Number(at), fake::Number(length), fake::Number(byte)}, valid);
    if (valid) memset(target.bytes.data() + static_cast<size_t>(at), static_cast<int>(byte), static_cast<size_t>(length));
  }

  void Convert() {
    MappedModel& target = mappings_[input_.Byte() % kMappings];
    MappedModel& source = mappings_[input_.Byte() % kMappings];
    if (target.object == nullptr || source.object == nullptr) return;
    const Rows r = ReadRows(target.bytes.size(), source.bytes.size());
    const double width = IsInteger(r.row_bytes, 3 * kPage) ? static_cast<double>(static_cast<uint32_t>(r.row_bytes) / 4) : input_.Argument(80);
    const double swizzle = input_.Byte() % 2 == 0 ? 0xe4 : input_.Argument(256);
    const double mask = input_.Byte() % 2 == 0 ? 0 : input_.Argument(65536);
    bool valid = target.open && target.writable && source.open && IsInteger(width, kSafeMax) && IsInteger(swizzle, 255) && IsInteger(mask, 4294967295.0);
    for (const double number : {r.offset, r.stride, r.other_offset, r.other_stride, r.rows}) valid = valid && IsInteger(number, kSafeMax);
    valid = valid && Fit(target.bytes.size(), r.offset, r.stride, width * 4, r.rows) && Fit(source.bytes.size(), r.other_offset, r.other_stride, width * 4, r.rows);
    if (width != 0 && r.rows > 1 && r.stride < width * 4) valid = false;
    Call(target.object, "convertPixels",
         {fake::Number(r.offset), fake::Number(r.stride), source.object, fake::Number(r.other_offset), fake::Number(r.other_stride), fake::Number(width), fake::Number(r.rows), fake::Number(swizzle), fake::Number(mask)},
         valid);
    if (!valid || width == 0) return;
    if (&target == &source) return Learn();
    for (uint64_t row = 0; row < static_cast<uint64_t>(r.rows); row++) {
      uint8_t* to = target.bytes.data() + static_cast<uint64_t>(r.offset) + row * static_cast<uint64_t>(r.stride);
      const uint8_t* from = source.bytes.data() + static_cast<uint64_t>(r.other_offset) + row * static_cast<uint64_t>(r.other_stride);
      for (uint64_t byte = 0; byte < static_cast<uint64_t>(width) * 4; byte++) {
        const uint64_t moved = byte / 4 * 4 + (static_cast<unsigned>(swizzle) >> byte % 4 * 2 & 3);
        to[byte] = static_cast<uint8_t>(from[moved] | static_cast<uint32_t>(mask) >> byte % 4 * 8);
      }
    }
  }

  /// Windows, and the end of this or that.
  void Rest() {
    MappedModel& mapping = mappings_[input_.Byte() % kMappings];
    TableModel& table = tables_[input_.Byte() % kTables];
    const uint8_t choice = input_.Byte() % 8;
    if (choice == 0) return Close(mapping);
    if (choice == 1) return Close(table);
    if (mapping.object == nullptr) return;
    const double at = input_.Argument(2 * kPage);
    const double length = input_.Argument(2 * kPage);
    const bool valid = mapping.open && IsInteger(at, kSafeMax) && IsInteger(length, 4294967296.0) && at + length <= static_cast<double>(mapping.bytes.size());
    Call(mapping.object, "window", {fake::Number(at), fake::Number(length)}, valid);
  }

  /// Within one memory the model would have to know the order of all stores: it looks instead.
  void Learn() {
    for (MappedModel& mapping : mappings_) {
      if (mapping.open) mapping.bytes.assign(mapping.base, mapping.base + mapping.bytes.size());
    }
  }

  void Check(const MappedModel& mapping) {
    if (mapping.open && memcmp(mapping.base, mapping.bytes.data(), mapping.bytes.size()) != 0) Fail("bytes differ from the model's");
  }

  void Close(MappedModel& mapping) {
    if (mapping.object == nullptr || !mapping.open) return;
    Check(mapping);
    const size_t length = mapping.bytes.size();
    __asan_unpoison_memory_region(mapping.base + length, (kPage - length % kPage) % kPage);
    Call(mapping.object, "close", {}, true);
    mapping.open = false;
    const auto index = static_cast<size_t>(&mapping - mappings_.data());
    for (size_t i = 0; i < kTables; i++) {
      for (const size_t used : tables_[i].mappings) stale_[i] = stale_[i] || (used == index && tables_[i].open);
    }
  }

  void Close(TableModel& table) {
    if (table.object == nullptr) return;
    Call(table.object, "close", {}, true);
    table.open = false;
    stale_[static_cast<size_t>(&table - tables_.data())] = false;
  }

  Value* Try(const char* function, const std::vector<Value*>& arguments, bool valid) {
    return Judge(fake::Call(exports_->properties.at(function), arguments), function, valid);
  }

  void Call(Value* object, const char* method, const std::vector<Value*>& arguments, bool valid) {
    Judge(fake::CallMember(object, method, arguments), method, valid);
  }

  static Value* Judge(Value* result, const char* what, bool valid) {
    const bool threw = fake::TakeException();
    calls++;
    if (threw != (result == nullptr) || threw == valid) {
      fprintf(stderr, "%s %s\n", what, threw ? "threw" : "did not throw");
      Fail("the addon and the model do not agree");
    }
    return result;
  }

  Value* exports_;
  Input input_;
  size_t steps_ = 0;
  uint32_t seed_ = 1;
  std::array<MappedModel, kMappings> mappings_;
  std::array<TableModel, kTables> tables_;
  std::array<bool, kTables> stale_ = {};
};

Value* Load() {
  static native::Addon addon;
  const Napi::Env env(fake::Environment());
  napi_set_instance_data(fake::Environment(), &addon, nullptr, nullptr);
  Value* exports = fake::Object();
  const Napi::Object object(env, fake::To(exports));
  native::Mapping::Init(env, addon, object);
  native::ScatterGather::Init(env, addon, object);
  fake::Keep();
  return exports;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Value* const exports = Load();
  Run(exports, data, size).Play();
  CountCalls();
  return 0;
}

// The addon's own mappings, each between two pages that nobody may touch.
extern "C" void* __real_mmap(void*, size_t, int, int, int, off_t);
extern "C" int __real_munmap(void*, size_t);
extern "C" void* __wrap_mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  const size_t whole = (length + kPage - 1) / kPage * kPage;
  auto* room = static_cast<uint8_t*>(__real_mmap(nullptr, whole + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (room == MAP_FAILED || address != nullptr) return MAP_FAILED;
  void* inner = __real_mmap(room + kPage, length, protection, flags | MAP_FIXED, fd, offset);
  if (inner == MAP_FAILED) __real_munmap(room, whole + 2 * kPage);
  return inner;
}
extern "C" int __wrap_munmap(void* address, size_t length) {
  const size_t whole = (length + kPage - 1) / kPage * kPage;
  return __real_munmap(static_cast<uint8_t*>(address) - kPage, whole + 2 * kPage);
}
