// A step taken by every thread of the process.
#pragma once

namespace native {

/// Has `step` run once in each thread, in the calling one last. For what the kernel keeps per thread and offers no
/// way to change for all: capabilities, landlock domains. `step` returns 0 or an errno; it runs in a signal handler, so
/// it makes raw system calls and nothing else. Returns the first error; ETIMEDOUT when a thread does not take the
/// signal; EAGAIN when there are more threads than anybody expects. Threads that took the step keep what it did.
int RunInAllThreads(int (*step)());

}  // namespace native
