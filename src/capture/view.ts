/** Something with a picture that changes: an output, or a window of a forwarded application. */
import type { Rect } from '../virtio-gpu/index.js';
import type { CursorState, Picture } from './frame-capture.js';

/** `rect`: what changed, in pixels of the view; null = all of it, or its size. */
export type ChangeListener = (rect: Rect | null) => void;

export interface View {
  /** For people: 'output 0', 'window 3'. */
  readonly name: string;
  /** How many changes its picture has seen; never less than before. */
  readonly sequence: number;
  /** Pixels; null while it shows nothing. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Why there is no picture although something is shown; null where nothing is in the way. */
  readonly obstacle: string | null;
  /** Null where there is none. */
  readonly cursor: CursorState | null;
  /** A copy of the picture as it is now, or of a part that lies inside: opaque. Null where there is none. */
  picture(part?: Rect): Picture | null;
  /** Many pictures will be asked for until the returned function is called: what they are made of is kept at hand. */
  follow(): () => void;
  /** Calls back after each change, within the guest's command: the listener must be quick and not throw. */
  listen(listener: ChangeListener): () => void;
}
