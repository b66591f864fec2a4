/** What there is to watch: outputs, and windows of forwarded applications. Both are looked at through these. */
import type { ChangeListener, CursorState, Picture } from '../../capture/index.js';
import type { Rect } from '../../virtio-gpu/index.js';
import type { ViewKind } from '../protocol/index.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One view: the same object as long as the view is there. */
export interface ViewSource {
  readonly kind: ViewKind;
  /** Of an output, or of a window; that of a window is never used again. */
  readonly number: number;
  readonly title: string;
  /** Pixels; null while it shows nothing. */
  size(): Size | null;
  /** A copy of the picture, or of a part that lies inside; null while it shows nothing. */
  picture(part?: Rect): Picture | null;
  /** Null where the view has no cursor of its own. */
  cursor(): CursorState | null;
  /** Many pictures will be asked for, until the returned function is called. */
  follow(): () => void;
  /**
   * Calls back after each change of the picture and of the cursor, until the returned function is called; the listeners
   * are quick and do not throw.
   */
  listen(changed: ChangeListener, cursorChanged: () => void): () => void;
}

/** The views of one kind. */
export interface ViewProvider {
  /** Those there are now, in the order in which they are listed. */
  views(): readonly ViewSource[];
  /** Calls back when views came or went, or titles or sizes changed, until the returned function is called. */
  onChange(listener: () => void): () => void;
}
