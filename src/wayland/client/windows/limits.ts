/** Bounds of the windows, and times. */

/** Frames that the compositor may hold of one window. Two: the one on the screen, and the one that comes next. */
export const FRAMES_HELD_MAX = 2;

/** wl_buffers of the pool that are kept although nobody uses them. */
export const IDLE_BUFFERS_MAX = 32;

/** Rectangles of damage in one frame; beyond, the whole buffer is damaged. */
export const DAMAGE_RECTS_MAX = 64;

/** Presentation feedback that is waited for, per window; beyond, the frame callback has to do. */
export const FEEDBACKS_MAX = 8;

/** After so many frames whose presentation was not told although it should have been, the callback has to do. */
export const UNPRESENTED_MAX = 2;

/** A frame that the compositor has neither shown nor dropped for so long is not visible. */
export const HIDDEN_AFTER_MS = 1000;

/** While the user drags the window's edge the guest is asked for a size at most this often. */
export const RESIZE_INTERVAL_MS = 150;

/** Waits between attempts to connect: none, then this, then twice that, and so on. */
export const RECONNECT_FIRST_MS = 100;
export const RECONNECT_MAX_MS = 5000;
/** A connection that lasted so long was good: the waits begin anew after it. */
export const CONNECTION_STABLE_MS = 10_000;

export const SIZE_MIN = { width: 320, height: 200 } as const;
export const SIZE_MAX = { width: 8192, height: 8192 } as const;

/** Edge of the largest cursor image. */
export const CURSOR_EDGE_MAX = 256;

/** Characters of a title; a longer one is cut (a message of 4096 bytes must hold it). */
export const TITLE_LENGTH_MAX = 512;
