/**
 * The display sink that shows each scanout as a window of the host's compositor. A window comes when the guest first
 * shows something, stays (black) while the guest switches the screen off, and goes when its user closes it or the
 * machine leaves.
 */
import { mapAnonymous } from 'vhost-user-native';
import type { SharedRegion } from '../../region/index.js';
import {
  BYTES_PER_PIXEL,
  CURSOR_SOURCE_SIZE_MAX,
  type CursorImage,
  type DisplaySink,
  pixelFormat,
  type Rect,
  type ScanoutSource,
} from '../../virtio-gpu/index.js';
import type {
  DmabufImporter,
  HostWindow,
  CursorImage as WindowCursor,
  WindowInput,
  WindowSystem,
} from '../../wayland/index.js';
import { type RouteMetrics, ScanoutContent } from './scanout-content.js';

export interface ScanoutWindowsOptions {
  readonly system: WindowSystem;
  readonly region: SharedRegion;
  /** Of the connection to the compositor; null while there is none. */
  importer(): DmabufImporter | null;
  readonly title: string;
  readonly fullscreen: boolean;
  /** What the guest is fed with from the window of an output. */
  input(output: number): WindowInput;
  /** The window has another size now: physical pixels. */
  onResize(output: number, width: number, height: number): void;
  /** The window was closed by its user. */
  onClose(output: number): void;
}

/** From the host's icon theme (freedesktop's icon naming specification). */
const ICON = 'computer';

interface Screen {
  readonly content: ScanoutContent;
  readonly window: HostWindow;
}

export class ScanoutWindows implements DisplaySink {
  readonly metrics: RouteMetrics = { directFrames: 0, dmabufFrames: 0, stagedFrames: 0, stagedBytes: 0 };
  private readonly options: ScanoutWindowsOptions;
  private readonly screens = new Map<number, Screen>();
  /** Outputs whose windows their user closed. */
  private readonly closed = new Set<number>();

  constructor(options: ScanoutWindowsOptions) {
    this.options = options;
  }

  /** The machine left: its windows go, and those that were closed may come again with the next one. */
  clear(): void {
    for (const id of [...this.screens.keys()]) this.remove(id);
    this.closed.clear();
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    let screen = this.screens.get(scanoutId);
    if (screen === undefined) {
      if (source === null || this.closed.has(scanoutId)) return;
      screen = this.open(scanoutId);
    }
    screen.content.setSource(source);
  }

  damage(scanoutId: number, rect: Rect): void {
    this.screens.get(scanoutId)?.content.damage(rect);
  }

  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void {
    const window = this.screens.get(scanoutId)?.window;
    window?.setCursor(image === null ? null : copyCursor(image));
    window?.moveCursor(x, y);
  }

  /** (Only seen while the pointer is locked: otherwise the image is where the host's pointer is.) */
  moveCursor(scanoutId: number, x: number, y: number): void {
    this.screens.get(scanoutId)?.window.moveCursor(x, y);
  }

  whenShown(scanoutId: number, done: () => void): void {
    const screen = this.screens.get(scanoutId);
    if (screen === undefined) done();
    else screen.content.whenShown(done);
  }

  private open(output: number): Screen {
    const { system, region, title, fullscreen } = this.options;
    const content = new ScanoutContent({
      region,
      metrics: this.metrics,
      importer: this.options.importer,
      supportsFormat: (format) => system.supportsFormat(format),
      wake: () => window.damaged(),
    });
    const window: HostWindow = system.createWindow({
      title: output === 0 ? title : `${title} (${output + 1})`,
      content,
      icon: ICON,
      input: this.options.input(output),
      fullscreen,
      onResize: (width, height) => this.options.onResize(output, width, height),
      onClose: () => this.closedByUser(output),
    });
    const screen = { content, window };
    this.screens.set(output, screen);
    return screen;
  }

  private closedByUser(output: number): void {
    this.closed.add(output);
    this.remove(output);
    this.options.onClose(output);
  }

  private remove(output: number): void {
    const screen = this.screens.get(output);
    if (screen === undefined) return;
    this.screens.delete(output);
    screen.window.destroy();
    screen.content.close();
  }
}

/** Bytes B, G, R, A, cut to what displays look at. The fourth byte is alpha in every format (see FrameCapture). */
function copyCursor({ buffer, hotX, hotY }: CursorImage): WindowCursor {
  const width = Math.min(buffer.width, CURSOR_SOURCE_SIZE_MAX);
  const height = Math.min(buffer.height, CURSOR_SOURCE_SIZE_MAX);
  const rowBytes = width * BYTES_PER_PIXEL;
  const staging = mapAnonymous(rowBytes * height);
  try {
    const { memory, offsetBytes, strideBytes } = buffer;
    const { swizzle } = pixelFormat(buffer.format);
    staging.convertPixels(0, rowBytes, memory, offsetBytes, strideBytes, width, height, swizzle, 0);
    const pixels = new Uint8Array(staging.window(0, rowBytes * height)).slice();
    return { width, height, pixels, hotX, hotY };
  } finally {
    staging.close();
  }
}
