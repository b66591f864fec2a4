/** The memory behind all borders of a VM: one colour, so that every buffer of every size can begin at its start. */
import { closeFd, createMemfd, mapFile, Seal } from 'vhost-user-native';
import type { BorderPolicy } from '../policy/policy.js';

/** Pixels of the longest border; more than any screen has. */
export const EDGE_LENGTH_MAX = 16384;
const PIXEL_BYTES = 4;

export class BorderPixels {
  /** A sealed memfd of XRGB8888 pixels. */
  readonly fd: number;
  readonly bytes: number;
  /** Logical pixels. */
  readonly width: number;
  private closed = false;

  constructor({ color, width }: Pick<BorderPolicy, 'color' | 'width'>) {
    this.width = width;
    this.bytes = EDGE_LENGTH_MAX * width * PIXEL_BYTES;
    this.fd = createMemfd('border', { size: this.bytes, seals: Seal.SHRINK | Seal.GROW });
    const mapping = mapFile(this.fd, 0, this.bytes, { writable: true });
    new Uint32Array(mapping.window(0, this.bytes)).fill(0xff000000 | Number.parseInt(color.slice(1), 16));
    mapping.close();
  }

  /** Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeFd(this.fd);
  }
}
