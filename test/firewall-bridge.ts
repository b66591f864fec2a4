/**
 * What stands in for guest, guest proxy and device: a Wayland socket whose clients reach the compositor through the
 * firewall. A client's files become blobs in a region (their bytes are copied there before each of its messages), its
 * pipes become items.
 */
import { fstatSync, writeSync } from 'node:fs';
import {
  closeFd,
  createMemfd,
  fileSize,
  listenUnix,
  type Mapping,
  mapFile,
  pageSize,
  READABLE,
  Seal,
  type UnixListener,
  type UnixSocket,
  WRITABLE,
} from 'vhost-user-native';
import {
  type ForwardedBlob,
  type ForwardedClient,
  type ItemForGuest,
  type ItemFromGuest,
  policyFrom,
  WaylandFirewall,
} from '../src/wayland/index.js';

/** Sparse: only what is drawn on takes memory. */
export const BRIDGE_REGION_BYTES = 1 << 30;
/** Room for a file that grows, as a pool of cursors does. */
const BLOB_BYTES = 16 << 20;

export interface BridgeOptions {
  readonly connect: () => UnixSocket;
  readonly policy?: object;
  readonly vm?: string;
}

export class FirewallBridge {
  readonly log: string[] = [];
  readonly trace: string[] = [];
  readonly firewall: WaylandFirewall;
  readonly region: { readonly fd: number; readonly bytes: number };
  readonly mapping: Mapping;
  private readonly listener: UnixListener;
  private readonly clients = new Set<BridgedClient>();
  private next = 0;

  /** Listens at `path`. */
  constructor(path: string, options: BridgeOptions) {
    const fd = createMemfd('region', { size: BRIDGE_REGION_BYTES, seals: Seal.SHRINK | Seal.GROW });
    this.region = { fd, bytes: BRIDGE_REGION_BYTES };
    this.mapping = mapFile(fd, 0, BRIDGE_REGION_BYTES, { writable: true });
    const note = (message: string): void => {
      this.log.push(message);
    };
    this.firewall = new WaylandFirewall({
      vm: options.vm ?? 'work',
      policy: policyFrom(options.policy ?? {}),
      region: this.region,
      connect: options.connect,
      log: { info: note, warn: note },
      trace: (line) => {
        this.trace.push(line);
        if (this.trace.length > 2000) this.trace.shift();
      },
    });
    this.listener = listenUnix(path);
    this.listener.watch(() => {
      const socket = this.listener.accept();
      if (socket === null) return;
      const client = new BridgedClient(this, socket, () => this.clients.delete(client));
      this.clients.add(client);
    });
  }

  /** A range of the region; ranges are not used twice. */
  allocate(bytes: number): number {
    const offset = this.next;
    this.next += Math.ceil(bytes / pageSize) * pageSize;
    if (this.next > BRIDGE_REGION_BYTES) throw new Error('the region is full');
    return offset;
  }

  close(): void {
    for (const client of [...this.clients]) client.close();
    this.firewall.close();
    this.listener.close();
    this.mapping.close();
    closeFd(this.region.fd);
  }
}

class FileBlob implements ForwardedBlob {
  readonly resourceId = 1;
  readonly bytes: number;
  readonly regionOffset: number;
  private readonly fd: number;
  private readonly region: Mapping;
  private mapping: Mapping | null = null;
  private holds = 0;
  private readonly gone: () => void;

  constructor(bridge: FirewallBridge, fd: number, gone: () => void) {
    this.fd = fd;
    this.region = bridge.mapping;
    this.bytes = Math.max(BLOB_BYTES, fileSize(fd));
    this.regionOffset = bridge.allocate(this.bytes);
    this.gone = gone;
  }

  exportDmabuf(): null {
    return null;
  }

  retain(): void {
    this.holds++;
  }

  release(): void {
    if (--this.holds > 0) return;
    this.mapping?.close();
    closeFd(this.fd);
    this.gone();
  }

  copy(): void {
    const bytes = fileSize(this.fd);
    if (bytes === 0) return;
    if (this.mapping?.length !== bytes) {
      this.mapping?.close();
      this.mapping = mapFile(this.fd, 0, bytes, { writable: false });
    }
    this.region.copyFrom(this.regionOffset, this.mapping, 0, Math.min(bytes, this.bytes));
  }
}

class BridgedClient {
  private readonly bridge: FirewallBridge;
  private readonly socket: UnixSocket;
  private readonly channel: ForwardedClient;
  private readonly blobs = new Set<FileBlob>();
  private readonly waiting: { data: Uint8Array; fds: number[] }[] = [];
  private readonly over: () => void;
  private ending = false;

  constructor(bridge: FirewallBridge, socket: UnixSocket, over: () => void) {
    this.bridge = bridge;
    this.socket = socket;
    this.over = over;
    this.channel = bridge.firewall.open({ name: 'bridged', ready: () => this.take() });
    socket.watch(READABLE, this.ready);
  }

  close(): void {
    this.channel.close();
    this.socket.close();
    this.over();
  }

  private readonly ready = (events: number): void => {
    if ((events & WRITABLE) !== 0) this.flush();
    if ((events & READABLE) !== 0 && !this.socket.closed) this.read();
  };

  private read(): void {
    const buffer = new Uint8Array(4096);
    let received: ReturnType<UnixSocket['receive']>;
    try {
      received = this.socket.receive(buffer);
    } catch {
      this.close();
      return;
    }
    const { bytes, fds } = received;
    if (bytes === 0) this.close();
    if (bytes <= 0) return;
    const items = fds.map((fd) => this.item(fd));
    for (const blob of this.blobs) blob.copy();
    this.channel.send(buffer.subarray(0, bytes), items);
  }

  private item(fd: number): ItemFromGuest {
    if (!fstatSync(fd).isFile()) return { kind: 'read-pipe', fd };
    const blob = new FileBlob(this.bridge, fd, () => this.blobs.delete(blob));
    this.blobs.add(blob);
    return { kind: 'blob', blob };
  }

  private take(): void {
    for (let message = this.channel.receive(); message !== null; message = this.channel.receive()) {
      if (message === 'end') {
        this.ending = true;
        break;
      }
      this.waiting.push({ data: message.data, fds: message.items.map(descriptor) });
    }
    this.flush();
  }

  private flush(): void {
    for (let head = this.waiting[0]; head !== undefined; head = this.waiting[0]) {
      let sent: number;
      try {
        sent = this.socket.send(head.data, head.fds);
      } catch {
        this.close();
        return;
      }
      if (sent < 0) break;
      for (const fd of head.fds.splice(0)) closeFd(fd);
      head.data = head.data.subarray(sent);
      if (head.data.length === 0) this.waiting.shift();
    }
    if (this.waiting.length === 0 && this.ending) this.close();
    else this.socket.watch(READABLE | (this.waiting.length > 0 ? WRITABLE : 0), this.ready);
  }
}

function descriptor(item: ItemForGuest): number {
  if (item.kind === 'write-pipe') return item.fd;
  const fd = createMemfd('file', { size: item.content.length });
  writeSync(fd, item.content, 0, item.content.length, 0);
  return fd;
}
