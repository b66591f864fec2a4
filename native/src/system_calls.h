// The system calls of a process that has started: a seccomp filter.
#pragma once

namespace native {

/// Whether this kernel filters system calls as FilterSystemCalls wants it.
bool HasSeccomp();

/// Puts the filter of system_calls.cc on all threads, for good. The calling one must have no_new_privs. 0 or an errno.
int FilterSystemCalls();

}  // namespace native
