/** A screen that shows guest pages as dma-bufs where it can, and copies of them where it can't. Counts both. */
import {
  BYTES_PER_PIXEL,
  type DisplaySink,
  type PixelBuffer,
  type Rect,
  type ScanoutSource,
} from '../../../src/virtio-gpu/index.js';
import {
  type Display,
  type DmabufBuffer,
  DmabufImporter,
  DRM_FORMAT_MOD_LINEAR,
  type HostWindow,
  type WindowContent,
  type WindowFrame,
  type WindowInput,
  WlShmFormat,
} from '../../../src/wayland/index.js';

const DRM_FORMAT_XRGB8888 = 0x34325258;

const ignored = (): void => undefined;
export const NO_INPUT: WindowInput = {
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

export class DmabufScreen implements DisplaySink, WindowContent {
  window: HostWindow | null = null;
  readonly counts = { dmabufFrames: 0, shmFrames: 0, released: 0 };
  /** Resolves when the compositor has said which dma-bufs it takes. */
  readonly formatsKnown: Promise<void>;
  private known: () => void = ignored;
  private importer: DmabufImporter | null = null;
  private source: ScanoutSource | null = null;
  /** Whose latest pixels are kept for us, as a copy. */
  private reading: PixelBuffer | null = null;
  private damaged: Rect | null = null;

  constructor() {
    this.formatsKnown = new Promise((resolve) => {
      this.known = resolve;
    });
  }

  /** Version of the compositor's linux-dmabuf. */
  get version(): number {
    return this.importer?.version ?? 0;
  }

  get imports(): object {
    return this.importer?.metrics ?? {};
  }

  connected(display: Display | null): void {
    this.importer = display === null ? null : new DmabufImporter(display, () => this.known());
  }

  setScanout(_scanoutId: number, source: ScanoutSource | null): void {
    this.source = source;
    this.reading?.release();
    this.reading = null;
    this.damaged = null;
  }

  damage(_scanoutId: number, rect: Rect): void {
    this.damaged = rect;
    this.window?.damaged();
  }

  setCursor(): void {
    return;
  }

  moveCursor(): void {
    return;
  }

  takeFrame(whole: boolean): WindowFrame | null {
    const { source, damaged } = this;
    if (source === null || (damaged === null && !whole)) return null;
    const { width, height } = source.rect;
    const damage = [damaged ?? { x: 0, y: 0, width, height }];
    const buffer = this.imported(source);
    if (buffer === 'pending') return null;
    this.damaged = null;
    if (buffer === null) return this.copied(source, damage);
    this.counts.dmabufFrames++;
    return {
      width,
      height,
      damage,
      source: { kind: 'dmabuf', buffer },
      released: () => this.counts.released++,
    };
  }

  private imported({ buffer, rect }: ScanoutSource): DmabufBuffer | 'pending' | null {
    const exported = buffer.dmabuf();
    if (exported === null || this.importer === null) return null;
    const { fd, strideBytes, offsetBytes } = exported;
    const image = { fd, strideBytes, offsetBytes, width: rect.width, height: rect.height };
    const format = { fourcc: DRM_FORMAT_XRGB8888, modifier: DRM_FORMAT_MOD_LINEAR };
    const state = this.importer.bufferOf(buffer, { ...image, ...format }, () => this.window?.damaged());
    return state === 'refused' ? null : state;
  }

  private copied({ buffer, rect }: ScanoutSource, damage: readonly Rect[]): WindowFrame | null {
    if (this.reading === null) {
      buffer.retain();
      this.reading = buffer;
    }
    const hold = buffer.hold();
    const { regionOffset, strideBytes } = hold;
    if (regionOffset === null) {
      hold.release();
      return null;
    }
    this.counts.shmFrames++;
    const poolOffset = regionOffset + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL;
    const source = { kind: 'shm', poolOffset, strideBytes, format: WlShmFormat.xrgb8888 } as const;
    const released = (): void => {
      this.counts.released++;
      hold.release();
    };
    return { width: rect.width, height: rect.height, damage, source, released };
  }
}
