// A program that ends with 0 when guests really run on KVM here. Where KVM is emulated, everything opens and short code
// runs, but a kernel never gets through its own start: so a loop is run in 64-bit mode that real virtualization
// finishes in milliseconds, and an instruction emulator does not within the second that the alarm leaves it (measured on
// one: some million rounds a second).
//
//   kvm-probe     0: works; 1: a step failed, named on stderr; killed by SIGALRM: too slow
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr unsigned kPatienceSeconds = 1;

int Fail(const char* step) {
  fprintf(stderr, "%s: %s\n", step, strerror(errno));
  return 1;
}

#ifdef __x86_64__
constexpr size_t kMemoryBytes = 0x10000;
// Where things lie in the guest, which sees its first 2 MiB at their own addresses.
constexpr uint64_t kPageTables[] = {0x1000, 0x2000, 0x3000};
constexpr uint64_t kCode = 0x4000;
constexpr uint64_t kPresentWritable = 3;
constexpr uint64_t kLargePage = 0x80;
constexpr uint32_t kRounds = 10'000'000;

void FillMemory(uint8_t* memory) {
  const uint64_t entries[] = {kPageTables[1] | kPresentWritable, kPageTables[2] | kPresentWritable,
                              kPresentWritable | kLargePage};
  for (int level = 0; level < 3; level++) memcpy(memory + kPageTables[level], &entries[level], sizeof(uint64_t));
  // mov ecx, kRounds; dec ecx; jnz -4; hlt
  uint8_t code[] = {0xb9, 0, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xf4};
  memcpy(code + 1, &kRounds, sizeof(kRounds));
  memcpy(memory + kCode, code, sizeof(code));
}

/// 64-bit mode from the first instruction on.
bool SetRegisters(int vcpu) {
  struct kvm_sregs special;
  if (ioctl(vcpu, KVM_GET_SREGS, &special) != 0) return false;
  special.cr3 = kPageTables[0];
  special.cr4 = 1u << 5;                // PAE
  special.cr0 = 1u | (1u << 31);        // PE, PG
  special.efer = (1u << 8) | (1u << 10);  // LME, LMA
  struct kvm_segment segment = {};
  segment.limit = 0xffffffff;
  segment.present = 1;
  segment.s = 1;
  segment.g = 1;
  segment.type = 11;
  segment.l = 1;
  segment.selector = 8;
  special.cs = segment;
  segment.type = 3;
  segment.l = 0;
  segment.db = 1;
  segment.selector = 16;
  special.ds = special.es = special.fs = special.gs = special.ss = segment;
  if (ioctl(vcpu, KVM_SET_SREGS, &special) != 0) return false;
  struct kvm_regs registers = {};
  registers.rip = kCode;
  registers.rflags = 2;
  return ioctl(vcpu, KVM_SET_REGS, &registers) == 0;
}

int RunGuest(int kvm, int vm) {
  void* memory = mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Fail("mmap");
  FillMemory(static_cast<uint8_t*>(memory));
  struct kvm_userspace_memory_region region = {};
  region.memory_size = kMemoryBytes;
  region.userspace_addr = reinterpret_cast<uint64_t>(memory);
  if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0) return Fail("KVM_SET_USER_MEMORY_REGION");
  const int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  if (vcpu < 0) return Fail("KVM_CREATE_VCPU");
  const int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (bytes < static_cast<int>(sizeof(struct kvm_run))) return Fail("KVM_GET_VCPU_MMAP_SIZE");
  void* shared = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (shared == MAP_FAILED) return Fail("mmap of the processor");
  if (!SetRegisters(vcpu)) return Fail("KVM_SET_SREGS");
  const auto* run = static_cast<const volatile struct kvm_run*>(shared);
  do {
    if (ioctl(vcpu, KVM_RUN, 0) != 0 && errno != EINTR && errno != EAGAIN) return Fail("KVM_RUN");
  } while (run->exit_reason == KVM_EXIT_INTR);
  if (run->exit_reason == KVM_EXIT_HLT) return 0;
  fprintf(stderr, "KVM_RUN: the processor stopped for reason %u\n", run->exit_reason);
  return 1;
}
#else
/// Emulated KVM was seen on x86 only: elsewhere a processor that can be made is taken for one that runs.
int RunGuest(int, int vm) { return ioctl(vm, KVM_CREATE_VCPU, 0) < 0 ? Fail("KVM_CREATE_VCPU") : 0; }
#endif

}  // namespace

int main() {
  alarm(kPatienceSeconds);
  const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) return Fail("/dev/kvm");
  const int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm < 0) return Fail("KVM_CREATE_VM");
  return RunGuest(kvm, vm);
}
