/**
 * The device in window mode with guest blobs on the screen, a compositor that imports dma-bufs, and our front-end in
 * QEMU's place: shuffled guest pages come up in a window and nothing is copied; and they still come up, by copies, when
 * /dev/udmabuf is taken away.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pageSize, Seal } from 'vhost-user-native';
import { BackEndServer, FrontEndClient, type FrontEndMemory } from 'vhost-user-ts';
import { SharedRegion } from '../../../src/region/index.js';
import { GpuDevice, VIRTIO_GPU_RESP_OK_NODATA } from '../../../src/virtio-gpu/index.js';
import { WindowSystem } from '../../../src/wayland/index.js';
import * as c from '../../unit/gpu-commands.js';
import { HostCompositor } from '../harness/compositor.js';
import { picture, pictureColor } from '../harness/pattern.js';
import { weston } from '../harness/weston.js';
import { DmabufScreen, NO_INPUT } from './dmabuf-screen.js';

const WIDTH = 320;
const HEIGHT = 240;
const SIZE = { width: WIDTH, height: HEIGHT };
const BYTES = WIDTH * HEIGHT * 4;
const MiB = 2 ** 20;

/** A guest's framebuffer: every second page of a piece of its memory, from the last to the first. */
class Framebuffer {
  readonly pages: readonly (readonly [address: number, length: number])[];
  private readonly memory: FrontEndMemory;

  constructor(memory: FrontEndMemory) {
    this.memory = memory;
    const count = BYTES / pageSize;
    const base = memory.alloc(count * 2 * pageSize, pageSize);
    this.pages = Array.from(
      { length: count },
      (_, i) => [base + (count - 1 - i) * 2 * pageSize, pageSize] as const,
    );
  }

  /** Draws rows of picture(seed). */
  paint(seed: number, firstRow = 0, rows = HEIGHT): void {
    for (let y = firstRow; y < firstRow + rows; y++) {
      const row = Uint32Array.from({ length: WIDTH }, (_, x) => pictureColor(x, y, seed));
      const bytes = new Uint8Array(row.buffer);
      for (let done = 0; done < bytes.length; ) {
        const at = y * WIDTH * 4 + done;
        const [address] = this.pages[Math.floor(at / pageSize)] ?? [0];
        const part = bytes.subarray(done, done + pageSize - (at % pageSize));
        this.memory.write(address + (at % pageSize), part);
        done += part.length;
      }
    }
  }
}

/** A machine whose guest is this program. */
class Machine {
  readonly region = SharedRegion.create({ windowBytes: MiB, hostBytes: 16 * MiB });
  readonly screen = new DmabufScreen();
  readonly device = new GpuDevice({ outputs: [SIZE], region: this.region, sinks: [this.screen] });
  private readonly folder = mkdtempSync(join(tmpdir(), 'machine-'));
  private readonly server = new BackEndServer(this.device, { path: join(this.folder, 'socket') });
  private readonly vm = FrontEndClient.connect({
    path: join(this.folder, 'socket'),
    memory: { bytes: 16 * MiB, seals: Seal.SHRINK | Seal.GROW | Seal.SEAL },
  });

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

  close(): void {
    this.vm.close();
    this.server.close();
    this.device.close();
    this.region.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Returns what was measured. */
export async function checkWindow(): Promise<object> {
  const program = weston({ version: 'current', renderer: 'gl', programs: '/weston/bin', ...SIZE });
  const compositor = await HostCompositor.start(program);
  const machine = new Machine();
  const { screen, device, region } = machine;
  const none = (): void => undefined;
  const windows = new WindowSystem({
    connect: () => compositor.connect(),
    pool: { fd: region.fd, bytes: region.bytes },
    appId: 'nested.test',
    log: { info: none, warn: (message) => console.error(message) },
    onStateChange: (display) => screen.connected(display),
  });
  try {
    screen.window = windows.createWindow({
      title: 'dma-buf',
      content: screen,
      input: NO_INPUT,
      onResize: none,
      onClose: none,
    });
    await machine.start();
    await screen.formatsKnown;
    const first = new Framebuffer(machine.memory);
    const second = new Framebuffer(machine.memory);

    first.paint(3);
    await machine.send(c.guestBlob(1, first.pages));
    await machine.show(1);
    await compositor.waitForScreen('dmabuf-whole', picture(WIDTH, HEIGHT, 3));
    first.paint(4);
    await machine.send(c.flush(1, c.rect(WIDTH, HEIGHT)));
    await compositor.waitForScreen('dmabuf-again', picture(WIDTH, HEIGHT, 4));
    const zeroCopy = { ...screen.counts, shadowBytes: device.status.shadowBytes };
    assert.equal(device.status.udmabuf.exported, 1);

    unlinkSync('/dev/udmabuf');
    second.paint(5);
    await machine.send(c.guestBlob(2, second.pages));
    await machine.show(2);
    await compositor.waitForScreen('udmabuf-gone', picture(WIDTH, HEIGHT, 5));
    second.paint(6, 100, 40);
    await machine.send(c.flush(2, c.rect(0, 100, WIDTH, 40)));
    const mixed = picture(WIDTH, HEIGHT, 5);
    mixed.rgb.set(picture(WIDTH, HEIGHT, 6).rgb.subarray(100 * WIDTH * 3, 140 * WIDTH * 3), 100 * WIDTH * 3);
    await compositor.waitForScreen('udmabuf-gone-damage', mixed);
    const copies = { ...screen.counts, shadowBytes: device.status.shadowBytes };
    assert(device.status.udmabuf.refused.unavailable > 0);

    // What was made before goes on.
    await machine.show(1);
    await compositor.waitForScreen('dmabuf-made-before', picture(WIDTH, HEIGHT, 4));
    const after = { ...screen.counts, shadowBytes: device.status.shadowBytes };
    return { version: screen.version, imports: screen.imports, zeroCopy, copies, after };
  } finally {
    windows.close();
    machine.close();
    await compositor.close();
  }
}
