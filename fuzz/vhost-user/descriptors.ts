/** Descriptors that a front-end sends along: the right ones, and all that are not. */
import { ftruncateSync, openSync } from 'node:fs';
import {
  closeFd,
  createEventFd,
  createMemfd,
  createPipe,
  type EventFd,
  type Mapping,
  mapFile,
  Seal,
  socketPair,
  type UnixSocket,
} from 'vhost-user-native';

export const MEMORY_BYTES = 128 << 10;
const SEALED = Seal.SHRINK | Seal.GROW | Seal.WRITE | Seal.SEAL;

/** Those that all cases have in common. */
const LASTING = [
  'memory',
  'small',
  'empty',
  'sealed',
  'read-only',
  'null',
  'zero',
  'folder',
  'pipe',
] as const;
type Lasting = (typeof LASTING)[number];

/** 'own' is the front-end's end of the connection itself; 'brittle' is memory that may be truncated. */
export const DESCRIPTORS = [...LASTING, 'event', 'channel', 'own', 'brittle'] as const;

export class LastingDescriptors {
  readonly fds: Readonly<Record<Lasting, number>>;
  /** What 'memory' holds. */
  readonly memory: Mapping;

  constructor() {
    const pipe = createPipe();
    pipe.reader.close();
    const memory = createMemfd('memory', { size: MEMORY_BYTES });
    this.fds = {
      memory,
      small: createMemfd('small', { size: 100 }),
      empty: createMemfd('empty', { size: 0 }),
      sealed: createMemfd('sealed', { size: MEMORY_BYTES, seals: SEALED }),
      'read-only': openSync('/proc/self/exe', 'r'),
      null: openSync('/dev/null', 'r+'),
      zero: openSync('/dev/zero', 'r+'),
      folder: openSync('/', 'r'),
      pipe: pipe.writeFd,
    };
    this.memory = mapFile(memory, 0, MEMORY_BYTES, { writable: true });
  }

  close(): void {
    this.memory.close();
    for (const fd of Object.values(this.fds)) closeFd(fd);
  }
}

/** Those of one case. */
export class CaseDescriptors {
  /** The last ones that were sent, the latest first: kicks, interrupts, whatever they became. */
  readonly events: EventFd[] = [];
  /** The other end of the last 'channel'. */
  channel: UnixSocket | null = null;
  private readonly lasting: LastingDescriptors;
  private readonly own: UnixSocket;
  private readonly brittle: number[] = [];
  private readonly sent: { close(): void }[] = [];

  constructor(lasting: LastingDescriptors, own: UnixSocket) {
    this.lasting = lasting;
    this.own = own;
  }

  /** One of that kind, valid until `release`. Unknown kinds are 'null'. */
  lend(kind: string): number {
    if (kind === 'own') return this.own.fd;
    if (kind === 'event') return this.event();
    if (kind === 'channel') return this.pair();
    if (kind === 'brittle') return this.memory();
    return this.lasting.fds[LASTING.find((name) => name === kind) ?? 'null'];
  }

  /** The message is on its way: what was made for it alone is closed. */
  release(): void {
    for (const each of this.sent.splice(0)) each.close();
  }

  /** Files of the 'brittle' kind lose all but their first `bytes`. */
  truncate(bytes: number): void {
    for (const fd of this.brittle) ftruncateSync(fd, bytes);
  }

  close(): void {
    this.release();
    for (const event of this.events.splice(0)) event.close();
    for (const fd of this.brittle.splice(0)) closeFd(fd);
    this.channel?.close();
    this.channel = null;
  }

  private event(): number {
    const event = createEventFd();
    this.events.unshift(event);
    if (this.events.length > EVENTS_KEPT) this.events.pop()?.close();
    return event.fd;
  }

  private pair(): number {
    const [ours, theirs] = socketPair();
    this.channel?.close();
    this.channel = ours;
    this.sent.push(theirs);
    return theirs.fd;
  }

  private memory(): number {
    const fd = createMemfd('brittle', { size: MEMORY_BYTES });
    this.brittle.push(fd);
    return fd;
  }
}

const EVENTS_KEPT = 12;
