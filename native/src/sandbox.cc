#include "sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"
#include "fd.h"
#include "landlock.h"
#include "system_calls.h"
#include "threads.h"

namespace native {
namespace {

// What DropRights applies in each thread. -1: no landlock.
int ruleset_fd = -1;

/// Rights of one thread: no new ones by exec, no files, no capabilities. In this order: landlock asks for the first,
/// and the last two need no right.
int DropRights() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (ruleset_fd >= 0) {
    const int error = RestrictThread(ruleset_fd);
    if (error != 0) return error;
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

/// Nobody gets to see the memory of a guest in a dump of ours.
int ForbidCoreDumps(bool dumpable) {
  // One byte, not zero: programs that core_pattern pipes to are run at zero, too; at one neither file nor program gets
  // anything (fs/coredump.c).
  const struct rlimit limit = {1, 1};
  if (setrlimit(RLIMIT_CORE, &limit) != 0) return errno;
  return dumpable || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

/// sandboxSupport(): { landlockAbi, seccomp }
Napi::Value SandboxSupport(const Napi::CallbackInfo& info) {
  Napi::Object support = Napi::Object::New(info.Env());
  support.Set("landlockAbi", LandlockAbi());
  support.Set("seccomp", HasSeccomp());
  return support;
}

/// confine(landlock, seccomp, dumpable)
Napi::Value Confine(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const bool landlock = info[0].ToBoolean();
  const bool seccomp = info[1].ToBoolean();
  const bool dumpable = info[2].ToBoolean();
  const char* step = "landlock_create_ruleset";
  UniqueFd ruleset;
  int error = 0;
  if (landlock) {
    ruleset.Reset(NewLandlockRuleset(LandlockAbi()));
    if (!ruleset.IsOpen()) error = errno;
  }
  if (error == 0) {
    step = "confining all threads";
    ruleset_fd = ruleset.Get();
    error = RunInAllThreads(DropRights);
    ruleset_fd = -1;
  }
  if (error == 0) {
    step = "forbidding core dumps";
    error = ForbidCoreDumps(dumpable);
  }
  if (error == 0 && seccomp) {
    step = "seccomp";
    error = FilterSystemCalls();
  }
  if (error != 0) ThrowErrno(env, error, step);
  return {};
}

}  // namespace

void RegisterSandboxFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("sandboxSupport", Napi::Function::New<SandboxSupport>(env, "sandboxSupport"));
  exports.Set("confine", Napi::Function::New<Confine>(env, "confine"));
}

}  // namespace native
