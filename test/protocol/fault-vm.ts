/** A virtual machine as a device sees it: QEMU's messages, and the commands of a driver and of a client's proxy. */
import { type Mapping, mapFile } from 'vhost-user-native';
import {
  FrontEndClient,
  type FrontEndClientOptions,
  FrontEndRequest,
  MessageHeader,
  viewOf,
} from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from '../unit/context-support.js';
import * as c from '../unit/gpu-commands.js';
import { FakeQemu } from '../unit/gpu-socket-fixture.js';
import { Framebuffer } from './framebuffer.js';

const MEMORY_BYTES = 16 * 2 ** 20;

/** How a guest's machine is connected. */
export interface VmOptions extends FrontEndClientOptions {
  /** Calls back when the window is asked for; by default it is mapped. */
  readonly onMap?: () => void;
}

/** Size of the guests' screens. */
const WIDTH = 64;
const HEIGHT = 48;
const PICTURE = 1;
const CURSOR = 2;
const QUERY = 10;
const CHANNEL = 11;
const BLOB = 12;
const CONTEXT = 1;
/** DRM_FORMAT_XRGB8888 */
const XRGB8888 = 0x34325258;

/** wl_display.get_registry(2), wl_display.sync(3) */
const HELLO = s.hex('01000000 01000c00 02000000 01000000 00000c00 03000000');

/** A virtual machine: a front-end and what its driver does. */
export class Vm {
  readonly client: FrontEndClient;
  readonly framebuffer: Framebuffer;
  readonly displays: FakeQemu[] = [];
  private readonly cursorPages: number;
  private readonly rings: readonly [query: number, channel: number];
  private window: Mapping | null = null;
  private fences = 0n;

  constructor(options: VmOptions) {
    const { onMap, ...rest } = options;
    const memory = { bytes: MEMORY_BYTES };
    const mapShared = ({ fdOffset, length }: { fdOffset: number; length: number }, fd: number): boolean => {
      onMap?.();
      if (this.client.memory.bytes.length === 0) return false;
      this.window = mapFile(fd, fdOffset, length, { writable: true });
      return true;
    };
    this.client = FrontEndClient.connect({ memory, handlers: { mapShared }, ...rest });
    this.framebuffer = new Framebuffer(this.client, WIDTH, HEIGHT);
    const page = (): number => this.client.memory.alloc(4096, 4096);
    this.cursorPages = this.client.memory.alloc(64 * 64 * 4, 4096);
    this.rings = [page(), page()];
  }

  /** Everything that QEMU says to a device. */
  async start(options: { readonly display?: boolean } = {}): Promise<void> {
    const { client } = this;
    await client.negotiate();
    if (options.display ?? false) await this.giveDisplay();
    await client.shareMemory();
    await client.startQueue(0);
    await client.startQueue(1, { size: 16 });
    await client.getConfig(0, 20);
  }

  /** QEMU's display. It reads unless told not to. */
  async giveDisplay(options: { readonly reading?: boolean } = {}): Promise<FakeQemu> {
    const display = new FakeQemu(options);
    this.displays.push(display);
    const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
    this.client.sendRaw(MessageHeader.encode(message), [display.far.fd]);
    display.far.close();
    return display;
  }

  async send(request: Uint8Array): Promise<Uint8Array> {
    const queue = this.client.queues.get(0);
    if (queue === undefined) throw new Error('the queue was not started');
    return (await queue.request(request, 2048)).data;
  }

  /** Commands that have to succeed. */
  async all(...requests: readonly Uint8Array[]): Promise<void> {
    const answers = await Promise.all(requests.map((request) => this.send(request)));
    const wrong = answers.map(c.typeOf).filter((type) => type !== gpu.VIRTIO_GPU_RESP_OK_NODATA);
    if (wrong.length > 0) throw new Error(`answered with ${wrong.map((type) => type.toString(16)).join()}`);
  }

  /** What a driver sends to put up a picture, in order. */
  get pictureSteps(): Uint8Array[] {
    const { all, pages } = this.framebuffer;
    return [
      c.create2d(PICTURE, WIDTH, HEIGHT),
      c.attach(PICTURE, pages),
      c.setScanout(0, PICTURE, all),
      ...this.frameSteps,
      c.create2d(CURSOR, 64, 64, 1),
      c.attach(CURSOR, [[this.cursorPages, 64 * 64 * 4]]),
      c.transfer(CURSOR, c.rect(64, 64)),
    ];
  }

  /** What a driver sends for each frame after the first. */
  get frameSteps(): Uint8Array[] {
    const { all } = this.framebuffer;
    return [c.transfer(PICTURE, all), this.fenced(c.flush(PICTURE, all))];
  }

  /** What a driver and a guest's proxy send for one client, until something is to come from the compositor. */
  get clientSteps(): Uint8Array[] {
    const [query, channel] = this.rings;
    return [
      s.createContext(CONTEXT, 5, 'client'),
      c.guestBlob(QUERY, [[query, 4096]]),
      s.attachTo(CONTEXT, QUERY),
      c.guestBlob(CHANNEL, [[channel, 4096]]),
      s.attachTo(CONTEXT, CHANNEL),
      s.submit3d(CONTEXT, s.init(QUERY, CHANNEL)),
      s.submit3d(CONTEXT, s.sendCommand(HELLO)),
    ];
  }

  /** Waits for something from the compositor: the answer is held until then. */
  get poll(): Uint8Array {
    this.fences += 1n;
    return s.submit3d(CONTEXT, s.POLL, { flags: s.RING, ringIdx: 1, fenceId: this.fences });
  }

  /** Shows a picture of its own for each seed; resolves with its bytes. */
  async show(seed: number): Promise<Uint8Array> {
    const expected = this.framebuffer.paint(seed);
    await this.all(...this.pictureSteps);
    return expected;
  }

  async frame(seed: number): Promise<Uint8Array> {
    const expected = this.framebuffer.paint(seed);
    await this.all(...this.frameSteps);
    return expected;
  }

  /** A client of the guest has the compositor answer it. */
  async talkToCompositor(): Promise<void> {
    await this.all(...this.clientSteps);
    await this.send(this.poll);
    const [, channel] = this.rings;
    const received = this.client.memory.read(channel, 16);
    if (viewOf(received).getUint32(12, true) === 0) throw new Error('nothing came');
  }

  /** The client makes a picture in the window, which the front-end has to map for that. */
  async mapPicture(): Promise<void> {
    this.fences += 1n;
    const ring = { flags: s.RING, ringIdx: 0, fenceId: this.fences };
    await this.send(s.submit3d(CONTEXT, s.imageQuery(32, 32, XRGB8888), ring));
    const [query] = this.rings;
    const answer = viewOf(this.client.memory.read(query, 64));
    const size = answer.getUint32(40, true);
    const blobId = BigInt(answer.getUint32(48, true));
    await this.all(c.createBlob(BLOB, { ctxId: CONTEXT, blobMem: 2, blobFlags: 3, blobId, size }));
    const type = c.typeOf(await this.send(c.mapBlob(BLOB, 0)));
    if (type !== gpu.VIRTIO_GPU_RESP_OK_MAP_INFO) throw new Error(`MAP_BLOB: ${type.toString(16)}`);
  }

  /** All that a machine does in its life, in order. */
  get life(): readonly (() => Promise<unknown>)[] {
    const commands = [...this.pictureSteps, ...this.frameSteps, ...this.clientSteps];
    return [
      ...commands.map((command) => () => this.all(command)),
      () => this.mapPicture(),
      () => this.send(this.poll),
      // The compositor has nothing more to say: this one is held.
      () => this.send(this.poll),
    ];
  }

  /** The machine is gone, all of a sudden: whatever it had is closed. */
  kill(): void {
    this.client.close();
    this.window?.close();
    this.window = null;
    for (const display of this.displays) if (!display.socket.closed) display.socket.close();
  }

  private fenced(request: Uint8Array): Uint8Array {
    this.fences += 1n;
    const view = new DataView(request.buffer, request.byteOffset);
    view.setUint32(4, gpu.VIRTIO_GPU_FLAG_FENCE, true);
    view.setBigUint64(8, this.fences, true);
    return request;
  }
}
