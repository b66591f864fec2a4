/**
 * The device with a display socket, as QEMU's, and a guest that draws into ordinary resources: our front-end gets its
 * shuffled pages as a real dma-buf, and no pixels.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeFd, fileSize, mapFile, READABLE, Seal, type UnixSocket } from 'vhost-user-native';
import { BackEndServer, FrontEndClient } from 'vhost-user-ts';
import { GpuDevice, VIRTIO_GPU_RESP_OK_NODATA } from '../../../src/virtio-gpu/index.js';
import * as c from '../../unit/gpu-commands.js';
import { Framebuffer, HEIGHT, WIDTH } from './framebuffer.js';

const BYTES = WIDTH * HEIGHT * 4;
const SIZE = c.rect(WIDTH, HEIGHT);

/** Of the display's protocol. */
const GET_FEATURES = 1;
const SET_FEATURES = 2;
const DMABUF_SCANOUT2 = 12;
const DMABUF_UPDATE = 10;
const HEADER_BYTES = 12;

/** QEMU's end of the display socket. It answers an update when it was asked what it shows. */
class Display {
  readonly requests: number[] = [];
  /** The dma-buf that came last. */
  fd: number | null = null;
  private readonly socket: UnixSocket;
  private data: Buffer = Buffer.alloc(0);
  private readonly waiting = new Map<number, () => void>();

  constructor(socket: UnixSocket) {
    this.socket = socket;
    socket.watch(READABLE, () => this.readSome());
  }

  /** Resolves when such a message comes. */
  next(request: number): Promise<void> {
    return new Promise((resolve) => this.waiting.set(request, resolve));
  }

  answer(request: number, payload: Uint8Array = new Uint8Array(0)): void {
    const header = Buffer.from(Uint32Array.of(request, 4, payload.length).buffer);
    this.socket.send(Buffer.concat([header, payload]));
  }

  close(): void {
    this.socket.close();
    if (this.fd !== null) closeFd(this.fd);
  }

  private readSome(): void {
    const chunk = new Uint8Array(4096);
    const { bytes, fds } = this.socket.receive(chunk);
    for (const fd of fds) {
      if (this.fd !== null) closeFd(this.fd);
      this.fd = fd;
    }
    if (bytes === 0) this.socket.watch(0, () => undefined);
    this.data = Buffer.concat([this.data, chunk.subarray(0, Math.max(0, bytes))]);
    while (this.data.length >= HEADER_BYTES) {
      const request = this.data.readUInt32LE(0);
      const end = HEADER_BYTES + this.data.readUInt32LE(8);
      if (this.data.length < end) return;
      this.data = this.data.subarray(end);
      this.requests.push(request);
      if (request === GET_FEATURES) this.answer(request, Buffer.from(BigUint64Array.of(3n).buffer));
      this.waiting.get(request)?.();
    }
  }
}

/** Returns what was measured. */
export async function checkQemuDisplay(): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'qemu-display-'));
  const path = join(folder, 'socket');
  const device = new GpuDevice({ outputs: [{ width: WIDTH, height: HEIGHT }], qemuDmabuf: true });
  const server = new BackEndServer(device, { path });
  const seals = Seal.SHRINK | Seal.GROW | Seal.SEAL;
  const vm = FrontEndClient.connect({ path, memory: { bytes: 16 * 2 ** 20, seals } });
  let display: Display | null = null;
  const send = async (request: Uint8Array): Promise<void> => {
    const answer = await vm.queues.get(0)?.request(request, 64);
    assert.equal(c.typeOf(answer?.data ?? new Uint8Array(24)), VIRTIO_GPU_RESP_OK_NODATA);
  };
  try {
    await vm.negotiate();
    display = new Display(await vm.setGpuSocket());
    const agreed = display.next(SET_FEATURES);
    await vm.shareMemory();
    await vm.startQueue(0);
    await vm.startQueue(1, { size: 16 });
    await agreed;

    const picture = new Framebuffer(vm.memory);
    await send(c.create2d(1, WIDTH, HEIGHT));
    await send(c.attach(1, picture.pages));
    const seen: Buffer[] = [];
    for (const seed of [3, 4]) {
      picture.paint(seed);
      const drawn = display.next(DMABUF_UPDATE);
      if (seed === 3) await send(c.setScanout(0, 1, SIZE));
      await send(c.transfer(1, SIZE));
      await send(c.flush(1, SIZE));
      await drawn;
      assert(display.fd !== null);
      assert.equal(fileSize(display.fd), BYTES);
      const mapping = mapFile(display.fd, 0, BYTES, { writable: true });
      seen.push(Buffer.from(mapping.window(0, BYTES).slice(0)));
      mapping.close();
      assert(seen.at(-1)?.equals(picture.bytesOf(seed)), `picture ${seed}`);
      display.answer(DMABUF_UPDATE);
    }
    const { bytesSent, updatesSent, dmabufScanouts, dmabufUpdates } = device.status.display;
    assert(display.requests.includes(DMABUF_SCANOUT2));
    return { bytesSent, updatesSent, dmabufScanouts, dmabufUpdates };
  } finally {
    vm.close();
    server.close();
    device.close();
    display?.close();
    rmSync(folder, { recursive: true });
  }
}
