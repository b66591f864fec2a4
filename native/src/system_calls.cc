// The list of system calls that the running process makes, found by tracing unit, protocol and end-to-end tests, and
// read through for what each one can reach. The principle: no call that takes a path, none that makes a socket which
// could be connected, none that makes or touches a process. What is left works on descriptors that the process has,
// or is sent.
#include "system_calls.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

namespace native {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;  // No list was made for it: HasSeccomp() is false.
#endif

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr uint32_t Refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

// No call that is not on any list: libraries that try a newer one first fall back to what they did before it was there.
constexpr uint32_t kUnknown = Refuse(ENOSYS);

constexpr int kAllowed[] = {
    // Bytes to and from descriptors: sockets, eventfds, pipes, the log, files that a compositor handed out.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_lseek,
    SYS_recvmsg, SYS_sendmsg, SYS_recvfrom, SYS_sendto, SYS_shutdown,
    // Front-ends that come: on listeners that are bound already.
    SYS_accept4, SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername,
    // Descriptors themselves. (fstat and fstatfs take no path; their relatives that do are below.)
    SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_fstat, SYS_fstatfs, SYS_eventfd2, SYS_pipe2, SYS_fsync,
    SYS_fdatasync,
    // The event loop.
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll,
#ifdef SYS_epoll_wait
    SYS_epoll_wait, SYS_poll, SYS_dup2,
#endif
    // Memory: V8's heap and machine code, guests' memory, memfds (their size, their seals by fcntl, freed pieces).
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_memfd_create, SYS_ftruncate,
    SYS_fallocate, SYS_membarrier,
#ifdef SYS_pkey_alloc
    SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect,
#endif
    // Threads of the pools (made by clone, below): their locks, priorities as they are, their end.
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_gettid, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_getpriority, SYS_exit, SYS_exit_group,
#ifdef SYS_getrlimit
    SYS_getrlimit,
#endif
    // Signals to itself: handlers (SIGTERM, SIGBUS of a truncated file), and the return from them.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_sigaltstack, SYS_restart_syscall,
#ifdef SYS_pause
    SYS_pause,
#endif
    // Time and waiting.
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_nanosleep, SYS_clock_nanosleep, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_timerfd_gettime, SYS_times,
#ifdef SYS_time
    SYS_time,
#endif
    // What the process may know of itself and of the machine.
    SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrandom, SYS_getrusage,
    SYS_sysinfo, SYS_uname, SYS_getcpu, SYS_getcwd, SYS_capget,
};

// What may be tried in good faith: by Node when it shuts down, by a library that looks for a file, by the inspector
// that somebody's SIGUSR1 starts. EACCES, as landlock would answer.
constexpr int kForbidden[] = {
    SYS_openat, SYS_openat2, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_unlinkat, SYS_mkdirat, SYS_renameat2,
    SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_fchmodat, SYS_fchownat, SYS_utimensat, SYS_truncate, SYS_statfs,
    SYS_chdir, SYS_fchdir, SYS_getdents64, SYS_socket, SYS_connect, SYS_bind, SYS_listen,
    SYS_inotify_add_watch, SYS_getxattr, SYS_setxattr, SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo, SYS_setpriority, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_setuid, SYS_setgid,
    SYS_setresuid, SYS_setresgid, SYS_wait4, SYS_waitid,
#ifdef SYS_open
    SYS_open, SYS_creat, SYS_access, SYS_readlink, SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_rename, SYS_link, SYS_symlink,
    SYS_mknod, SYS_chmod, SYS_chown, SYS_stat, SYS_lstat, SYS_fork, SYS_vfork,
#endif
};

// Calls by which a C library implements fstat(); they could take a path. Node ends in an assertion when fstat() of its
// standard streams fails with anything but EBADF (ResetStdio).
constexpr int kNoStatus[] = {SYS_newfstatat, SYS_statx};

// Nothing in this process has a use for them at any time: whoever gets here runs code of somebody else's.
constexpr int kDeadly[] = {
    // Programs.
    SYS_execve, SYS_execveat,
    // Other processes' memory and descriptors.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_open, SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    // Another view of the system.
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_open_by_handle_at, SYS_name_to_handle_at,
    // Parts of the kernel that are known for what was found in them.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_io_uring_enter,
    SYS_io_uring_register,
    // The machine.
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
    SYS_setdomainname, SYS_syslog, SYS_personality,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

/// A program for the kernel's classic BPF machine, written from top to bottom.
class Filter {
 public:
  Filter() {
    Load(offsetof(seccomp_data, arch));
    Jump(kArchitecture, 1, 0);
    Return(kKill);
    Load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
    // The x32 calls have numbers of their own in the same architecture.
    Emit(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x40000000));
    Jump(0, 1, 0);
    Return(kKill);
    Load(offsetof(seccomp_data, nr));
#endif
  }

  template <size_t kCount>
  void Always(const int (&numbers)[kCount], uint32_t action) {
    for (const int number : numbers) {
      Jump(static_cast<uint32_t>(number), 0, 1);
      Return(action);
    }
  }

  /// `number` is allowed when the lower 32 bits of argument `index` (the kernel looks at no others) are one of `values`.
  void OneOf(int number, int index, std::initializer_list<uint32_t> values, uint32_t otherwise) {
    Jump(static_cast<uint32_t>(number), 0, static_cast<uint8_t>(2 * values.size() + 2));
    Load(LowWord(index));
    for (const uint32_t value : values) {
      Jump(value, 0, 1);
      Return(kAllow);
    }
    Return(otherwise);
  }

  /// Bits of a word of the arguments that must have a value.
  struct Condition {
    size_t word;
    uint32_t mask;
    uint32_t value;
  };

  /// `number` is allowed when all conditions hold.
  void When(int number, std::initializer_list<Condition> conditions, uint32_t otherwise) {
    // Three instructions a condition; the last two are the answers.
    auto left = static_cast<uint8_t>(3 * conditions.size() + 1);
    Jump(static_cast<uint32_t>(number), 0, static_cast<uint8_t>(left + 1));
    for (const Condition& condition : conditions) {
      Load(condition.word);
      Emit(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, condition.mask));
      left = static_cast<uint8_t>(left - 3);
      Jump(condition.value, 0, left);
    }
    Return(kAllow);
    Return(otherwise);
  }

  /// Where an argument lies; both architectures are little-endian.
  static size_t LowWord(int index) { return offsetof(seccomp_data, args) + static_cast<size_t>(index) * 8; }
  static size_t HighWord(int index) { return LowWord(index) + sizeof(uint32_t); }

  void Return(uint32_t action) { Emit(BPF_STMT(BPF_RET | BPF_K, action)); }

  std::vector<struct sock_filter>& Code() { return code_; }

 private:
  void Emit(struct sock_filter instruction) { code_.push_back(instruction); }
  void Load(size_t offset) { Emit(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset))); }
  void Jump(uint32_t value, uint8_t equal, uint8_t different) {
    Emit(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, different));
  }

  std::vector<struct sock_filter> code_;
};

void AddConditions(Filter& filter) {
  constexpr uint32_t kNo = Refuse(EPERM);
  constexpr uint32_t kThread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  constexpr uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                   CLONE_NEWNET | CLONE_NEWCGROUP;
  constexpr uint32_t kSocketType = 0xf;
  const auto at = Filter::LowWord;
  // Threads, no processes. (clone3 hides its flags in memory: unknown, and the C library goes back to this one.)
  filter.When(SYS_clone, {{at(0), kThread | kNamespaces, kThread}}, kNo);
  // A pair is connected to itself. (The halves of a datagram pair could send to any other socket by its path.)
  filter.When(SYS_socketpair, {{at(0), UINT32_MAX, AF_UNIX}, {at(1), kSocketType, SOCK_STREAM}}, kNo);
  // abort(): to the own process only.
  filter.OneOf(SYS_tgkill, 0, {static_cast<uint32_t>(getpid())}, kNo);
  // Flags of descriptors, duplicates, seals; no leases, no signals on behalf of a descriptor.
  filter.OneOf(SYS_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS}, kNo);
  // libuv's flags, isatty(), and dma-bufs over guest memory. What a terminal or a DRM device could do is not for us.
  filter.OneOf(SYS_ioctl, 1, {FIONBIO, FIOCLEX, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ, UDMABUF_CREATE_LIST},
               Refuse(ENOTTY));
  // Names of threads and of memory.
  filter.OneOf(SYS_prctl, 0, {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA}, kNo);
  // Limits can be read, not set.
  filter.When(SYS_prlimit64, {{at(2), UINT32_MAX, 0}, {Filter::HighWord(2), UINT32_MAX, 0}}, kNo);
}

long Seccomp(unsigned operation, unsigned flags, void* argument) {
  return syscall(SYS_seccomp, operation, flags, argument);
}

}  // namespace

bool HasSeccomp() {
  uint32_t action = kKill;
  return kArchitecture != 0 && Seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int FilterSystemCalls() {
  Filter filter;
  filter.Always(kAllowed, kAllow);
  AddConditions(filter);
  filter.Always(kForbidden, Refuse(EACCES));
  filter.Always(kNoStatus, Refuse(EBADF));
  filter.Always(kDeadly, kKill);
  filter.Return(kUnknown);
  struct sock_fprog program = {static_cast<unsigned short>(filter.Code().size()), filter.Code().data()};
  const long result = Seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  // A positive number is a thread that has a filter of its own.
  return result == 0 ? 0 : (result > 0 ? EBUSY : errno);
}

}  // namespace native
