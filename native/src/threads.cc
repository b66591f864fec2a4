#include "threads.h"

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace native {
namespace {

// The C library's own signal for the same purpose (setuid in all threads): the only kind that it lets nobody block,
// not even by sigfillset, which Node's inspector thread does. It is borrowed for the time of the broadcast.
#ifdef __GLIBC__
constexpr int kSignal = 33;
#else
constexpr int kSignal = 34;  // musl
#endif

constexpr int kThreadsMax = 256;
constexpr int kPatienceMs = 5000;

/// One thread that was asked. `answer`: -1 until it took the step, then 0 or an errno.
struct Slot {
  std::atomic<int> tid;
  std::atomic<int> answer;
};

// Process-global, because a signal handler has no other way to know them.
Slot slots[kThreadsMax];
std::atomic<int> slot_count{0};
int (*current_step)() = nullptr;

void OnSignal(int) {
  const int saved_errno = errno;
  const int tid = static_cast<int>(syscall(SYS_gettid));
  const int count = slot_count.load(std::memory_order_acquire);
  for (int i = 0; i < count; i++) {
    if (slots[i].tid.load(std::memory_order_relaxed) != tid) continue;
    if (slots[i].answer.load(std::memory_order_relaxed) == -1) {
      slots[i].answer.store(current_step(), std::memory_order_release);
    }
    break;
  }
  errno = saved_errno;
}

/// What the system call takes: sigaction() refuses the signals that the C library keeps to itself.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
// Both have SA_RESTORER, though nothing needs one on arm64.
#if defined(__x86_64__) || defined(__aarch64__)
  void (*restorer)();
#endif
  uint64_t mask;
};

int SetAction(const KernelAction* action, KernelAction* previous) {
  return syscall(SYS_rt_sigaction, kSignal, action, previous, sizeof(uint64_t)) == 0 ? 0 : errno;
}

#ifdef __x86_64__
// Where a handler returns to: this architecture's kernel brings no code of its own for that.
extern "C" void VhostUserNativeRestore() __attribute__((visibility("hidden")));
__asm__(
    ".text\n.hidden VhostUserNativeRestore\n.type VhostUserNativeRestore, @function\n"
    "VhostUserNativeRestore:\n  mov $15, %eax\n  syscall\n"
    ".size VhostUserNativeRestore, .-VhostUserNativeRestore\n");
constexpr unsigned long kRestorerFlag = 0x04000000;  // SA_RESTORER
#endif

KernelAction BroadcastAction() {
  KernelAction action = {};
  action.handler = OnSignal;
  action.flags = SA_RESTART | SA_ONSTACK;
  action.mask = ~uint64_t{0};
#ifdef __x86_64__
  action.flags |= kRestorerFlag;
  action.restorer = VhostUserNativeRestore;
#endif
  return action;
}

bool IsAsked(int tid) {
  const int count = slot_count.load(std::memory_order_relaxed);
  for (int i = 0; i < count; i++) {
    if (slots[i].tid.load(std::memory_order_relaxed) == tid) return true;
  }
  return false;
}

int Ask(int pid, int tid) {
  const int index = slot_count.load(std::memory_order_relaxed);
  if (index == kThreadsMax) return EAGAIN;
  slots[index].tid.store(tid, std::memory_order_relaxed);
  slots[index].answer.store(-1, std::memory_order_relaxed);
  slot_count.store(index + 1, std::memory_order_release);
  if (syscall(SYS_tgkill, pid, tid, kSignal) == 0) return 0;
  // It ended in the meantime.
  if (errno != ESRCH) return errno;
  slots[index].answer.store(0, std::memory_order_relaxed);
  return 0;
}

/// Waits for the answer of one thread that was asked, or for its end.
int Await(int pid, const Slot& slot) {
  constexpr struct timespec kPause = {0, 100'000};
  for (int paused = 0; paused < kPatienceMs * 10; paused++) {
    const int answer = slot.answer.load(std::memory_order_acquire);
    if (answer != -1) return answer;
    if (syscall(SYS_tgkill, pid, slot.tid.load(std::memory_order_relaxed), 0) != 0) return errno == ESRCH ? 0 : errno;
    nanosleep(&kPause, nullptr);
  }
  return ETIMEDOUT;
}

/// Asks every thread that was not asked yet, but `self`. `*more`: there was one.
int AskNewThreads(int pid, int self, bool* more) {
  *more = false;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return errno;
  int error = 0;
  const struct dirent* entry = nullptr;
  while (error == 0 && (entry = readdir(folder)) != nullptr) {
    const int tid = atoi(entry->d_name);
    if (tid <= 0 || tid == self || IsAsked(tid)) continue;
    *more = true;
    error = Ask(pid, tid);
  }
  closedir(folder);
  return error;
}

int Broadcast() {
  const int pid = static_cast<int>(getpid());
  const int self = static_cast<int>(syscall(SYS_gettid));
  int answered = 0;
  // A thread that starts another one while this goes on may do so before its own turn: look until nothing is new.
  for (bool more = true; more;) {
    int error = AskNewThreads(pid, self, &more);
    for (; error == 0 && answered < slot_count.load(std::memory_order_relaxed); answered++) {
      error = Await(pid, slots[answered]);
    }
    if (error != 0) return error;
  }
  return 0;
}

}  // namespace

int RunInAllThreads(int (*step)()) {
  current_step = step;
  slot_count.store(0, std::memory_order_release);
  const KernelAction action = BroadcastAction();
  KernelAction previous = {};
  int error = SetAction(&action, &previous);
  if (error != 0) return error;
  error = Broadcast();
  SetAction(&previous, nullptr);
  return error != 0 ? error : step();
}

}  // namespace native
