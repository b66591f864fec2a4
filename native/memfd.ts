/**
 * memfd_create and its seals, called through koffi: cold paths that need no native code of our own. koffi is
 * loaded at the first call, because a back-end that only receives memory never needs it.
 */

import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

/** F_SEAL_*: what can't be done to the file any more. */
export const Seal = {
  /** No more seals. */
  SEAL: 1,
  SHRINK: 2,
  GROW: 4,
  /** No writing, through mappings either; fails with EBUSY while a writable mapping exists. */
  WRITE: 8,
  /** As WRITE, but writable mappings that exist go on. */
  FUTURE_WRITE: 16,
} as const;

export interface MemfdOptions {
  /** Bytes; the file is sparse and reads as zeroes. */
  readonly size: number;
  /** Seal bits to add once the size is set. Default none. */
  readonly seals?: number;
}

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;

interface LibC {
  memfdCreate(name: string, flags: number): number;
  ftruncate(fd: number, size: number): number;
  /** Variadic in C: koffi takes the type of the third argument before its value. */
  fcntl(fd: number, command: number, type: 'int', argument: number): number;
  errno(): number;
}

let loaded: LibC | undefined;

function libc(): LibC {
  if (loaded === undefined) {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    loaded = {
      memfdCreate: library.func('int memfd_create(const char *name, unsigned int flags)'),
      ftruncate: library.func('int ftruncate(int fd, long size)'),
      fcntl: library.func('int fcntl(int fd, int command, ...)'),
      errno: () => koffi.errno(),
    };
  }
  return loaded;
}

/** Loads what the other functions need, for who can't open files later. */
export function loadMemfd(): void {
  libc();
}

function check(result: number, syscall: string): number {
  if (result >= 0) return result;
  const errno = -libc().errno();
  const code = getSystemErrorName(errno);
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, errno, syscall });
}

function checkFd(fd: number): void {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff)
    throw new RangeError('fd must be a descriptor number');
}

/**
 * Makes an anonymous file that can be sealed, and returns its descriptor (close-on-exec, the caller's).
 * `name` shows up in /proc only; at most 249 bytes (EINVAL). Throws RangeError on a bad size.
 */
export function createMemfd(name: string, options: MemfdOptions): number {
  const { size, seals = 0 } = options;
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('size must be an integer of at least 0');
  if (!Number.isInteger(seals) || seals < 0 || seals > 0xffff)
    throw new RangeError('seals must be seal bits');
  const fd = check(libc().memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), 'memfd_create');
  try {
    check(libc().ftruncate(fd, size), 'ftruncate');
    if (seals !== 0) addSeals(fd, seals);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Adds seals to a file that allows it (EPERM otherwise). They can't be taken back. */
export function addSeals(fd: number, seals: number): void {
  checkFd(fd);
  if (!Number.isInteger(seals) || seals < 0 || seals > 0xffff)
    throw new RangeError('seals must be seal bits');
  check(libc().fcntl(fd, F_ADD_SEALS, 'int', seals), 'fcntl');
}

/** The seals of a file; EINVAL when it is of a kind that has none. */
export function sealsOf(fd: number): number {
  checkFd(fd);
  return check(libc().fcntl(fd, F_GET_SEALS, 'int', 0), 'fcntl');
}
