/**
 * The device in window mode with guest blobs on the screen, a compositor that imports dma-bufs, and our front-end in
 * QEMU's place: shuffled guest pages come up in a window and nothing is copied; and they still come up, by copies, when
 * /dev/udmabuf is taken away.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Seal } from 'vhost-user-native';
import { BackEndServer, FrontEndClient, type FrontEndMemory } from 'vhost-user-ts';
import { ScanoutWindows } from '../../../src/cli/window/scanout-windows.js';
import { SharedRegion } from '../../../src/region/index.js';
import { GpuDevice, VIRTIO_GPU_RESP_OK_NODATA } from '../../../src/virtio-gpu/index.js';
import { DmabufImporter, type WindowInput, WindowSystem } from '../../../src/wayland/index.js';
import * as c from '../../unit/gpu-commands.js';
import { HostCompositor } from '../harness/compositor.js';
import { picture } from '../harness/pattern.js';
import { weston } from '../harness/weston.js';
import { Framebuffer, HEIGHT, WIDTH } from './framebuffer.js';

const SIZE = { width: WIDTH, height: HEIGHT };
const MiB = 2 ** 20;

const ignored = (): void => undefined;
const NO_INPUT: WindowInput = {
  key: ignored,
  button: ignored,
  moveTo: ignored,
  moveBy: ignored,
  scroll: ignored,
  touch: ignored,
  touchUp: ignored,
  frame: ignored,
  releaseAll: ignored,
  pointer: 'absolute',
};

/** The windows of a machine, as the command has them, and what the compositor takes. */
class Screen {
  readonly system: WindowSystem;
  readonly windows: ScanoutWindows;
  importer: DmabufImporter | null = null;
  /** Resolves when the compositor has said which dma-bufs it takes. */
  readonly formatsKnown: Promise<void>;

  constructor(compositor: HostCompositor, region: SharedRegion) {
    let known: () => void = ignored;
    this.formatsKnown = new Promise((resolve) => {
      known = resolve;
    });
    this.system = new WindowSystem({
      connect: () => compositor.connect(),
      pool: { fd: region.fd, bytes: region.bytes },
      appId: 'nested.test',
      log: { info: ignored, warn: (message) => console.error(message) },
      onStateChange: (display) => {
        this.importer = display === null ? null : new DmabufImporter(display, known);
      },
    });
    this.windows = new ScanoutWindows({
      system: this.system,
      region,
      importer: () => this.importer,
      title: 'dma-buf',
      fullscreen: false,
      input: () => NO_INPUT,
      onResize: ignored,
      onClose: ignored,
    });
  }
}

/** A machine whose guest is this program. */
class Machine {
  readonly region = SharedRegion.create({ windowBytes: MiB, hostBytes: 16 * MiB });
  readonly screen: Screen;
  readonly device: GpuDevice;
  private readonly folder = mkdtempSync(join(tmpdir(), 'machine-'));
  private readonly server: BackEndServer;
  private readonly vm: FrontEndClient;

  constructor(compositor: HostCompositor) {
    const path = join(this.folder, 'socket');
    this.screen = new Screen(compositor, this.region);
    this.device = new GpuDevice({ outputs: [SIZE], region: this.region, sinks: [this.screen.windows] });
    this.server = new BackEndServer(this.device, { path });
    const seals = Seal.SHRINK | Seal.GROW | Seal.SEAL;
    this.vm = FrontEndClient.connect({ path, memory: { bytes: 16 * MiB, seals } });
  }

  async start(): Promise<void> {
    await this.vm.negotiate();
    await this.vm.shareMemory();
    await this.vm.startQueue(0);
    await this.vm.startQueue(1, { size: 16 });
  }

  get memory(): FrontEndMemory {
    return this.vm.memory;
  }

  async send(...requests: readonly Uint8Array[]): Promise<void> {
    for (const request of requests) {
      const answer = await this.vm.queues.get(0)?.request(request, 64);
      assert.equal(c.typeOf(answer?.data ?? new Uint8Array(24)), VIRTIO_GPU_RESP_OK_NODATA);
    }
  }

  /** Puts a framebuffer on the screen. */
  async show(resourceId: number): Promise<void> {
    await this.send(c.setScanoutBlob(0, resourceId, SIZE), c.flush(resourceId, c.rect(WIDTH, HEIGHT)));
  }

  /** What was done so far, by route. */
  get counts(): object {
    const { shadowBytes, swapBytes, transferBytes } = this.device.status;
    return { ...this.screen.windows.metrics, shadowBytes, swapBytes, transferBytes };
  }

  close(): void {
    this.vm.close();
    this.server.close();
    this.screen.windows.clear();
    this.device.close();
    this.screen.system.close();
    this.region.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Returns what was measured. */
export async function checkWindow(): Promise<object> {
  const program = weston({ version: 'current', renderer: 'gl', programs: '/weston/bin', ...SIZE });
  const compositor = await HostCompositor.start(program);
  const machine = new Machine(compositor);
  const { device, screen } = machine;
  try {
    await machine.start();
    await screen.formatsKnown;
    const [first, second, third] = [1, 2, 3].map(() => new Framebuffer(machine.memory));
    assert(first !== undefined && second !== undefined && third !== undefined);

    // A guest that flips between two buffers.
    await machine.send(c.guestBlob(1, first.pages), c.guestBlob(2, second.pages));
    first.paint(3);
    await machine.show(1);
    await compositor.waitForScreen('dmabuf-first', picture(WIDTH, HEIGHT, 3));
    second.paint(4);
    await machine.show(2);
    await compositor.waitForScreen('dmabuf-second', picture(WIDTH, HEIGHT, 4));
    first.paint(7);
    await machine.show(1);
    await compositor.waitForScreen('dmabuf-again', picture(WIDTH, HEIGHT, 7));
    const zeroCopy = machine.counts;
    assert.equal(device.status.udmabuf.exported, 2);

    unlinkSync('/dev/udmabuf');
    third.paint(5);
    await machine.send(c.guestBlob(3, third.pages));
    await machine.show(3);
    await compositor.waitForScreen('udmabuf-gone', picture(WIDTH, HEIGHT, 5));
    third.paint(6, 100, 40);
    await machine.send(c.flush(3, c.rect(0, 100, WIDTH, 40)));
    const mixed = picture(WIDTH, HEIGHT, 5);
    mixed.rgb.set(picture(WIDTH, HEIGHT, 6).rgb.subarray(100 * WIDTH * 3, 140 * WIDTH * 3), 100 * WIDTH * 3);
    await compositor.waitForScreen('udmabuf-gone-damage', mixed);
    const copies = machine.counts;
    assert(device.status.udmabuf.refused.unavailable > 0);

    // What was made before goes on.
    await machine.show(2);
    await compositor.waitForScreen('dmabuf-made-before', picture(WIDTH, HEIGHT, 4));
    const after = machine.counts;
    const { version, metrics } = screen.importer ?? { version: 0, metrics: {} };
    return { version, imports: metrics, zeroCopy, copies, after };
  } finally {
    machine.close();
    await compositor.close();
  }
}
