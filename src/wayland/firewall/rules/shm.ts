/**
 * wl_shm: a guest's pool is a blob in the shared region. The compositor sees buffers in the one pool that covers
 * the region; where each lies was checked against its blob.
 */
import type { ForwardedBlob } from '../channel.js';
import { ARGB8888, shmPixelBytes, XRGB8888 } from '../formats.js';
import type { ForwardedObject } from '../objects.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import { type BufferMemory, setBufferContent } from '../scene/buffer.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation, Violation } from '../violation.js';

/** wl_shm.error.invalid_fd, which libwayland reports for pools as well. */
const INVALID_FD = 2;

/** A blob as long as its pool or one of the pool's buffers exists, or is shown. */
class PoolBlob implements BufferMemory {
  readonly blob: ForwardedBlob;
  readonly regionOffset: number;
  private users = 1;

  /** The blob is retained already. */
  constructor(blob: ForwardedBlob, regionOffset: number) {
    this.blob = blob;
    this.regionOffset = regionOffset;
  }

  hold(): boolean {
    if (this.users === 0) return false;
    this.users++;
    return true;
  }

  drop(): void {
    if (--this.users === 0) this.blob.release();
  }
}

interface Pool {
  readonly memory: PoolBlob;
  bytes: number;
}

const pools = new WeakMap<ForwardedObject, Pool>();
const formats = new WeakMap<Session, Set<number>>();

function createPool(session: Session, request: Request): Outcome {
  const { object, item, made } = request;
  const bytes = request.number('size');
  if (item?.kind !== 'blob') {
    throw protocolViolation('items', object, 'invalid_fd', 'a pool needs a blob');
  }
  const { blob } = item;
  if (bytes <= 0 || bytes > blob.bytes) {
    throw protocolViolation(
      'shm',
      object,
      'invalid_fd',
      `a pool of ${bytes} bytes in a blob of ${blob.bytes}`,
    );
  }
  const { regionOffset } = blob;
  if (regionOffset === null || regionOffset < 0 || regionOffset + blob.bytes > session.pool.region.bytes) {
    throw protocolViolation(
      'shm',
      object,
      'invalid_fd',
      `blob ${blob.resourceId} is not mapped in the shared region; only such blobs can be pools`,
    );
  }
  request.takeItem();
  const memory = new PoolBlob(blob, regionOffset);
  pools.set(made, { memory, bytes });
  made.gone = () => memory.drop();
  return 'drop';
}

function createBuffer(session: Session, request: Request): Outcome {
  const { object, made } = request;
  const pool = pools.get(object);
  if (pool === undefined) return 'drop';
  const [offset, width, height, stride] = [
    request.number('offset'),
    request.number('width'),
    request.number('height'),
    request.number('stride'),
  ];
  const format = request.number('format');
  const pixelBytes = shmPixelBytes(format);
  if (pixelBytes === 0 || !isAnnounced(session, format)) {
    throw protocolViolation('shm', object, 'invalid_format', `format ${format} was not announced`);
  }
  // All below 2^31: the products are exact.
  if (
    offset < 0 ||
    width <= 0 ||
    height <= 0 ||
    stride < width * pixelBytes ||
    offset + stride * height > pool.bytes
  ) {
    throw protocolViolation(
      'shm',
      object,
      'invalid_stride',
      `${width}x${height}, stride ${stride}, at ${offset} of a pool of ${pool.bytes} bytes`,
    );
  }
  const { memory } = pool;
  const layout = { offset: memory.regionOffset + offset, width, height, stride, format };
  if (!session.pool.createBuffer(session, made, layout)) return 'drop';
  memory.hold();
  made.gone = () => memory.drop();
  setBufferContent(made, { kind: 'region', memory, ...layout });
  return 'done';
}

/** Channels have 32 bits; pictures have the upper 8 of them. */
function createPixel(_: Session, request: Request): Outcome {
  const [r, g, b, a] = ['r', 'g', 'b', 'a'].map((name) => request.number(name) >>> 24);
  const rgba = ((r ?? 0) | ((g ?? 0) << 8) | ((b ?? 0) << 16) | ((a ?? 0) << 24)) >>> 0;
  setBufferContent(request.made, { kind: 'color', width: 1, height: 1, rgba });
  return 'forward';
}

function resize(_: Session, request: Request): Outcome {
  const { object } = request;
  const pool = pools.get(object);
  const bytes = request.number('size');
  if (pool === undefined) return 'drop';
  const { blob } = pool.memory;
  if (bytes < pool.bytes || bytes > blob.bytes) {
    const what = `resized from ${pool.bytes} to ${bytes} bytes; its blob has ${blob.bytes}`;
    throw new Violation('shm', `${object}: ${what}`, object.guestId, INVALID_FD);
  }
  pool.bytes = bytes;
  return 'drop';
}

/** Every compositor has these two, and many clients do not wait to hear of them. */
function isAnnounced(session: Session, value: number): boolean {
  return value === ARGB8888 || value === XRGB8888 || formats.get(session)?.has(value) === true;
}

/** Formats whose size we can't check are not announced. */
function format(session: Session, event: HostEvent): Outcome {
  const value = event.number('format');
  if (shmPixelBytes(value) === 0) return 'drop';
  let announced = formats.get(session);
  if (announced === undefined) {
    announced = new Set();
    formats.set(session, announced);
  }
  announced.add(value);
  return 'forward';
}

export const shmRequests: Readonly<Record<string, RequestRule>> = {
  'wl_shm.create_pool': createPool,
  'wl_shm_pool.create_buffer': createBuffer,
  'wl_shm_pool.resize': resize,
  'wl_shm_pool.destroy': () => 'drop',
  'wp_single_pixel_buffer_manager_v1.create_u32_rgba_buffer': createPixel,
};

export const shmEvents: Readonly<Record<string, EventRule>> = { 'wl_shm.format': format };
