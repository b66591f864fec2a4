/** Bounds on what a peer may send and on what waits for it; the first four are defaults that options change. */

/** Bytes of one message, header included: the ring of libwayland up to 1.22, which nothing may exceed. */
export const MESSAGE_BYTES_MAX = 4096;

/** The 16 bits of the header's size field, rounded down to whole words. */
export const MESSAGE_BYTES_LIMIT = 0xfffc;

/** Descriptors that arrived and that no message has taken yet. */
export const INCOMING_FDS_MAX = 128;

/** Bytes that wait for the peer to read; more end the connection. */
export const OUTGOING_BYTES_MAX = 1 << 20;

/** While this much waits for the peer, the connection calls itself congested. */
export const OUTGOING_BYTES_HIGH = 64 << 10;

/** Descriptors that wait for the peer to read; more end the connection. They count against the process's limit. */
export const OUTGOING_FDS_MAX = 256;

/** Descriptors in one sendmsg: libwayland's MAX_FDS_OUT, beyond which its receiver loses them. */
export const FDS_PER_SEND_MAX = 28;

/** Objects of one connection that are alive or wait for their delete_id. */
export const OBJECTS_MAX = 1 << 16;

/** Globals that a compositor may announce at one time. */
export const GLOBALS_MAX = 4096;

/** The first id that the server allocates; below are the client's (libwayland: WL_SERVER_ID_START). */
export const SERVER_ID_START = 0xff000000;
