#include "landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace native {
namespace {

// The numbers are the same on all architectures; older headers lack some or all of this.
constexpr long kCreateRuleset = 444;
constexpr long kRestrictSelf = 446;
constexpr uint32_t kVersionFlag = 1;

struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

constexpr uint64_t FirstBits(int count) { return (uint64_t{1} << count) - 1; }

/// File rights that each version can handle: execute to make_sym; + refer (2), truncate (3), ioctl_dev (5).
uint64_t FileRights(int abi) {
  if (abi >= 5) return FirstBits(16);
  if (abi >= 3) return FirstBits(15);
  return abi == 2 ? FirstBits(14) : FirstBits(13);
}

RulesetAttributes Everything(int abi) {
  RulesetAttributes all = {FileRights(abi), 0, 0};
  if (abi >= 4) all.network = FirstBits(2);  // TCP: bind, connect
  if (abi >= 6) all.scoped = FirstBits(2);   // abstract unix sockets, signals
  return all;
}

/// Older kernels refuse a structure that is longer than theirs, unless the rest is zero; they get their own length.
size_t AttributesSize(int abi) {
  if (abi >= 6) return sizeof(RulesetAttributes);
  return abi >= 4 ? offsetof(RulesetAttributes, scoped) : offsetof(RulesetAttributes, network);
}

}  // namespace

int LandlockAbi() {
  const long abi = syscall(kCreateRuleset, nullptr, 0, kVersionFlag);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

int NewLandlockRuleset(int abi) {
  const RulesetAttributes attributes = Everything(abi);
  return static_cast<int>(syscall(kCreateRuleset, &attributes, AttributesSize(abi), 0));
}

int RestrictThread(int ruleset) { return syscall(kRestrictSelf, ruleset, 0) == 0 ? 0 : errno; }

}  // namespace native
