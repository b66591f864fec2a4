// Landlock (the kernel's Documentation/userspace-api/landlock.rst), as far as it is needed to forbid everything.
#pragma once

namespace native {

/// The version of the running kernel's interface; 0 when it has none, or when the process may not use it.
int LandlockAbi();

/// A ruleset without rules that handles every right which interface version `abi` knows; -1 with errno.
int NewLandlockRuleset(int abi);

/// Applies it to the calling thread, which must have no_new_privs. 0 or an errno. A raw system call.
int RestrictThread(int ruleset);

}  // namespace native
