/**
 * The compositor behind the firewall: strict about what it gets (`WireModel` and `CompositorRules`), and answering what
 * every compositor answers. What it finds wrong is kept in `failure`: it is called from within the firewall, which
 * would take an exception for its own.
 */
import { Encoder, type FirewallPolicy, GLOBAL_RULES, SERVER_ID_START } from '../../src/wayland/index.js';
import type { FuzzBlobs } from './blobs.js';
import { REGION_BYTES } from './blobs.js';
import type { FileKind, Files } from './files.js';
import { MemorySocket } from './memory-socket.js';
import { CompositorRules } from './rules.js';
import { type ModelMessage, type ModelObject, Refusal, WireModel } from './wire-model.js';

interface BufferRange {
  readonly offset: number;
  readonly bytes: number;
}

/** Objects of the firewall's own: registry, pool, its callbacks and its bindings. */
const OWN_OBJECTS = 64;

export class ModelCompositor {
  readonly model = new WireModel({ denseIds: true, name: 'to the compositor' });
  readonly rules = new CompositorRules();
  readonly socket = new MemorySocket((bytes, fds) => this.received(bytes, fds.length));
  /** The first thing that was wrong. */
  failure: Error | null = null;
  /** Requests that came. */
  readonly features = new Set<string>();
  /** It did not read at once, at some time. */
  lagged = false;
  /** Every serial that it handed out. */
  serial = 1;
  private readonly blobs: FuzzBlobs;
  readonly files: Files;
  private readonly policy: FirewallPolicy;
  private readonly encoder = new Encoder();
  private readonly buffers = new Map<ModelObject, BufferRange>();
  private readonly frames: ModelObject[] = [];
  private stream = Buffer.alloc(0);
  private fds = 0;

  constructor(blobs: FuzzBlobs, files: Files, policy: FirewallPolicy) {
    this.blobs = blobs;
    this.files = files;
    this.policy = policy;
  }

  /** An event, if the object has it in its version. */
  send(
    object: ModelObject,
    name: string,
    values: readonly (number | string | Uint8Array)[],
    file: FileKind | null = null,
  ): void {
    const message = object.table.events.find((each) => each.name === name);
    if (message === undefined || message.since > object.version || object.state === 'destroyed') return;
    this.raw(this.encoder.encode(object.id, message, values).bytes, file);
  }

  /** Any bytes; events that are none are the firewall's to refuse. Returns whether all of them were valid. */
  raw(bytes: Uint8Array, file: FileKind | null): boolean {
    this.socket.arrive(Uint8Array.from(bytes), file === null ? [] : [this.files.open(file)]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < 8 || view.getUint16(6, true) !== bytes.length) return false;
    try {
      const event = this.model.event(
        view.getUint32(0, true),
        view.getUint16(4, true),
        bytes.subarray(8),
        file === null ? 0 : 1,
      );
      const { object, message } = event;
      this.rules.said(event);
      if (message.destructor === true) this.deleteId(object);
      return !(object.id === 1 && message.name === 'error');
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  /** Blobs of buffers that live must be held: the compositor reads them. */
  checkBuffers(): void {
    for (const [buffer, { offset, bytes }] of this.buffers) {
      if (buffer.state !== 'alive') this.buffers.delete(buffer);
      else if (!this.blobs.held(offset, bytes)) throw new Refusal(`the bytes of ${buffer} are nobody's`);
    }
  }

  configure(role: ModelObject): void {
    const shellObject = this.rules.shellOf.get(role);
    if (shellObject === undefined) return;
    if (role.table.name === 'xdg_toplevel') this.send(role, 'configure', [0, 0, new Uint8Array(0)]);
    else this.send(role, 'configure', [0, 0, 10, 10]);
    this.send(shellObject, 'configure', [this.serial++]);
  }

  private received(bytes: Uint8Array, fds: number): void {
    this.stream = Buffer.concat([this.stream, bytes]);
    this.fds += fds;
    while (this.stream.length >= 8) {
      const size = this.stream.readUInt16LE(6);
      if (size < 8 || size % 4 !== 0) this.failure ??= new Refusal(`a message of ${size} bytes`);
      if (this.failure !== null || this.stream.length < size) return;
      const message = this.stream.subarray(0, size);
      this.stream = this.stream.subarray(size);
      try {
        this.request(message);
      } catch (error) {
        this.failure = error instanceof Error ? error : new Error(String(error));
      }
    }
  }

  private request(bytes: Buffer): void {
    const request = this.model.request(
      bytes.readUInt32LE(0),
      bytes.readUInt16LE(4),
      bytes.subarray(8),
      this.fds,
    );
    this.fds -= request.fds;
    this.features.add(`to compositor ${request.object.table.name}.${request.message.name}`);
    this.rules.check(request);
    this.checkMemory(request);
    if (request.created !== null) this.checkBudget(request.created);
    this.answer(request);
    if (request.message.destructor === true) this.deleteId(request.object);
  }

  private checkMemory({ object, message, values, created }: ModelMessage): void {
    const where = `${object.table.name}.${message.name}`;
    const [, first = 0, second = 0, third = 0, fourth = 0] = values.map(Number);
    if (where === 'wl_shm.create_pool') {
      const size = Number(values[2]);
      if (size !== REGION_BYTES || this.model.living('wl_shm_pool').length > 1)
        throw new Refusal(`a pool of ${size}`);
    }
    if (where === 'wl_shm_pool.resize') throw new Refusal('a pool was resized');
    if (where !== 'wl_shm_pool.create_buffer' || created === null) return;
    const bytes = fourth * third;
    if (second < 1 || third < 1 || fourth < second || !this.blobs.held(first, bytes)) {
      throw new Refusal(`a buffer of ${second}x${third}, stride ${fourth}, at ${first}: in no blob`);
    }
    this.buffers.set(created, { offset: first, bytes });
  }

  private checkBudget(made: ModelObject): void {
    const { surfaces, buffers, objects } = this.policy.limits;
    const { name } = made.table;
    if (this.model.objects.size > objects + OWN_OBJECTS) throw new Refusal(`more than ${objects} objects`);
    if (name === 'wl_surface' && this.model.living(name).length > surfaces)
      throw new Refusal(`more than ${surfaces} surfaces`);
    // (One that the guest did not wait for may be on its way.)
    if (name === 'wl_buffer' && !this.lagged && this.model.living(name).length > buffers)
      throw new Refusal(`more than ${buffers} buffers`);
  }

  private deleteId(object: ModelObject): void {
    const display = this.model.objects.get(1);
    if (object.id < SERVER_ID_START && display !== undefined) this.send(display, 'delete_id', [object.id]);
  }

  private answer(request: ModelMessage): void {
    const { object, message, created } = request;
    const where = `${object.table.name}.${message.name}`;
    if (where === 'wl_display.sync' && created !== null) this.send(created, 'done', [this.serial++]);
    if (where === 'wl_display.get_registry' && created !== null) this.announce(created);
    if (where === 'wl_surface.frame' && created !== null) this.frames.push(created);
    if (where === 'wl_surface.commit') this.committed(object);
    if (where === 'wl_registry.bind' && created !== null) this.bound(request, created);
    if (where === 'wl_seat.get_keyboard' && created !== null) {
      this.send(created, 'keymap', [1, 0, this.files.keymapBytes], 'keymap');
    }
    if (where.startsWith('zwp_linux_dmabuf_v1.get_') && created !== null) this.feedback(created);
    if (where !== 'zwp_linux_buffer_params_v1.create') return;
    if (Number(request.values[0]) % 4 === 0) this.send(object, 'failed', []);
    else this.send(object, 'created', [this.model.freeServerId()]);
  }

  private announce(registry: ModelObject): void {
    let name = 1;
    for (const [interfaceName] of [...GLOBAL_RULES, ...FORBIDDEN]) {
      this.send(registry, 'global', [name++, interfaceName, 99]);
    }
  }

  private bound({ values }: ModelMessage, made: ModelObject): void {
    const wanted = [...GLOBAL_RULES.keys()][Number(values[0]) - 1];
    const version = this.policy.globals.get(made.table.name) ?? 0;
    if (made.table.name !== wanted || made.version < 1 || made.version > version) {
      throw new Refusal(`a bind of ${made} in version ${made.version}`);
    }
    if (made.table.name === 'wl_seat') this.send(made, 'capabilities', [7]);
    if (made.table.name === 'wl_shm')
      for (const format of [0, 1, 0x36314752]) this.send(made, 'format', [format]);
    if (made.table.name === 'wl_output') this.send(made, 'done', []);
    if (made.table.name !== 'zwp_linux_dmabuf_v1' || made.version > 3) return;
    for (const format of [0x34325258, 0x34325241, 0x3231564e]) this.send(made, 'modifier', [format, 0, 0]);
  }

  private feedback(made: ModelObject): void {
    const device = new Uint8Array(8);
    this.send(made, 'format_table', [0, this.files.tableBytes], 'table');
    this.send(made, 'main_device', [device]);
    this.send(made, 'tranche_target_device', [device]);
    this.send(made, 'tranche_flags', [0]);
    this.send(made, 'tranche_formats', [new Uint8Array(Uint16Array.of(0, 1, 2, 6).buffer)]);
    this.send(made, 'tranche_done', []);
    this.send(made, 'done', []);
  }

  private committed(surface: ModelObject): void {
    const { shell, hasBuffer } = this.rules.surface(surface);
    const role = shell?.state === 'alive' ? this.rules.shell(shell).role : null;
    if (role?.state === 'alive' && !hasBuffer) this.configure(role);
    for (const frame of this.frames.splice(0)) if (frame.state === 'alive') this.send(frame, 'done', [0]);
  }
}

/** Announced as well: a guest must not hear of them. */
const FORBIDDEN: readonly (readonly [string])[] = [
  ['wp_security_context_manager_v1'],
  ['wl_fixes'],
  ['zwlr_layer_shell_v1'],
];
