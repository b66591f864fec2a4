/**
 * A guest's virtual GPU without a virtual machine: the kernel's driver and a host with cross-domain contexts in one
 * object. Memory of the host's is memfds; what is sent reaches a real unix socket, descriptors included. It behaves as
 * the protocol says and no better: commands that fail are not heard of.
 */
import { readFileSync } from 'node:fs';
import {
  adoptPipe,
  closeFd,
  createMemfd,
  createPipe,
  dupFd,
  fileIdentity,
  fileSize,
  type Mapping,
  mapFile,
  type Pipe,
  pageSize,
  READABLE,
  type UnixSocket,
} from 'vhost-user-native';
import {
  BLOB_MEM_GUEST,
  BLOB_MEM_HOST3D,
  type GpuBlob,
  type VirtGpu,
} from '../../src/wayland/guest/index.js';

const SEND_HEADER = 352;
const RECEIVE_MAX = 3744;

interface Resource {
  readonly id: number;
  readonly fd: number;
  readonly bytes: number;
  readonly blobMem: number;
}

/** What all clients of a guest share. */
export class FakeHost {
  /** Connects a context to the compositor. */
  readonly connect: () => UnixSocket;
  /** No device: opening fails. */
  gone = false;
  /** CREATE_BLOB answers ENOSPC while it is set. */
  windowFull = false;
  supportsDmabuf = false;
  /** Channel types that the host offers, as a bit mask. */
  channels = 2;
  readonly gpus = new Set<FakeGpu>();
  /** dma-bufs by identity of their file. */
  readonly shared = new Map<string, Resource>();
  private nextResource = 1;

  constructor(connect: () => UnixSocket) {
    this.connect = connect;
  }

  open(): FakeGpu {
    if (this.gone) throw Object.assign(new Error('ENODEV: no device'), { code: 'ENODEV' });
    const gpu = new FakeGpu(this);
    this.gpus.add(gpu);
    return gpu;
  }

  makeResource(fd: number, bytes: number, blobMem: number): Resource {
    return { id: this.nextResource++, fd, bytes, blobMem };
  }

  /** Unplugs the device. */
  unplug(): void {
    this.gone = true;
    for (const gpu of [...this.gpus]) gpu.unplugged();
  }
}

function identityOf(fd: number): string {
  const { device, inode } = fileIdentity(fd);
  return `${device}:${inode}`;
}

export class FakeGpu implements VirtGpu {
  readonly deviceNumber = 0xe280n;
  /** Blobs that exist: what should not grow without end. */
  readonly handles = new Map<number, Resource>();
  /** Counts of commands by number. */
  readonly commands = new Map<number, number>();
  closed = false;
  private readonly host: FakeHost;
  private readonly items = new Map<number, { kind: 'image'; bytes: number } | { kind: 'file'; fd: number }>();
  private readonly writers = new Map<number, Pipe>();
  private readonly readers = new Map<number, Pipe>();
  private readonly toSend: { data: Uint8Array; fds: number[] }[] = [];
  private callback: ((fences: number | Error) => void) | null = null;
  private socket: UnixSocket | null = null;
  private queryRing: Mapping | null = null;
  private channelRing: Mapping | null = null;
  private channelWanted = { query: 0, channel: 0 };
  private readonly ringMaps = new Map<number, Mapping>();
  private nextHandle = 1;
  private nextItem = 2;
  private credits = 0;
  private eofTold = false;

  constructor(host: FakeHost) {
    this.host = host;
  }

  crossDomainCaps(): Uint8Array {
    const words = Uint32Array.of(1, this.host.channels, this.host.supportsDmabuf ? 1 : 0, 0);
    return new Uint8Array(words.buffer);
  }

  contextInit(): void {
    this.check();
  }

  createBlob(blobMem: number, bytes: number, blobId: number): GpuBlob {
    this.check();
    const size = Math.ceil(bytes / pageSize) * pageSize;
    if (bytes === 0 || (this.host.windowFull && blobMem === BLOB_MEM_HOST3D)) {
      throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    }
    const resource = this.host.makeResource(this.memoryOf(blobMem, size, blobId), size, blobMem);
    return { handle: this.addHandle(resource), resource: resource.id };
  }

  async map(handle: number, bytes: number): Promise<Mapping> {
    await nextTurn();
    this.check();
    const resource = this.find(handle);
    if (resource.fd < 0) throw Object.assign(new Error('EINVAL: mmap'), { code: 'EINVAL' });
    const mapping = mapFile(resource.fd, 0, bytes, { writable: true });
    if (resource.blobMem === BLOB_MEM_GUEST) {
      // The host's own view of the ring.
      this.ringMaps.set(resource.id, mapFile(resource.fd, 0, bytes, { writable: true }));
    }
    return mapping;
  }

  submit(command: Uint8Array, ringIdx: number | null): void {
    this.check();
    const view = new DataView(command.buffer, command.byteOffset, command.byteLength);
    const cmd = view.getUint8(0);
    if (view.getUint16(2, true) !== command.length) throw new Error('cmd_size');
    this.commands.set(cmd, (this.commands.get(cmd) ?? 0) + 1);
    // The guest's memory is its own again when the call returns.
    const copy = command.slice();
    if (cmd === 1) this.init(new DataView(copy.buffer));
    else if (cmd === 2) this.query(new DataView(copy.buffer), ringIdx);
    else if (cmd === 3 && ringIdx === 1) this.poll();
    else if (cmd === 4) this.send(copy);
    else if (cmd === 7) this.write(copy);
    else throw new Error(`command ${cmd}`);
  }

  async wait(): Promise<void> {
    await nextTurn();
    this.check();
  }

  exportFd(handle: number): number {
    const resource = this.find(handle);
    this.host.shared.set(identityOf(resource.fd), resource);
    return dupFd(resource.fd);
  }

  importFd(fd: number): number | null {
    const resource = this.host.shared.get(identityOf(fd));
    if (resource === undefined) return null;
    for (const [handle, known] of this.handles) if (known === resource) return handle;
    return this.addHandle({ ...resource, fd: dupFd(resource.fd) });
  }

  resourceInfo(handle: number): { resource: number; bytes: number; blobMem: number } {
    const { id, bytes, blobMem } = this.find(handle);
    return { resource: id, bytes, blobMem };
  }

  closeHandle(handle: number): void {
    const { fd } = this.find(handle);
    this.handles.delete(handle);
    if (fd >= 0) closeFd(fd);
  }

  watch(callback: (fences: number | Error) => void): void {
    this.callback = callback;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.host.gpus.delete(this);
    this.socket?.close();
    for (const mapping of this.ringMaps.values()) mapping.close();
    for (const pipe of [...this.readers.values(), ...this.writers.values()]) pipe.close();
    for (const handle of [...this.handles.keys()]) this.closeHandle(handle);
    for (const item of this.items.values()) if (item.kind === 'file') closeFd(item.fd);
    for (const { fds } of this.toSend.splice(0)) for (const fd of fds) closeFd(fd);
  }

  unplugged(): void {
    setImmediate(() => this.callback?.(Object.assign(new Error('ENODEV: device gone'), { code: 'ENODEV' })));
  }

  private check(): void {
    if (this.closed) throw Object.assign(new Error('closed'), { code: 'ERR_CLOSED' });
    if (this.host.gone) throw Object.assign(new Error('ENODEV: device gone'), { code: 'ENODEV' });
  }

  private find(handle: number): Resource {
    const resource = this.handles.get(handle);
    if (resource === undefined)
      throw Object.assign(new Error(`ENOENT: handle ${handle}`), { code: 'ENOENT' });
    return resource;
  }

  private addHandle(resource: Resource): number {
    const handle = this.nextHandle++;
    this.handles.set(handle, resource);
    return handle;
  }

  /** -1: the host refuses, which only mapping it tells. */
  private memoryOf(blobMem: number, size: number, blobId: number): number {
    if (blobMem === BLOB_MEM_GUEST) return createMemfd('guest', { size });
    const item = this.items.get(blobId);
    if (item === undefined) return -1;
    if (item.kind === 'image') return item.bytes === size ? createMemfd('window', { size }) : -1;
    // One-shot, and a copy in whole pages, as a host should make it.
    this.items.delete(blobId);
    const copy = createMemfd('file', { size });
    const content = readFileSync(`/proc/self/fd/${item.fd}`);
    closeFd(item.fd);
    const mapping = mapFile(copy, 0, size, { writable: true });
    new Uint8Array(mapping.window(0, size)).set(content.subarray(0, size));
    mapping.close();
    return copy;
  }

  private init(view: DataView): void {
    this.channelWanted = { query: view.getUint32(8, true), channel: view.getUint32(12, true) };
    this.queryRing = this.ringMaps.get(this.channelWanted.query) ?? null;
    this.channelRing = this.ringMaps.get(this.channelWanted.channel) ?? null;
    if (view.getUint32(16, true) !== 1) throw new Error('channel type');
    this.socket = this.host.connect();
  }

  private query(view: DataView, ringIdx: number | null): void {
    const [width, height, format] = [8, 12, 16].map((at) => view.getUint32(at, true));
    if (ringIdx !== 0 || height !== 1 || format !== 0x20203852) throw new Error('query');
    const bytes = Math.ceil((width ?? 0) / pageSize) * pageSize;
    const id = this.nextItem++;
    this.items.set(id, { kind: 'image', bytes });
    const ring = new DataView(this.queryRing?.window(0, 64) ?? new ArrayBuffer(64));
    ring.setUint32(0, width ?? 0, true);
    ring.setUint32(40, bytes, true);
    ring.setUint32(48, id, true);
    ring.setUint32(52, 1, true);
  }

  private send(command: Uint8Array): void {
    const view = new DataView(command.buffer);
    const count = view.getUint32(8, true);
    const size = view.getUint32(12, true);
    const fds: number[] = [];
    for (let index = 0; index < count; index++) {
      const id = view.getUint32(16 + 4 * index, true);
      const type = view.getUint32(128 + 4 * index, true);
      if (type === 1) fds.push(this.shareOf(id));
      else if (type === 3) fds.push(this.readPipe(id));
      else throw new Error(`identifier type ${type}`);
    }
    this.toSend.push({ data: command.subarray(SEND_HEADER, SEND_HEADER + size), fds });
    this.flush();
  }

  /** The resource has to be attached to this context: some handle in this file has to exist. */
  private shareOf(id: number): number {
    for (const resource of this.handles.values()) if (resource.id === id) return dupFd(resource.fd);
    throw new Error(`resource ${id} is not attached`);
  }

  private readPipe(id: number): number {
    if (id < 0x80000001 || this.readers.has(id)) throw new Error(`pipe ${id}`);
    const { reader, writeFd } = createPipe();
    this.readers.set(id, reader);
    return writeFd;
  }

  private flush(): void {
    const { socket } = this;
    for (let head = this.toSend[0]; socket !== null && head !== undefined; head = this.toSend[0]) {
      let sent = -1;
      try {
        sent = socket.send(head.data, head.fds);
      } catch {
        // The compositor hung up: its end is read below.
        sent = head.data.length;
      }
      if (sent < 0) break;
      for (const fd of head.fds.splice(0)) closeFd(fd);
      if (sent < head.data.length) head.data = head.data.subarray(sent);
      else this.toSend.shift();
    }
    this.watchSocket();
  }

  private watchSocket(): void {
    const events = (this.credits > 0 && !this.eofTold ? READABLE : 0) | (this.toSend.length > 0 ? 2 : 0);
    this.socket?.watch(events, (ready) => {
      if ((ready & 2) !== 0) this.flush();
      if ((ready & READABLE) !== 0) this.receive();
    });
    for (const [id, pipe] of this.readers) {
      pipe.watch(this.credits > 0 ? READABLE : 0, () => this.readFrom(id, pipe));
    }
  }

  private poll(): void {
    this.credits++;
    this.watchSocket();
  }

  private complete(message: Uint8Array): void {
    new Uint8Array(this.channelRing?.window(0, pageSize) ?? new ArrayBuffer(0)).set(message);
    this.credits--;
    this.watchSocket();
    setImmediate(() => {
      if (!this.closed) this.callback?.(1);
    });
  }

  private receive(): void {
    if (this.credits === 0 || this.socket === null) return;
    const data = new Uint8Array(RECEIVE_MAX);
    let bytes = 0;
    let fds: number[] = [];
    try {
      ({ bytes, fds } = this.socket.receive(data));
    } catch {
      // Reset is an end as well.
    }
    if (bytes < 0) return;
    if (bytes === 0) this.eofTold = true;
    const message = new Uint8Array(SEND_HEADER + bytes);
    const view = new DataView(message.buffer);
    message[0] = 5;
    view.setUint32(8, fds.length, true);
    view.setUint32(12, bytes, true);
    fds.forEach((fd, index) => {
      const [type, id, size] = this.classify(fd);
      view.setUint32(16 + 4 * index, id, true);
      view.setUint32(128 + 4 * index, type, true);
      view.setUint32(240 + 4 * index, size, true);
    });
    message.set(data.subarray(0, bytes), SEND_HEADER);
    this.complete(message);
  }

  private classify(fd: number): [type: number, id: number, size: number] {
    const id = this.nextItem++;
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    if ((Number.parseInt(flags, 8) & 3) === 1) {
      this.writers.set(id, adoptPipe(fd));
      return [4, id, 0];
    }
    this.items.set(id, { kind: 'file', fd });
    return [1, id, fileSize(fd)];
  }

  private readFrom(id: number, pipe: Pipe): void {
    if (this.credits === 0) return;
    const data = new Uint8Array(pageSize - 24);
    const bytes = pipe.read(data);
    if (bytes < 0) return;
    const message = new Uint8Array(24 + bytes);
    const view = new DataView(message.buffer);
    message[0] = 6;
    view.setUint32(8, id, true);
    view.setUint32(12, bytes === 0 ? 1 : 0, true);
    view.setUint32(16, bytes, true);
    message.set(data.subarray(0, bytes), 24);
    if (bytes === 0) {
      this.readers.delete(id);
      pipe.close();
    }
    this.complete(message);
  }

  private write(command: Uint8Array): void {
    const view = new DataView(command.buffer);
    const id = view.getUint32(8, true);
    const pipe = this.writers.get(id);
    if (pipe === undefined) return;
    const data = command.subarray(24, 24 + view.getUint32(16, true));
    if (data.length > 0 && pipe.write(data) !== data.length) throw new Error('a full pipe');
    if (view.getUint32(12, true) === 0) return;
    this.writers.delete(id);
    pipe.close();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
