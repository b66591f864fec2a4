/**
 * Typed façade of the native addon. Everything that comes out of here is described in types.ts; a failed system
 * call throws a NodeJS.ErrnoException.
 */

import { join } from 'node:path';
import { loadBinaries } from './binaries.js';
import { checkReserve } from './descriptors.js';
import type { DrmDevice } from './drm.js';
import { loadMemfd } from './memfd.js';
import {
  type BrokerLink,
  type BrokerPlan,
  brokerArguments,
  type Confinement,
  type SandboxSupport,
} from './sandbox.js';
import type { EventFd, Mapping, Pipe, ScatterGather, Segment, UnixListener, UnixSocket } from './types.js';
import { type FilePiece, keepUdmabufLimits } from './udmabuf.js';

export { checkReserve, type DescriptorUse, descriptorUse, reserveDescriptors } from './descriptors.js';
export type { DrmDevice } from './drm.js';
export { addSeals, createMemfd, type MemfdOptions, Seal, sealsOf } from './memfd.js';
export * from './sandbox.js';
export * from './types.js';
export { type FilePiece, type UdmabufLimits, udmabufLimits } from './udmabuf.js';

interface Addon {
  connectUnix(path: string): UnixSocket;
  connectDatagram(path: string): number;
  adoptSocket(fd: number): UnixSocket;
  socketPair(): [UnixSocket, UnixSocket];
  listenUnix(path: string, mode: number | null, backlog: number): UnixListener;
  adoptListener(fd: number): UnixListener;
  createEventFd(): EventFd;
  adoptEventFd(fd: number): EventFd;
  yieldCpu(): void;
  createPipe(): NewPipe;
  adoptPipe(fd: number): Pipe;
  mapFile(fd: number, offset: number, length: number, writable: boolean): Mapping;
  mapAnonymous(length: number): Mapping;
  mappingFaults(): number;
  createScatterGather(mappings: Mapping[], packed: Float64Array): ScatterGather;
  closeFd(fd: number): void;
  dupFd(fd: number): number;
  fileSize(fd: number): number;
  fileIdentity(fd: number): FileIdentity;
  isPlainFile(fd: number): boolean;
  punchHole(fd: number, offset: number, length: number): void;
  createUdmabuf(packed: Float64Array): number;
  openUdmabuf(): boolean;
  isSocketListening(fd: number): boolean;
  openDrm(path: string): DrmDevice;
  sealedFile(name: string, content: Uint8Array): number;
  lockFile(path: string): number | null;
  sandboxSupport(): SandboxSupport;
  confine(landlock: boolean, seccomp: boolean, dumpable: boolean): void;
  startBroker(path: string, words: string[]): [BrokerLink, UnixSocket];
  usesIoUring(): boolean;
  restartWithoutIoUring(program: string, words: readonly string[], fds: readonly number[]): void;
  pageSize: number;
}

const binaries = loadBinaries();
const BROKER = join(binaries.folder, 'broker');
/** A program that ends with 0 where guests run on KVM; it takes a second at most (src/kvm_probe.cc). */
export const KVM_PROBE: string = join(binaries.folder, 'kvm-probe');
const addon = binaries.addon as Addon;

/** Two descriptors with the same identity are the same file. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** Bytes in a page of ordinary memory. */
export const pageSize: number = addon.pageSize;

/**
 * Connects to a listening socket, without blocking: ECONNREFUSED or ENOENT when nobody listens, EAGAIN when the
 * listener's queue is full (try later), ENAMETOOLONG beyond 107 bytes of path.
 */
export function connectUnix(path: string): UnixSocket {
  return addon.connectUnix(path);
}

/**
 * A descriptor on which each write is one message to the datagram socket at `path`; a path that begins with `@` is an
 * abstract name. Non-blocking, close-on-exec, the caller's to close. Errors as `connectUnix`, EPROTOTYPE for a stream socket.
 */
export function connectDatagram(path: string): number {
  return addon.connectDatagram(path);
}

/**
 * Takes over a connected AF_UNIX stream socket and makes it non-blocking and close-on-exec. When it is something
 * else this throws (ENOTSOCK, EPROTOTYPE, EINVAL for a listener, ENOTCONN, EBADF) and `fd` stays the caller's.
 */
export function adoptSocket(fd: number): UnixSocket {
  return addon.adoptSocket(fd);
}

/** Two sockets connected to each other. */
export function socketPair(): [UnixSocket, UnixSocket] {
  return addon.socketPair();
}

export interface ListenOptions {
  /** Permissions of the socket file, 0 to 0o777, in force before anybody can connect. Default: by the umask. */
  readonly mode?: number;
  /** Connections that may wait for `accept`, 0 to 65535. Default 16. */
  readonly backlog?: number;
}

/**
 * Binds `path` and listens. A socket file whose listener is gone is replaced; EADDRINUSE when something listens
 * there, or when the path is not a socket. ENAMETOOLONG beyond 107 bytes of path.
 */
export function listenUnix(path: string, options: ListenOptions = {}): UnixListener {
  return addon.listenUnix(path, options.mode ?? null, options.backlog ?? 16);
}

/** Takes over a listening AF_UNIX stream socket; errors as `adoptSocket`. Its path, if any, is never unlinked. */
export function adoptListener(fd: number): UnixListener {
  return addon.adoptListener(fd);
}

/** A new eventfd with the counter at 0. */
export function createEventFd(): EventFd {
  return addon.createEventFd();
}

/** Takes over an eventfd (EINVAL for anything else; `fd` then stays the caller's). */
export function adoptEventFd(fd: number): EventFd {
  return addon.adoptEventFd(fd);
}

/** Lets others have the processor, as those who busy-wait should between two looks. */
export function yieldCpu(): void {
  addon.yieldCpu();
}

/** A pipe of which one end is for somebody else. */
export interface NewPipe {
  readonly reader: Pipe;
  /** Close-on-exec and, since a stranger may count on that, blocking; the caller's to close. */
  readonly writeFd: number;
}

/** A new pipe. EMFILE when the rest of the descriptors is reserved (`reserveDescriptors`). */
export function createPipe(): NewPipe {
  const pipe = addon.createPipe();
  try {
    checkReserve(Math.max(pipe.reader.fd, pipe.writeFd));
  } catch (error) {
    pipe.reader.close();
    closeFd(pipe.writeFd);
    throw error;
  }
  return pipe;
}

/**
 * Takes over a descriptor and makes it non-blocking and close-on-exec. EBADF when it is not open; `fd` then stays the
 * caller's.
 */
export function adoptPipe(fd: number): Pipe {
  return addon.adoptPipe(fd);
}

/**
 * Maps bytes [offset, offset + length) of a file; the caller keeps `fd` and may close it at once. `offset` is a
 * multiple of the file's page size (2 MiB, say, on hugetlbfs) and the range lies within the file now: otherwise
 * a RangeError. A writable mapping is shared. One that is not writable shows the file too, but a store through
 * a window stays private to the process (and hides later changes of that page) instead of killing it.
 */
export function mapFile(
  fd: number,
  offset: number,
  length: number,
  options: { readonly writable: boolean },
): Mapping {
  return addon.mapFile(fd, offset, length, options.writable);
}

/** Zeroed private memory. */
export function mapAnonymous(length: number): Mapping {
  return addon.mapAnonymous(length);
}

/** The `faults` of all mappings that this process has and had. One call tells that nothing happened to any. */
export function mappingFaults(): number {
  return addon.mappingFaults();
}

/** A table of segments, in order. Empty segments are fine. All mappings must be open; RangeError outside them. */
export function createScatterGather(segments: readonly Segment[]): ScatterGather {
  const indices = new Map<Mapping, number>();
  const packed = new Float64Array(segments.length * 3);
  let at = 0;
  // Consecutive segments mostly share the mapping: spares the look-up.
  let lastMapping: Mapping | undefined;
  let lastIndex = 0;
  for (const { mapping, offset, length } of segments) {
    if (mapping !== lastMapping || lastMapping === undefined) {
      lastIndex = indices.get(mapping) ?? indices.size;
      indices.set(mapping, lastIndex);
      lastMapping = mapping;
    }
    packed[at] = lastIndex;
    packed[at + 1] = offset;
    packed[at + 2] = length;
    at += 3;
  }
  return addon.createScatterGather([...indices.keys()], packed);
}

/**
 * The same for thousands of segments, without an object for each: `packed` has three numbers a segment, the index of
 * its mapping in `mappings`, its offset there and its length.
 */
export function packedScatterGather(mappings: readonly Mapping[], packed: Float64Array): ScatterGather {
  return addon.createScatterGather([...mappings], packed);
}

/** Closes a plain descriptor (EBADF when it is not open). */
export function closeFd(fd: number): void {
  addon.closeFd(fd);
}

/** A close-on-exec duplicate, 3 or higher, owned by the caller. */
export function dupFd(fd: number): number {
  return addon.dupFd(fd);
}

/** Bytes in the file behind `fd` (0 for pipes, sockets and the like). */
export function fileSize(fd: number): number {
  return addon.fileSize(fd);
}

/** Whether `fd` is an ordinary file (on disk, in memory), of which reading does not wait for anybody. */
export function isPlainFile(fd: number): boolean {
  return addon.isPlainFile(fd);
}

/** Tells whether two descriptors are the same file. */
export function fileIdentity(fd: number): FileIdentity {
  return addon.fileIdentity(fd);
}

/**
 * Gives the memory of [offset, offset + length) of a file back: the bytes read as zeroes afterwards, in mappings
 * too, and the file keeps its size. Parts of a page at either end are zeroed, whole pages are freed. EINVAL when
 * `length` is 0, EBADF when `fd` is not writable, EPERM when it is sealed against writing, EOPNOTSUPP or ENODEV
 * when it is not that kind of file.
 */
export function punchHole(fd: number, offset: number, length: number): void {
  addon.punchHole(fd, offset, length);
}

/**
 * A dma-buf over pieces of memfds, in order, as a close-on-exec descriptor of the caller's. It shares the memory of the
 * files and keeps their pages, whatever happens to the files. /dev/udmabuf is opened at the first call and stays open:
 * ENOENT, EACCES and the like where that fails. EINVAL when a piece is not whole pages within its file, when there
 * are none, when they are more than `udmabufLimits` allows, or when a file could shrink (no Seal.SHRINK) or can't be
 * written (Seal.WRITE); EBADFD when one is no open memfd.
 */
export function createUdmabuf(pieces: readonly FilePiece[]): number {
  const packed = new Float64Array(pieces.length * 3);
  pieces.forEach(({ fd, offset, length }, index) => {
    packed.set([fd, offset, length], 3 * index);
  });
  return addon.createUdmabuf(packed);
}

/** Whether a socket listens, e.g. one inherited from a service manager. ENOTSOCK when it is no socket. */
export function isSocketListening(fd: number): boolean {
  return addon.isSocketListening(fd);
}

/**
 * Opens a node (/dev/dri/renderD128, say) of Linux's virtio-gpu driver. ENOTTY (or EINVAL) when it is no DRM device,
 * ENODEV when it belongs to another driver.
 */
export function openDrm(path: string): DrmDevice {
  return addon.openDrm(path);
}

/**
 * A file in memory with that content, which nobody can change any more; its descriptor is for reading only,
 * close-on-exec and the caller's. `name` shows up in /proc only.
 */
export function sealedFile(name: string, content: Uint8Array): number {
  return addon.sealedFile(name, content);
}

/**
 * Opens a lock file, made where it is missing, and locks it (flock) for as long as the descriptor, which is the
 * caller's, is open. Null when somebody else has it locked.
 */
export function lockFile(path: string): number | null {
  return addon.lockFile(path);
}

export function sandboxSupport(): SandboxSupport {
  return addon.sandboxSupport();
}

/** Whether the process has an io_uring. What goes through one is not seen by seccomp, so `confine` refuses its use. */
export function usesIoUring(): boolean {
  return addon.usesIoUring();
}

/**
 * Makes the process `program`, from its start, as on a kernel without io_uring. `fds` are inherited. Returns only by
 * throwing: the system's error, ENOSYS when io_uring is hidden already.
 */
export function restartWithoutIoUring(
  program: string,
  words: readonly string[],
  fds: readonly number[],
): void {
  addon.restartWithoutIoUring(program, words, fds);
}

/**
 * Does what `confine` would make impossible later: opens devices that are there and loads what is loaded at the first
 * use. (A device that appears after that is not used.)
 */
export function prepareConfinement(): void {
  loadMemfd();
  keepUdmabufLimits(addon.openUdmabuf());
}

/**
 * Takes rights away from all threads of the process, for good: capabilities, new privileges, core dumps and, as asked
 * for, files and networks (landlock) and all system calls but those of the list in src/system_calls.cc. Descriptors that
 * are open stay usable. Throws the system's error of what is not possible; the process is confined in part then.
 */
export function confine({ landlock, seccomp, dumpable }: Confinement): void {
  addon.confine(landlock, seccomp, dumpable);
}

/** Starts a broker, outside of what `confine` does later. Questions go out and verdicts come in on the socket. */
export function startBroker(plan: BrokerPlan): { readonly link: BrokerLink; readonly questions: UnixSocket } {
  const [link, questions] = addon.startBroker(BROKER, brokerArguments(plan));
  return { link, questions };
}
