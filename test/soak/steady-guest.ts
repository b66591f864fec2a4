/** A guest that behaves: it draws a frame at a time on QEMU's display, and sees to it that it gets there. */
import { READABLE } from 'vhost-user-native';
import { FrontEndClient, FrontEndRequest, MessageHeader, viewOf } from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { Framebuffer, picture } from '../protocol/framebuffer.js';
import * as c from '../unit/gpu-commands.js';
import { FakeQemu } from '../unit/gpu-socket-fixture.js';

const WIDTH = 640;
const HEIGHT = 480;
const RESOURCE = 1;
const CHUNK = 256 * 1024;
const MEMORY_BYTES = 16 * 2 ** 20;

export class SteadyGuest {
  private readonly client: FrontEndClient;
  private readonly display = new FakeQemu({ reading: false });
  private readonly framebuffer: Framebuffer;
  private frames = 0;
  private seen: () => void = () => undefined;

  private constructor(path: string) {
    this.client = FrontEndClient.connect({ path, memory: { bytes: MEMORY_BYTES } });
    this.framebuffer = new Framebuffer(this.client, WIDTH, HEIGHT);
    this.read();
  }

  /** A machine whose picture is on its display. */
  static async start(path: string): Promise<SteadyGuest> {
    const guest = new SteadyGuest(path);
    const { client, display, framebuffer } = guest;
    await client.negotiate();
    const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
    client.sendRaw(MessageHeader.encode(message), [display.far.fd]);
    display.far.close();
    await client.shareMemory();
    await client.startQueue(0);
    await client.startQueue(1, { size: 16 });
    const { all, pages } = framebuffer;
    await guest.send(c.create2d(RESOURCE, WIDTH, HEIGHT), c.attach(RESOURCE, pages));
    await guest.send(c.setScanout(0, RESOURCE, all));
    await guest.check();
    return guest;
  }

  /** Draws the next frame. Resolves when its last pixel is on the display, with how long that took in ms. */
  async frame(): Promise<number> {
    const stamp = ++this.frames;
    const last = WIDTH * HEIGHT * 4 - 4;
    const [page = 0] = this.framebuffer.pages[last >> 12] ?? [];
    this.client.memory.write(page + (last & 4095), new Uint8Array(Uint32Array.of(stamp).buffer));
    const shown = new Promise<void>((resolve) => {
      this.seen = () => {
        const bytes = picture(this.display, 0);
        if (bytes !== null && viewOf(bytes).getUint32(last, true) === stamp) resolve();
      };
    });
    const begun = performance.now();
    await Promise.all([this.showFrame(), shown]);
    return performance.now() - begun;
  }

  /** Shows another picture; rejects unless all of it gets there. */
  async check(): Promise<void> {
    const expected = this.framebuffer.paint(++this.frames);
    const shown = new Promise<void>((resolve) => {
      this.seen = () => {
        if (Buffer.compare(picture(this.display, 0) ?? Buffer.alloc(0), expected) === 0) resolve();
      };
    });
    await Promise.all([this.showFrame(), shown]);
  }

  /** Its display takes nothing for that long, while frames go on; then the newest one gets there. */
  async stall(ms: number): Promise<void> {
    this.display.stopReading();
    for (const end = performance.now() + ms; performance.now() < end; ) {
      await this.showFrame();
      await new Promise((resolve) => setTimeout(resolve, 1000 / 60));
    }
    this.read();
    await this.check();
  }

  close(): void {
    this.client.close();
    this.display.socket.close();
  }

  private read(): void {
    this.display.socket.watch(READABLE, () => {
      this.display.readSome(CHUNK);
      this.display.messages.length = 0;
      this.seen();
    });
  }

  private showFrame(): Promise<void> {
    const { all } = this.framebuffer;
    return this.send(c.transfer(RESOURCE, all), c.flush(RESOURCE, all));
  }

  private async send(...requests: readonly Uint8Array[]): Promise<void> {
    const queue = this.client.queues.get(0);
    if (queue === undefined) throw new Error('the queue was not started');
    const answers = await Promise.all(requests.map((request) => queue.request(request, 2048)));
    const wrong = answers
      .map(({ data }) => c.typeOf(data))
      .filter((type) => type !== gpu.VIRTIO_GPU_RESP_OK_NODATA);
    if (wrong.length > 0) throw new Error(`answered with ${wrong.map((type) => type.toString(16)).join()}`);
  }
}
