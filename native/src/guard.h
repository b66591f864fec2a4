// Keeps a process alive that reads a mapped file past its end, after somebody truncated the file (SIGBUS).
#pragma once

#include <cstddef>
#include <cstdint>

namespace native {

/// Registers [start, start + length), mapped from a file whose pages are `page_size` long, and installs the
/// signal handler at the first call. Returns a slot, or -1 when the table is full.
int GuardAdd(const void* start, size_t length, size_t page_size);
/// Faults so far; each stands for a page that was replaced by zeroes, with all that followed it in the mapping.
uint64_t GuardFaults(int slot);
/// The same of all mappings that there are and were.
uint64_t GuardFaultsOfAll();
/// Frees the slot and returns its last count. Call it before munmap.
uint64_t GuardRemove(int slot);

}  // namespace native
