/**
 * What a window shows, where its input goes, and what its owner may ask of it. Owners implement WindowContent and
 * WindowInput; sizes are physical pixels unless they say otherwise.
 */
import type { WlBuffer } from '../../protocol/generated/wayland.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

/** Pixels in the pool that the WindowSystem was made with. */
export interface PoolSource {
  readonly kind: 'shm';
  readonly poolOffset: number;
  readonly strideBytes: number;
  /** A wl_shm.format that the compositor has (see WindowSystem.supportsFormat). */
  readonly format: number;
}

/** A dma-buf that was imported on the display's present connection. */
export interface DmabufSource {
  readonly kind: 'dmabuf';
  readonly buffer: { readonly buffer: WlBuffer };
}

/** When a frame was on the screen. */
export interface ShownInfo {
  /** Time of the first scan-out, on the clock that wp_presentation named (the monotonic one, as a rule). */
  readonly timeNs: bigint;
  /** Until the next refresh; 0 when unknown. */
  readonly refreshNs: number;
  /** wp_presentation_feedback.kind bits; 0 when all that is known is that the frame was taken. */
  readonly flags: number;
}

export interface WindowFrame extends Size {
  /** What changed since the frame before, in pixels of the buffer; everything when it is empty. */
  readonly damage: readonly Rect[];
  readonly source: PoolSource | DmabufSource;
  /** Called exactly once: the compositor does not read the pixels any more, or is gone. */
  released(): void;
  /** Called exactly once, when the frame was shown, or with null when it never was. */
  shown?(info: ShownInfo | null): void;
}

/** The window asks for a frame when the compositor can take one, and only after it was told of damage. */
export interface WindowContent {
  /**
   * The newest picture; null when there is none, or nothing new. `whole`: the window is empty (it is new, or the
   * compositor came back), so a picture that was shown before is wanted, too.
   */
  takeFrame(whole: boolean): WindowFrame | null;
}

export type ScrollDirection = 'vertical' | 'horizontal';

/**
 * Where the window's input goes. Codes are evdev's (KEY_*, BTN_*), positions 0 to 1 of the picture. What belongs
 * together ends with `frame`.
 */
export interface WindowInput {
  key(code: number, pressed: boolean): void;
  button(code: number, pressed: boolean): void;
  moveTo(x: number, y: number): void;
  /** Mouse units, right and down. */
  moveBy(dx: number, dy: number): void;
  /** In 1/120 of a detent, away from the user or to the right when positive. */
  scroll(axis: ScrollDirection, v120: number): void;
  /** A finger (slot 0 to 15) came down or moved. */
  touch(slot: number, x: number, y: number): void;
  touchUp(slot: number): void;
  frame(): void;
  /** The focus went elsewhere: nothing is held any more. */
  releaseAll(): void;
  /** Caps lock and num lock of the host's keyboard; told when the window gets the focus, and at changes. */
  lockedModifiers?(caps: boolean, num: boolean): void;
  /** Relative: the pointer has to be locked to the window (a click does) before it reaches the guest. */
  readonly pointer: 'absolute' | 'relative';
}

/** An image for the pointer. */
export interface CursorImage extends Size {
  /** Rows of blue, green, red, alpha bytes (wl_shm's argb8888), colours multiplied by alpha; no padding. */
  readonly pixels: Uint8Array;
  readonly hotX: number;
  readonly hotY: number;
}

export interface WindowOptions {
  readonly title: string;
  readonly content: WindowContent;
  readonly input: WindowInput;
  /** The guest should draw in this size from now on. Until it does, its picture is scaled. */
  onResize(widthPx: number, heightPx: number): void;
  /** The user wants the window closed. Nothing happens by itself: the owner decides. */
  onClose(): void;
  readonly fullscreen?: boolean;
  /** Name of an icon in the host's icon theme, for compositors with xdg-toplevel-icon. */
  readonly icon?: string;
  /** What onResize may ask for. Default 320x200 to 8192x8192. */
  readonly sizeMin?: Size;
  readonly sizeMax?: Size;
}

export interface WindowMetrics {
  /** Frames that were committed, shown, and not shown. */
  readonly frames: number;
  readonly framesShown: number;
  readonly framesDiscarded: number;
  /** Frames that could not be committed (outside the pool, a format that the compositor does not have, ...). */
  readonly framesRefused: number;
  /** Frames that the compositor holds now, and the most that it ever held. */
  readonly held: number;
  readonly heldMax: number;
  /** Pixels that were told as damaged. */
  readonly damagedPixels: number;
  /** Sizes that the guest was asked for. */
  readonly resizes: number;
}

export interface HostWindow {
  /** There is something new to show. Cheap; the frame is asked for later, and once for many calls. */
  damaged(): void;
  setTitle(title: string): void;
  /** The pointer's image over the window; null hides it (as it is at first). The pixels are copied. */
  setCursor(image: CursorImage | null): void;
  /**
   * Where the guest has its cursor: the top left corner of the image, in pixels of its picture. Seen only while the
   * pointer is locked to the window; otherwise the image is where the host's pointer is.
   */
  moveCursor(x: number, y: number): void;
  setFullscreen(fullscreen: boolean): void;
  /** The user can see it, as far as the compositor tells. */
  readonly visible: boolean;
  readonly metrics: WindowMetrics;
  /** Removes the window; its frames are released. Idempotent. */
  destroy(): void;
}

/** What the windows report, for people. A Logger's methods fit. */
export interface WindowLog {
  info(message: string): void;
  warn(message: string): void;
}
