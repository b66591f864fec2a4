/** A whole machine for the tests of the GPU: device and server on one side, front-end and display on the other. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Mapping, mapFile } from 'vhost-user-native';
import {
  BackEndServer,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  FrontEndClient,
  type FrontEndQueue,
  FrontEndRequest,
  MessageHeader,
  type SharedMemoryMapping,
  type SubmitOptions,
} from 'vhost-user-ts';
import { GpuDevice, type GpuDeviceOptions } from '../../src/virtio-gpu/index.js';
import { VIRTIO_GPU_RESP_OK_NODATA } from '../../src/virtio-gpu/wire/constants.js';
import * as c from '../unit/gpu-commands.js';
import { FakeQemu, settle, until } from '../unit/gpu-socket-fixture.js';
import { Framebuffer, picture } from './framebuffer.js';

/** What each open descriptor is. */
function openFds(): string[] {
  const links: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      links.push(`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return links.sort();
}

/** One machine: a back-end process's worth of device and server, and the front-end. */
export class Machine {
  readonly device: GpuDevice;
  readonly server: BackEndServer;
  readonly disconnects: (Error | null)[] = [];
  configChanges = 0;
  /** What the guest sees of the shared region; null while it is not mapped. */
  window: Mapping | null = null;
  /** Requests for the window are answered once this is resolved. */
  mapsNow: Promise<void> = Promise.resolve();
  private readonly folder = mkdtempSync(join(tmpdir(), 'gpu-'));
  private client: FrontEndClient | null = null;
  private readonly displays: FakeQemu[] = [];

  constructor(options: Partial<GpuDeviceOptions> = {}) {
    this.device = new GpuDevice({ outputs: [{ width: 1280, height: 800 }], ...options });
    const path = join(this.folder, 'socket');
    const onDisconnected = (reason: Error | null) => this.disconnects.push(reason);
    this.server = new BackEndServer(this.device, { path }, { onDisconnected });
  }

  get vm(): FrontEndClient {
    if (this.client === null) throw new Error('not connected');
    return this.client;
  }

  async connect(
    features = FRONT_END_FEATURES,
    protocolFeatures = FRONT_END_PROTOCOL_FEATURES,
  ): Promise<void> {
    const path = join(this.folder, 'socket');
    const configChanged = (): void => {
      this.configChanges += 1;
    };
    const mapShared = async (
      { id, fdOffset, offset, length }: SharedMemoryMapping,
      fd: number,
    ): Promise<boolean> => {
      await this.mapsNow;
      // As QEMU does it: no mapping over another, and the file stays open with its mapping.
      if (id !== 1 || offset !== 0 || this.window !== null) return false;
      this.window = mapFile(fd, fdOffset, length, { writable: true });
      return true;
    };
    const handlers = { configChanged, mapShared };
    this.client = FrontEndClient.connect({ path, features, protocolFeatures, handlers });
    await this.client.negotiate();
  }

  /** Gives the device a display socket, the way QEMU does: no acknowledgement. */
  display(options: { reading?: boolean } = {}): FakeQemu {
    const qemu = new FakeQemu(options);
    this.displays.push(qemu);
    const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
    this.vm.sendRaw(MessageHeader.encode(message), [qemu.far.fd]);
    qemu.far.close();
    return qemu;
  }

  async start(): Promise<void> {
    await this.vm.shareMemory();
    await this.vm.startQueue(0);
    await this.vm.startQueue(1, { size: 16 });
  }

  get control(): FrontEndQueue {
    return this.vm.queues.get(0) as FrontEndQueue;
  }

  get cursor(): FrontEndQueue {
    return this.vm.queues.get(1) as FrontEndQueue;
  }

  async send(request: Uint8Array, options: SubmitOptions = {}): Promise<Uint8Array> {
    return (await this.control.request(request, 2048, options)).data;
  }

  /** Sends commands that must succeed, all before the first answer. */
  async all(...requests: readonly Uint8Array[]): Promise<void> {
    const answers = await Promise.all(requests.map((request) => this.send(request)));
    const types = answers.map(c.typeOf);
    if (types.some((type) => type !== VIRTIO_GPU_RESP_OK_NODATA))
      throw new Error(`responses ${types.map((type) => type.toString(16))}`);
  }

  /** A virtio reset drops the guest's window, without a word to the back-end. */
  dropWindow(): void {
    this.window?.close();
    this.window = null;
  }

  disconnect(): void {
    this.dropWindow();
    this.client?.close();
    this.client = null;
  }

  close(): void {
    this.disconnect();
    this.server.close();
    this.device.close();
    for (const display of this.displays) if (!display.socket.closed) display.socket.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** A subtest that has to give everything back. */
export function scenario(
  name: string,
  run: (t: Test, machine: Machine) => Promise<void>,
  options?: Partial<GpuDeviceOptions>,
) {
  t.test(name, async (t) => {
    const before = openFds();
    const machine = new Machine(options);
    try {
      await run(t, machine);
      machine.disconnect();
      await until(() => !machine.device.status.attached);
      t.match(machine.device.status, { hostBytes: 0, resources: 0, backingEntries: 0 });
    } finally {
      machine.close();
    }
    await settle();
    t.strictSame(openFds(), before, 'no descriptor is left open');
  });
}

/** Makes resource 1 over a new framebuffer and shows it. */
export async function show(machine: Machine, width: number, height: number): Promise<Framebuffer> {
  const framebuffer = new Framebuffer(machine.vm, width, height);
  await machine.all(
    c.create2d(1, width, height),
    c.attach(1, framebuffer.pages),
    c.transfer(1, framebuffer.all),
    c.setScanout(0, 1, framebuffer.all),
    c.flush(1, framebuffer.all),
  );
  return framebuffer;
}

export async function seen(display: FakeQemu, expected: Uint8Array, scanoutId = 0): Promise<void> {
  await until(() => Buffer.compare(picture(display, scanoutId) ?? new Uint8Array(0), expected) === 0);
}
