/**
 * A guest with somebody else's proxy in it: the virtio commands that Linux sends for the proxy's ioctls, the proxy's own
 * commands word by word, the device with its firewall, and a scripted compositor. (What sommelier, wayland-proxy-virtwl
 * and muvm send is described in their sources; numbers here are theirs.)
 */
import type { Test } from 'tap';
import { pageSize, socketPair } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import { SharedRegion } from '../../src/region/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { Encoder, INTERFACES, policyFrom, WaylandFirewall, type WireValue } from '../../src/wayland/index.js';
import { asObject, StubCompositor } from '../stub/compositor.js';
import { GLOBALS } from '../stub/guest-client.js';
import * as s from '../unit/context-support.js';
import * as c from '../unit/gpu-commands.js';
import { type Machine, scenario } from './gpu-machine.js';

/** One for all: what is in it must be given back by each. */
const region = SharedRegion.create({ windowBytes: 256 * pageSize, hostBytes: 0 });
/** XR24, R8. */
export const XR24 = 0x34325258;
export const R8 = 0x20203852;

/** How kernels send what needs no fence: before 6.6 with one of the global timeline, from then on without. */
export type Kernel = '6.1' | '6.12';

export interface HostBlob {
  readonly resource: number;
  readonly bytes: number;
  /** In the window. */
  readonly place: number;
}

export class ForeignProxy {
  readonly machine: Machine;
  readonly region: SharedRegion;
  readonly ctxId: number;
  /** Answers of commands that nobody in the guest looks at. */
  readonly errors: number[] = [];
  private readonly kernel: Kernel;
  private readonly encoder = new Encoder();
  private readonly query: number;
  private readonly channel: number;
  private nextResource: number;
  private nextPlace: number;
  private fenceId = 0n;

  constructor(machine: Machine, region: SharedRegion, kernel: Kernel, ctxId = 1) {
    this.machine = machine;
    this.region = region;
    this.kernel = kernel;
    this.ctxId = ctxId;
    const { memory } = machine.vm;
    this.query = memory.alloc(4096, 4096);
    this.channel = memory.alloc(4096, 4096);
    this.nextResource = ctxId * 1000 + 2;
    this.nextPlace = (ctxId - 1) * 64 * pageSize;
  }

  get queryRing(): number {
    return this.ctxId * 1000;
  }

  get channelRing(): number {
    return this.ctxId * 1000 + 1;
  }

  /** CONTEXT_INIT, two ring blobs, mapped (which takes no command). */
  async open(comm: string): Promise<void> {
    await this.ok(s.createContext(this.ctxId, 5, comm));
    for (const [resource, at] of [
      [this.queryRing, this.query],
      [this.channelRing, this.channel],
    ] as const) {
      // VIRTGPU_BLOB_FLAG_USE_MAPPABLE; the kernel sends context 0.
      await this.ok(
        c.createBlob(resource, { blobMem: 1, blobFlags: 1, size: 4096, entries: [[at, 4096]] }),
        s.attachTo(this.ctxId, resource),
      );
    }
  }

  /** EXECBUFFER without a ring: nobody waits for it. */
  async command(bytes: Uint8Array): Promise<void> {
    const fence = this.kernel === '6.1' ? { flags: s.FENCE, fenceId: ++this.fenceId } : {};
    const type = c.typeOf(await this.machine.send(s.submit3d(this.ctxId, bytes, fence)));
    if (type !== gpu.VIRTIO_GPU_RESP_OK_NODATA) this.errors.push(type);
  }

  /** EXECBUFFER with ring 1 and a POLL; resolves with the channel ring once the fence is signalled. */
  async poll(): Promise<DataView> {
    const fence = { flags: s.RING, ringIdx: 1, fenceId: ++this.fenceId };
    // cmd 3, size 16, pad; u64 pad
    await this.machine.send(s.submit3d(this.ctxId, s.u32s(0x0010_0003, 0, 0, 0), fence));
    return viewOf(this.machine.vm.memory.read(this.channel, 4096));
  }

  /** The message after the next POLL: Wayland bytes and identifiers as [id, type, size]. */
  async receive(): Promise<{ data: Uint8Array; items: (readonly [number, number, number])[] }> {
    const ring = await this.poll();
    // wayland-proxy-virtwl compares the whole first word.
    if (ring.getUint32(0, true) !== 5 || ring.getUint32(4, true) !== 0) throw new Error('not a RECEIVE');
    const items = Array.from(
      { length: ring.getUint32(8, true) },
      (_, i) =>
        [
          ring.getUint32(16 + i * 4, true),
          ring.getUint32(128 + i * 4, true),
          ring.getUint32(240 + i * 4, true),
        ] as const,
    );
    const data = new Uint8Array(ring.buffer, ring.byteOffset + 352, ring.getUint32(12, true)).slice();
    return { data, items };
  }

  /** Messages until one brings what is looked for. */
  async receiveUntil(
    found: (message: { data: Uint8Array; items: (readonly [number, number, number])[] }) => boolean,
  ): Promise<{ data: Uint8Array; items: (readonly [number, number, number])[] }> {
    for (;;) {
      const message = await this.receive();
      if (found(message)) return message;
      if (message.data.length === 0) throw new Error('the end came first');
    }
  }

  /** Clears the query ring, asks on ring 0, waits, and reads 64 bytes. */
  async image(width: number, height: number, format: number): Promise<DataView> {
    const { memory } = this.machine.vm;
    memory.write(this.query, new Uint8Array(64));
    const fence = { flags: s.RING, ringIdx: 0, fenceId: ++this.fenceId };
    // cmd 2, size 24; width, height, format, GBM_BO_USE_SCANOUT | LINEAR
    const words = s.u32s(0x0018_0002, 0, width, height, format, 0x11);
    await this.machine.send(s.submit3d(this.ctxId, words, fence));
    return viewOf(memory.read(this.query, 64));
  }

  /** CREATE_BLOB for an id that the host gave, mappable and shareable, mapped; exported and its handle closed. */
  async hostBlob(blobId: number, bytes: number): Promise<HostBlob> {
    const size = Math.ceil(bytes / pageSize) * pageSize;
    const resource = this.nextResource++;
    const place = this.nextPlace;
    this.nextPlace += size;
    const args = { ctxId: this.ctxId, blobMem: 2, blobFlags: 3, blobId: BigInt(blobId), size };
    await this.ok(c.createBlob(resource, args));
    const mapped = await this.machine.send(c.mapBlob(resource, place));
    if (c.typeOf(mapped) !== gpu.VIRTIO_GPU_RESP_OK_MAP_INFO) throw new Error('not mapped');
    if (viewOf(mapped).getUint32(24, true) !== 1) throw new Error('not cached');
    await this.ok(s.attachTo(this.ctxId, resource), s.detachFrom(this.ctxId, resource));
    return { resource, bytes: size, place };
  }

  /** What the guest sees where a blob is mapped. */
  bytes({ place, bytes }: HostBlob): Uint8Array {
    return new Uint8Array(this.region.mapping.window(place, bytes));
  }

  /** SEND with a blob, as after PRIME_FD_TO_HANDLE: attached for as long as it takes. */
  async sendBlob(data: Uint8Array, { resource }: HostBlob): Promise<void> {
    await this.ok(s.attachTo(this.ctxId, resource));
    await this.command(sendWords(data, [[resource, 1]]));
    await this.ok(s.detachFrom(this.ctxId, resource));
  }

  /** The last reference is gone. */
  async dropBlob({ resource }: HostBlob): Promise<void> {
    await this.ok(c.unmapBlob(resource), c.unref(resource));
  }

  /** close() of the DRM file; the rings are destroyed after it. */
  async closeFile(): Promise<void> {
    await this.ok(
      s.detachFrom(this.ctxId, this.queryRing),
      s.detachFrom(this.ctxId, this.channelRing),
      s.destroyContext(this.ctxId),
      c.unref(this.queryRing),
      c.unref(this.channelRing),
    );
  }

  /** A Wayland request. */
  wl(id: number, interfaceName: string, name: string, values: readonly WireValue[] = []): Uint8Array {
    const message = INTERFACES.get(interfaceName)?.requests.find((each) => each.name === name);
    if (message === undefined) throw new Error(`${interfaceName}.${name}`);
    return this.encoder.encode(id, message, values).bytes.slice();
  }

  private ok(...requests: readonly Uint8Array[]): Promise<void> {
    return this.machine.all(...requests);
  }
}

/** SEND: 352 bytes of header and identifiers, then the data. */
export function sendWords(
  data: Uint8Array,
  identifiers: readonly (readonly [id: number, type: number])[] = [],
): Uint8Array {
  const head = new Uint32Array(352 / 4);
  head.set([((352 + data.length) << 16) | 4, 0, identifiers.length, data.length]);
  for (const [index, [id, type]] of identifiers.entries()) {
    head[4 + index] = id;
    head[32 + index] = type;
  }
  return c.concat(new Uint8Array(head.buffer), data);
}

/** WRITE: identifier, hang_up, size, pad, then the data. */
export function writeWords(id: number, data: Uint8Array, hangUp: 0 | 1): Uint8Array {
  return c.concat(s.u32s(((24 + data.length) << 16) | 7, 0, id, hangUp, data.length, 0), data);
}

/** Numbers of a global in the data of RECEIVE messages: name and version. */
export function globalsIn(data: Uint8Array, registry: number): Map<string, readonly [number, number]> {
  const found = new Map<string, readonly [number, number]>();
  const view = viewOf(data);
  for (let at = 0; at + 8 <= data.length; at += view.getUint16(at + 6, true)) {
    if (view.getUint32(at, true) !== registry || view.getUint16(at + 4, true) !== 0) continue;
    const length = view.getUint32(at + 12, true);
    const name = Buffer.from(data.subarray(at + 16, at + 15 + length)).toString('latin1');
    const version = view.getUint32(at + 16 + Math.ceil(length / 4) * 4, true);
    found.set(name, [view.getUint32(at + 8, true), version]);
  }
  return found;
}

export interface Host {
  readonly compositors: StubCompositor[];
  readonly warnings: string[];
  readonly region: SharedRegion;
}

/** A machine with the firewall and scripted compositors, one for each context. */
export function forwarding(
  name: string,
  run: (t: Test, machine: Machine, host: Host) => Promise<void>,
): void {
  const host: Host = { compositors: [], warnings: [], region };
  const firewall = new WaylandFirewall({
    vm: 'work',
    policy: policyFrom({ securityContext: 'off' }),
    region,
    connect: () => {
      const [near, far] = socketPair();
      const compositor = new StubCompositor(far, GLOBALS);
      compositor.on('wl_registry', 'bind', ({ values }) => {
        const made = asObject(values[1]);
        if (made.interface === 'wl_seat') compositor.send(made, 'capabilities', [7]);
        if (made.interface === 'zwp_linux_dmabuf_v1') compositor.send(made, 'modifier', [XR24, 0, 0]);
      });
      host.compositors.push(compositor);
      return near;
    },
    log: { info: () => undefined, warn: (message) => host.warnings.push(message) },
    dmabuf: true,
  });
  const channels = {
    types: [1],
    open: (_type: number, owner: Parameters<WaylandFirewall['open']>[0]) => firewall.open(owner),
  };
  scenario(
    name,
    async (t, machine) => {
      await machine.connect();
      await machine.start();
      await run(t, machine, host);
      for (const compositor of host.compositors) compositor.close();
      t.match(region.metrics, { ranges: 0 });
    },
    { region, contexts: { channels } },
  );
}
