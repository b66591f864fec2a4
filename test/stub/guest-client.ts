/** A guest's client as a test scripts it, the firewall, and a compositor behind it. */
import { openSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  adoptPipe,
  closeFd,
  createMemfd,
  type Pipe,
  Seal,
  socketPair,
  type UnixSocket,
} from 'vhost-user-native';
import {
  type Ask,
  BorderPixels,
  decodeArguments,
  Encoder,
  type FirewallPolicy,
  type ForwardedBlob,
  ForwardedClient,
  type ForwardedRegion,
  INTERFACES,
  type ItemForGuest,
  type ItemFromGuest,
  LimitedLog,
  policyFrom,
  readHeader,
  WindowList,
  type WireValue,
} from '../../src/wayland/index.js';
import { asObject, StubCompositor } from './compositor.js';

/** Generous: what is waited for comes at once, unless the machine is busy or something is broken. */
const WAIT_MS = 30_000;

/** Waits, a turn of the event loop at a time, until it holds. */
export async function until(holds: () => boolean, what = 'a condition'): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await nextTurn();
  }
}

export const REGION_BYTES = 1 << 20;

export const GLOBALS: readonly (readonly [string, number])[] = [
  ['wl_compositor', 6],
  ['wl_subcompositor', 1],
  ['wl_shm', 1],
  ['wl_seat', 9],
  ['wl_output', 4],
  ['wl_data_device_manager', 3],
  ['xdg_wm_base', 6],
  ['zxdg_decoration_manager_v1', 1],
  ['org_kde_kwin_server_decoration_manager', 1],
  ['wp_viewporter', 1],
  ['wp_fractional_scale_manager_v1', 1],
  ['wp_presentation', 1],
  ['wp_cursor_shape_manager_v1', 1],
  ['wp_single_pixel_buffer_manager_v1', 1],
  ['zwp_linux_dmabuf_v1', 3],
  ['zwp_primary_selection_device_manager_v1', 1],
  ['zwp_pointer_constraints_v1', 1],
  ['zwp_relative_pointer_manager_v1', 1],
  ['zwp_text_input_manager_v3', 1],
  ['xdg_activation_v1', 1],
  ['zxdg_exporter_v2', 1],
  ['zxdg_importer_v2', 1],
  ['zwp_idle_inhibit_manager_v1', 1],
  ['wp_security_context_manager_v1', 1],
  ['wl_fixes', 1],
];

export class TestBlob implements ForwardedBlob {
  holds = 0;
  readonly bytes: number;
  readonly regionOffset: number | null;
  readonly resourceId = 7;
  private readonly dmabufFd: (() => number) | null;

  constructor(bytes: number, regionOffset: number | null, dmabufFd: (() => number) | null = null) {
    this.bytes = bytes;
    this.regionOffset = regionOffset;
    this.dmabufFd = dmabufFd;
  }
  exportDmabuf(): number | null {
    return this.dmabufFd?.() ?? null;
  }
  retain(): void {
    this.holds++;
  }
  release(): void {
    this.holds--;
    if (this.holds < 0) throw new Error('released more often than retained');
  }
  get item(): ItemFromGuest {
    return { kind: 'blob', blob: this };
  }
}

export interface SeenEvent {
  readonly object: number;
  readonly interface: string;
  readonly name: string;
  readonly values: readonly WireValue[];
  readonly items: readonly ItemForGuest[];
}

interface Known {
  readonly interface: string;
  readonly version: number;
}

export interface GuestOptions {
  readonly policy?: object;
  readonly ask?: Ask;
  readonly dmabuf?: boolean;
  /** Of every seat. Default all. */
  readonly capabilities?: number;
  readonly trace?: (line: string) => void;
  readonly globals?: readonly (readonly [string, number])[];
  /** Another compositor than the stub. */
  readonly socket?: UnixSocket;
  readonly region?: ForwardedRegion;
  /** The compositor's connection goes through a security context. */
  readonly restricted?: boolean;
  /** Do not take messages until `take`. */
  readonly lazy?: boolean;
}

/** It keeps the ids, and takes everything that the channel has for it. */
export class GuestClient {
  readonly channel: ForwardedClient;
  readonly windows: WindowList;
  readonly events: SeenEvent[] = [];
  readonly log: string[] = [];
  readonly objects = new Map<number, Known>([[1, { interface: 'wl_display', version: 1 }]]);
  readonly policy: FirewallPolicy;
  readonly globals = new Map<string, { name: number; version: number }>();
  /** Messages that the channel handed out: bytes and things attached. */
  readonly pieces: { bytes: number; items: number }[] = [];
  ended = false;
  /** What comes is not looked at: its requests are not what it thinks they are. */
  deaf = false;
  nextId = 2;
  private readonly encoder = new Encoder();
  private readonly border: BorderPixels | null;
  private readonly regionFd: number | null;
  private readonly stub: StubCompositor | null;
  private closed = false;
  private data = Buffer.alloc(0);
  private items: ItemForGuest[] = [];

  constructor(options: GuestOptions = {}) {
    this.policy = policyFrom(options.policy ?? {});
    const { border } = this.policy;
    this.border = border.show === 'never' ? null : new BorderPixels(border);
    this.regionFd = options.region === undefined ? region() : null;
    let { socket } = options;
    this.stub = null;
    if (socket === undefined) {
      const [near, far] = socketPair();
      socket = near;
      this.stub = new StubCompositor(far, options.globals ?? GLOBALS);
      this.stub.on('wl_registry', 'bind', ({ values }) => {
        const made = asObject(values[1]);
        if (made.interface !== 'wl_seat') return;
        this.stub?.send(made, 'capabilities', [options.capabilities ?? 7]);
      });
    }
    const note = (message: string): void => {
      this.log.push(message);
    };
    const shared = options.region ?? { fd: this.regionFd ?? -1, bytes: REGION_BYTES };
    this.windows = new WindowList(shared);
    this.channel = new ForwardedClient(Promise.resolve({ socket, restricted: options.restricted ?? false }), {
      vm: 'work',
      owner: { name: 'test', ready: () => (options.lazy === true ? undefined : this.take()) },
      policy: this.policy,
      region: shared,
      windows: this.windows,
      ask: options.ask ?? ((_, answer) => answer(false)),
      log: new LimitedLog({ info: note, warn: note }),
      dmabuf: options.dmabuf ?? false,
      border: this.border,
      trace: options.trace ?? null,
    });
  }

  get compositor(): StubCompositor {
    if (this.stub === null) throw new Error('it has another compositor');
    return this.stub;
  }

  /** Sends a request; `items` are attached to it. A new_id argument makes the object known here. */
  request(
    object: number,
    name: string,
    values: readonly WireValue[] = [],
    items: ItemFromGuest[] = [],
  ): void {
    this.channel.send(this.encode(object, name, values), items);
  }

  encode(object: number, name: string, values: readonly WireValue[]): Uint8Array {
    const known = this.objects.get(object);
    const message = INTERFACES.get(known?.interface ?? '')?.requests.find((each) => each.name === name);
    if (known === undefined || message === undefined) throw new Error(`no ${known?.interface}.${name}`);
    message.args.forEach((arg, index) => {
      const value = values[index];
      if (arg.type !== 'new_id') return;
      if (typeof value === 'number') {
        this.objects.set(value, { interface: arg.interface ?? '', version: known.version });
      } else if (typeof value === 'object' && value !== null && 'id' in value) {
        this.objects.set(value.id, { interface: value.interface, version: value.version });
      }
    });
    return this.encoder.encode(object, message, values).bytes.slice();
  }

  /** A request that makes an object: its id stands for the first new_id argument. */
  make(object: number, name: string, values: readonly WireValue[] = [], items: ItemFromGuest[] = []): number {
    const id = this.nextId++;
    const { interface: interfaceName = '' } = this.objects.get(object) ?? {};
    const message = INTERFACES.get(interfaceName)?.requests.find((each) => each.name === name);
    const at = message?.args.findIndex(({ type }) => type === 'new_id') ?? -1;
    this.request(object, name, [...values.slice(0, at), id, ...values.slice(at)], items);
    return id;
  }

  /** The registry, with everything announced. */
  async start(): Promise<number> {
    const registry = this.make(1, 'get_registry');
    await this.sync();
    for (const event of this.events) {
      if (event.name !== 'global') continue;
      this.globals.set(String(event.values[1]), {
        name: Number(event.values[0]),
        version: Number(event.values[2]),
      });
    }
    return registry;
  }

  bind(registry: number, interfaceName: string, version?: number): number {
    const global = this.globals.get(interfaceName);
    if (global === undefined) throw new Error(`no global ${interfaceName}`);
    const id = this.nextId++;
    const wanted = { interface: interfaceName, version: version ?? global.version, id };
    this.request(registry, 'bind', [global.name, wanted]);
    return id;
  }

  async sync(): Promise<void> {
    const callback = this.make(1, 'sync');
    await this.event(callback, 'done');
  }

  async event(object: number, name: string): Promise<SeenEvent> {
    const find = (): SeenEvent | undefined =>
      this.events.findLast((event) => event.object === object && event.name === name);
    await until(() => find() !== undefined || this.ended, `${name} of ${object}`);
    const found = find();
    if (found === undefined)
      throw new Error(`the end came before ${name} of ${object}: ${this.log.join('; ')}`);
    return found;
  }

  /** The error that the firewall ends the connection with: object, code, text. */
  async error(): Promise<{ object: number; code: number; text: string }> {
    await until(() => this.ended, 'the end');
    const event = this.events.find(({ object, name }) => object === 1 && name === 'error');
    if (event === undefined) throw new Error(`no error: ${this.log.join('; ')}`);
    const [object, code, text] = event.values;
    return { object: Number(object), code: Number(code), text: String(text) };
  }

  take(): void {
    for (let message = this.channel.receive(); message !== null; message = this.channel.receive()) {
      if (message === 'end') {
        this.ended = true;
        return;
      }
      this.pieces.push({ bytes: message.data.length, items: message.items.length });
      if (this.deaf) {
        for (const item of message.items) if (item.kind === 'write-pipe') closeFd(item.fd);
        continue;
      }
      this.data = Buffer.concat([this.data, message.data]);
      this.items.push(...message.items);
      this.parse();
    }
  }

  close(): void {
    this.channel.close();
    this.windows.close();
    if (this.closed) return;
    this.closed = true;
    this.stub?.close();
    for (const { items } of this.events) {
      for (const item of items) if (item.kind === 'write-pipe') closeFd(item.fd);
    }
    if (this.regionFd !== null) closeFd(this.regionFd);
    this.border?.close();
  }

  private parse(): void {
    while (this.data.length >= 8) {
      const bytes = Uint8Array.from(this.data);
      const { objectId, opcode, size } = readHeader(new DataView(bytes.buffer), 0, 4096);
      if (bytes.length < size) return;
      this.data = this.data.subarray(size);
      const known = this.objects.get(objectId);
      const table = INTERFACES.get(known?.interface ?? '');
      const message = table?.events[opcode];
      if (known === undefined || table === undefined || message === undefined) {
        throw new Error(`event ${opcode} of ${objectId} (${known?.interface})`);
      }
      if (message.since > known.version) throw new Error(`${message.name} in version ${known.version}`);
      const attached: ItemForGuest[] = [];
      const values = decodeArguments(message, bytes.subarray(8, size), {
        take: (count) => {
          attached.push(...this.items.splice(0, count));
          if (attached.length !== count) throw new Error(`${message.name} without what belongs to it`);
          return attached.map(() => 0);
        },
      });
      message.args.forEach((arg, index) => {
        if (arg.type === 'new_id') {
          this.objects.set(Number(values[index]), { interface: arg.interface ?? '', version: known.version });
        }
      });
      this.events.push({
        object: objectId,
        interface: table.name,
        name: message.name,
        values,
        items: attached,
      });
    }
  }
}

function region(): number {
  return createMemfd('region', { size: REGION_BYTES, seals: Seal.SHRINK | Seal.GROW });
}

/** A window up to its first configure. Returns the ids of its objects. */
export async function openWindow(guest: GuestClient): Promise<{
  registry: number;
  compositor: number;
  base: number;
  surface: number;
  shell: number;
  toplevel: number;
}> {
  const registry = await guest.start();
  const compositor = guest.bind(registry, 'wl_compositor');
  const base = guest.bind(registry, 'xdg_wm_base');
  const surface = guest.make(compositor, 'create_surface');
  const shell = guest.make(base, 'get_xdg_surface', [surface]);
  const toplevel = guest.make(shell, 'get_toplevel');
  return { registry, compositor, base, surface, shell, toplevel };
}

/** Configures the window of `openWindow`; the guest acknowledges. */
export async function configure(guest: GuestClient, shell: number, serial = 77): Promise<void> {
  await until(() => guest.compositor.living('xdg_surface').length > 0, 'the xdg_surface');
  const object = guest.compositor.living('xdg_surface').at(-1);
  if (object !== undefined) guest.compositor.send(object, 'configure', [serial]);
  await guest.event(shell, 'configure');
  guest.request(shell, 'ack_configure', [serial]);
}

export function descriptors(): number {
  const fd = openSync('/dev/null', 'r');
  closeFd(fd);
  return fd;
}

/** Everything that comes out of a pipe, until its end. */
export async function drain(pipe: Pipe): Promise<Buffer> {
  const parts: Buffer[] = [];
  const buffer = new Uint8Array(1 << 16);
  let end = false;
  await until(() => {
    const bytes = pipe.read(buffer);
    if (bytes > 0) parts.push(Buffer.from(buffer.subarray(0, bytes)));
    end = bytes === 0;
    return end;
  }, 'the end of a pipe');
  pipe.close();
  return Buffer.concat(parts);
}

/** Writes all of it, however long that takes. */
export async function fill(fd: number, data: Uint8Array): Promise<void> {
  const pipe = adoptPipe(fd);
  let sent = 0;
  await until(() => {
    try {
      sent += Math.max(0, pipe.write(data.subarray(sent)));
    } catch {
      return true;
    }
    return sent === data.length;
  }, 'a pipe to take everything');
  pipe.close();
}
