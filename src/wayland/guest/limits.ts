/** Bounds on what one client, or the host, may make the proxy keep. */

/** Objects of one client at one time, those that wait for their delete_id included. */
export const OBJECTS_MAX = 1 << 16;

/** wl_shm pools of one client that are alive or have buffers; each takes a descriptor, and a mapping once used. */
export const POOLS_MAX = 1024;

/** Bytes of one pool: what an int can say. */
export const POOL_BYTES_MAX = 0x7fffffff;

/** Pixels along one side of a buffer. */
export const DIMENSION_MAX = 16384;

/** Bytes of the window that one client may occupy at one time (a default). */
export const WINDOW_BYTES_MAX = 192 << 20;

/** Bytes of free blobs that a client keeps for its next buffers. */
export const FREE_BLOB_BYTES_MAX = 32 << 20;

/** Copies of one surface's picture; with all of them at the compositor, the client waits. */
export const BUFFERS_PER_SURFACE_MAX = 6;

/** Clipboard and drag pipes of one client, each way. */
export const PIPES_MAX = 64;

/** Bytes for one pipe, or all pipes of a client, that a reader in the guest has not taken; then the host is not asked. */
export const PIPE_BACKLOG_HIGH = 256 << 10;

/** Bytes of a file (a keymap, a format table) that the host hands over. */
export const FILE_BYTES_MAX = 16 << 20;

/** Files and pipes that came and that no event has taken yet. */
export const WAITING_ITEMS_MAX = 128;

/** Bytes sent to the host after which it is asked to confirm, and bytes without confirmation that stop the client. */
export const CONFIRM_EVERY_BYTES = 32 << 10;
export const UNCONFIRMED_BYTES_MAX = 256 << 10;

/** How long the host may take to answer at all, ms: what goes wrong before that is not reported by the device. */
export const FIRST_ANSWER_MS = 30_000;

/** Clients at one time (a default); each takes a context of the device. */
export const CLIENTS_MAX = 32;
