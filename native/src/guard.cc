#include "guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

namespace native {
namespace {

// Process-global, unlike everything else here: a signal handler has no environment. Only lock-free atomics,
// because it may interrupt any thread anywhere. Untouched slots cost no memory (.bss).
struct Slot {
  std::atomic<uintptr_t> start;
  std::atomic<uintptr_t> end;  // of what is still the file; 0 = free
  std::atomic<size_t> page_size;
  std::atomic<uint64_t> faults;
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);

constexpr int kSlots = 16384;
Slot slots[kSlots];
std::atomic<int> used_slots{0};  // slots[used_slots...] were never used
std::atomic<uint64_t> all_faults{0};

std::mutex registry_mutex;  // never taken by the handler
int first_maybe_free = 0;
bool installed = false;
struct sigaction previous;

/// Puts zeroes in place of the page at `address` and of all that follow in its mapping: what a truncated file
/// lacks, it lacks up to its end. (Page by page, a long file would take as many faults, and as many kernel mappings,
/// of which a process may have 65530.) False when it belongs to no registered mapping.
bool ReplaceFrom(uintptr_t address) {
  const int count = used_slots.load(std::memory_order_acquire);
  for (int i = 0; i < count; i++) {
    Slot& slot = slots[i];
    uintptr_t end = slot.end.load(std::memory_order_acquire);
    const uintptr_t start = slot.start.load(std::memory_order_acquire);
    if (address < start || address >= end) continue;
    // Another thread may be reusing the slot: then start and end are not of the same mapping. (The slot of the
    // mapping that faulted is stable: its own thread is here.)
    if (slot.end.load(std::memory_order_acquire) != end) continue;
    const size_t page_size = slot.page_size.load(std::memory_order_relaxed);
    const uintptr_t page = address & ~(page_size - 1);
    void* zeroes = mmap(reinterpret_cast<void*>(page), end - page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (zeroes == MAP_FAILED) return false;
    slot.faults.fetch_add(1, std::memory_order_relaxed);
    all_faults.fetch_add(1, std::memory_order_relaxed);
    slot.end.compare_exchange_strong(end, page, std::memory_order_acq_rel);
    return true;
  }
  return false;
}

void OnSigbus(int number, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // si_code <= 0: sent by a process, and si_addr means nothing.
  if (info->si_code > 0 && ReplaceFrom(reinterpret_cast<uintptr_t>(info->si_addr))) {
    errno = saved_errno;
    return;
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else if (previous.sa_handler == SIG_DFL || info->si_code > 0) {
    // A real fault can't be ignored. With the default action back, the faulting instruction runs again and
    // ends the process as it would have without us; a signal that was sent is sent again.
    struct sigaction fallback = {};
    fallback.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &fallback, nullptr);
    if (info->si_code <= 0) raise(SIGBUS);
  }
  errno = saved_errno;
}

}  // namespace

int GuardAdd(const void* start, size_t length, size_t page_size) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  int index = first_maybe_free;
  while (index < kSlots && slots[index].end.load(std::memory_order_relaxed) != 0) index++;
  if (index == kSlots) return -1;
  if (!installed) {
    struct sigaction action = {};
    action.sa_sigaction = OnSigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    // In this order: the handler must never see an unset `previous`.
    if (sigaction(SIGBUS, nullptr, &previous) != 0 || sigaction(SIGBUS, &action, nullptr) != 0) return -1;
    installed = true;
  }
  Slot& slot = slots[index];
  const uintptr_t address = reinterpret_cast<uintptr_t>(start);
  slot.page_size.store(page_size, std::memory_order_relaxed);
  slot.faults.store(0, std::memory_order_relaxed);
  slot.start.store(address, std::memory_order_release);
  slot.end.store(address + length, std::memory_order_release);
  if (index >= used_slots.load(std::memory_order_relaxed)) used_slots.store(index + 1, std::memory_order_release);
  first_maybe_free = index + 1;
  return index;
}

uint64_t GuardFaults(int slot) { return slots[slot].faults.load(std::memory_order_relaxed); }

uint64_t GuardFaultsOfAll() { return all_faults.load(std::memory_order_relaxed); }

uint64_t GuardRemove(int slot) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  slots[slot].end.store(0, std::memory_order_release);
  if (slot < first_maybe_free) first_maybe_free = slot;
  return slots[slot].faults.load(std::memory_order_relaxed);
}

}  // namespace native
