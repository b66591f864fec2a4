/**
 * A VNC client that keeps the guest's cursor shape: the one way to ask a headless QEMU which cursor it shows.
 * RFC 6143 with the Cursor and Alpha Cursor pseudo-encodings; the framebuffer itself is not asked for.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { inspect } from 'node:util';

/** A cursor; 4 bytes a pixel: red, green, blue, alpha (as the guest gave it: premultiplied). */
export interface RfbCursor {
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
  readonly rgba: Uint8Array;
}

const CURSOR_TIMEOUT_MS = 30_000;
const ENCODING_RAW = 0;
const ENCODING_DESKTOP_SIZE = -223;
const ENCODING_EXTENDED_DESKTOP_SIZE = -308;
const ENCODING_ALPHA_CURSOR = -314;
const SECURITY_NONE = 1;

function swapRedAndBlue(pixels: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(pixels);
  for (let i = 0; i < swapped.length; i += 4) {
    [swapped[i], swapped[i + 2]] = [pixels[i + 2] as number, pixels[i] as number];
  }
  return swapped;
}

export class RfbClient {
  cursor: RfbCursor | null = null;
  private readonly socket: Socket;
  private buffer = Buffer.alloc(0);
  private closed = false;
  private wakeReader: (() => void) | null = null;
  private readonly cursorListeners = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      this.wakeReader?.();
    });
    const end = (): void => {
      this.closed = true;
      this.wakeReader?.();
      this.notify();
    };
    socket.on('error', end);
    socket.on('close', end);
  }

  static async connect(path: string): Promise<RfbClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new RfbClient(socket);
    await client.handshake();
    void client.receive().catch(() => socket.destroy());
    return client;
  }

  /** Resolves with the first cursor that fits; rejects when none comes in time. */
  async waitForCursor(fits: (cursor: RfbCursor) => boolean): Promise<RfbCursor> {
    const timer = setTimeout(() => this.socket.destroy(), CURSOR_TIMEOUT_MS);
    try {
      for (;;) {
        if (this.cursor !== null && fits(this.cursor)) return this.cursor;
        if (this.closed) throw new Error(`no such cursor in time; the last one: ${inspect(this.cursor)}`);
        await new Promise<void>((resolve) => this.cursorListeners.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks for another size of the guest's screen, as a resized viewer window does (SetDesktopSize, one screen). */
  requestSize(width: number, height: number): void {
    const message = Buffer.alloc(24);
    message.writeUInt8(251, 0);
    message.writeUInt16BE(width, 2);
    message.writeUInt16BE(height, 4);
    message.writeUInt8(1, 6);
    message.writeUInt16BE(width, 16);
    message.writeUInt16BE(height, 18);
    this.socket.write(message);
  }

  close(): void {
    this.socket.destroy();
  }

  private async take(length: number): Promise<Buffer> {
    while (this.buffer.length < length) {
      if (this.closed) throw new Error('VNC connection closed');
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
      });
    }
    const data = this.buffer.subarray(0, length);
    this.buffer = this.buffer.subarray(length);
    return data;
  }

  private async handshake(): Promise<void> {
    await this.take(12);
    this.socket.write('RFB 003.008\n');
    const types = await this.take((await this.take(1)).readUInt8(0));
    if (!types.includes(SECURITY_NONE)) throw new Error('VNC server wants a password');
    this.socket.write(Buffer.of(SECURITY_NONE));
    if ((await this.take(4)).readUInt32BE(0) !== 0) throw new Error('VNC security failed');
    this.socket.write(Buffer.of(1));
    const init = await this.take(24);
    await this.take(init.readUInt32BE(20));
    const encodings = [
      ENCODING_RAW,
      ENCODING_DESKTOP_SIZE,
      ENCODING_EXTENDED_DESKTOP_SIZE,
      ENCODING_ALPHA_CURSOR,
    ];
    const message = Buffer.alloc(4 + 4 * encodings.length);
    message.writeUInt8(2, 0);
    message.writeUInt16BE(encodings.length, 2);
    encodings.forEach((encoding, i) => {
      message.writeInt32BE(encoding, 4 + 4 * i);
    });
    this.socket.write(message);
    this.requestUpdate();
  }

  /** Asks for changes of one pixel: cursors come with whatever update is due. */
  private requestUpdate(): void {
    const message = Buffer.alloc(10);
    message.writeUInt8(3, 0);
    message.writeUInt8(1, 1);
    message.writeUInt16BE(1, 6);
    message.writeUInt16BE(1, 8);
    this.socket.write(message);
  }

  private async receive(): Promise<void> {
    for (;;) {
      const type = (await this.take(1)).readUInt8(0);
      if (type === 0) await this.receiveUpdate();
      else if (type === 3) await this.take((await this.take(7)).readUInt32BE(3));
      else if (type !== 2) throw new Error(`VNC message ${type}`);
    }
  }

  private async receiveUpdate(): Promise<void> {
    const count = (await this.take(3)).readUInt16BE(1);
    for (let i = 0; i < count; i++) {
      const header = await this.take(12);
      const [x, y] = [header.readUInt16BE(0), header.readUInt16BE(2)];
      const [width, height] = [header.readUInt16BE(4), header.readUInt16BE(6)];
      const encoding = header.readInt32BE(8);
      if (encoding === ENCODING_ALPHA_CURSOR) {
        await this.take(4); // the encoding inside: raw
        // QEMU sends its own pixels, little-endian 0xAARRGGBB, whatever the extension says.
        const rgba = swapRedAndBlue(await this.take(width * height * 4));
        this.cursor = { width, height, hotX: x, hotY: y, rgba };
        this.notify();
      } else if (encoding === ENCODING_RAW) {
        await this.take(width * height * 4);
      } else if (encoding === ENCODING_EXTENDED_DESKTOP_SIZE) {
        await this.take((await this.take(4)).readUInt8(0) * 16);
      } else if (encoding !== ENCODING_DESKTOP_SIZE) {
        throw new Error(`VNC encoding ${encoding}`);
      }
    }
    this.requestUpdate();
  }

  private notify(): void {
    for (const listener of this.cursorListeners) listener();
    this.cursorListeners.clear();
  }
}
