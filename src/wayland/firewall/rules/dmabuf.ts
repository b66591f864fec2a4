/**
 * linux-dmabuf: planes are blobs of the guest, exported as dma-bufs; the layout is checked against them, and only
 * linear ones in formats of a known size go through.
 */
import { closeFd } from 'vhost-user-native';
import { WaylandError } from '../../errors.js';
import type { ForwardedBlob } from '../channel.js';
import { readFileFromHost } from '../files.js';
import { drmPixelBytes } from '../formats.js';
import type { ForwardedObject } from '../objects.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import { setBufferContent } from '../scene/buffer.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation } from '../violation.js';

/** A format and modifier in a format table: format, padding, modifier low and high. */
const TABLE_ENTRY_BYTES = 16;
const TABLE_BYTES_MAX = 1 << 20;
const DIMENSION_MAX = 16384;
const DEV_T_BYTES = 8;

interface Plane {
  readonly blob: ForwardedBlob;
  readonly offset: number;
  readonly stride: number;
}

interface Params {
  plane: Plane | null;
  /** The blob has no dma-buf: making a buffer fails, as it does when a compositor can't import one. */
  unusable: boolean;
  used: boolean;
  size: { width: number; height: number } | null;
}

const paramsOf = new WeakMap<ForwardedObject, Params>();
/** DRM formats that the compositor takes as linear buffers. */
const formats = new WeakMap<Session, Set<number>>();
/** For a feedback: where an index of the compositor's table went in ours; -1 for what is left out. */
const tables = new WeakMap<ForwardedObject, Int32Array>();

function announced(session: Session): Set<number> {
  const known = formats.get(session) ?? new Set();
  formats.set(session, known);
  return known;
}

function createParams(_: Session, request: Request): Outcome {
  const params: Params = { plane: null, unusable: false, used: false, size: null };
  paramsOf.set(request.made, params);
  request.made.gone = () => params.plane?.blob.release();
  return 'forward';
}

function add(session: Session, request: Request): Outcome {
  const { object, item } = request;
  const params = paramsOf.get(object);
  if (params === undefined) return 'drop';
  checkUnused(object, params);
  const index = request.number('plane_idx');
  // All formats that are let through have one plane.
  if (index !== 0) throw protocolViolation('dmabuf', object, 'plane_idx', `plane ${index}`);
  if (params.plane !== null) throw protocolViolation('dmabuf', object, 'plane_set', `plane ${index} twice`);
  if (request.number('modifier_hi') !== 0 || request.number('modifier_lo') !== 0) {
    throw protocolViolation('dmabuf', object, 'invalid_format', 'only linear buffers (modifier 0)');
  }
  if (item?.kind !== 'blob') throw protocolViolation('items', object, 'invalid_wl_buffer', 'no blob');
  const { blob } = item;
  const fd = blob.exportDmabuf();
  request.takeItem();
  params.plane = { blob, offset: request.number('offset'), stride: request.number('stride') };
  if (fd === null) {
    params.unusable = true;
    return 'drop';
  }
  request.fds = [fd];
  try {
    return session.forward(request);
  } finally {
    closeFd(fd);
  }
}

function checkUnused(object: ForwardedObject, { used }: Params): void {
  if (used) throw protocolViolation('dmabuf', object, 'already_used', 'the params made a buffer already');
}

function checkLayout(session: Session, request: Request, params: Params): Plane {
  const { object } = request;
  const { plane } = params;
  const [width, height, format] = [
    request.number('width'),
    request.number('height'),
    request.number('format'),
  ];
  checkUnused(object, params);
  if (plane === null) throw protocolViolation('dmabuf', object, 'incomplete', 'no plane');
  const pixelBytes = drmPixelBytes(format);
  if (pixelBytes === 0 || !announced(session).has(format)) {
    throw protocolViolation('dmabuf', object, 'invalid_format', `format ${format} was not announced`);
  }
  if (width <= 0 || height <= 0 || width > DIMENSION_MAX || height > DIMENSION_MAX) {
    throw protocolViolation('dmabuf', object, 'invalid_dimensions', `${width}x${height}`);
  }
  // Offset and stride have 32 bits, the height has 15: exact.
  if (plane.stride < width * pixelBytes || plane.offset + plane.stride * height > plane.blob.bytes) {
    const what = `${width}x${height}, stride ${plane.stride}, at ${plane.offset} of ${plane.blob.bytes} bytes`;
    throw protocolViolation('dmabuf', object, 'out_of_bounds', what);
  }
  params.used = true;
  params.size = { width, height };
  return plane;
}

function createImmediately(session: Session, request: Request): Outcome {
  const params = paramsOf.get(request.object);
  if (params === undefined) return 'drop';
  const { blob } = checkLayout(session, request, params);
  if (params.unusable) {
    const what = `blob ${blob.resourceId} can't be exported as a dma-buf`;
    throw protocolViolation('dmabuf', request.object, 'invalid_wl_buffer', what);
  }
  adopt(request.made, params, blob);
  return 'forward';
}

function create(session: Session, request: Request): Outcome {
  const params = paramsOf.get(request.object);
  if (params === undefined) return 'drop';
  checkUnused(request.object, params);
  const usable = !params.unusable && announced(session).has(request.number('format'));
  if (usable || params.plane === null) checkLayout(session, request, params);
  if (usable) {
    session.counts.add(request.object, 'buffers');
    return 'forward';
  }
  // Proxies in guests try this once, to find out whether it works.
  params.used = true;
  session.emit(request.object, 'failed', []);
  return 'drop';
}

function created(session: Session, event: HostEvent): Outcome {
  const { object, created: buffer } = event;
  const params = paramsOf.get(object);
  if (buffer === null || !session.counts.made(object, buffer)) {
    throw new WaylandError('WL_ERR_BAD_OBJECT', `${object}.created: nobody asked for a buffer`);
  }
  if (params?.plane) adopt(buffer, params, params.plane.blob);
  return 'forward';
}

function failed(session: Session, event: HostEvent): Outcome {
  session.counts.remove(event.object);
  return 'forward';
}

/** The buffer keeps the blob, too. */
function adopt(buffer: ForwardedObject, { size }: Params, blob: ForwardedBlob): void {
  blob.retain();
  buffer.gone = () => blob.release();
  if (size !== null) setBufferContent(buffer, { kind: 'dmabuf', ...size });
}

function formatEvent(_: Session, event: HostEvent): Outcome {
  // Before version 3 it is all there is, and says nothing of modifiers: it does not make a format known.
  return drmPixelBytes(event.number('format')) === 0 ? 'drop' : 'forward';
}

function modifierEvent(session: Session, event: HostEvent): Outcome {
  const format = event.number('format');
  const linear = event.number('modifier_hi') === 0 && event.number('modifier_lo') === 0;
  if (!linear || drmPixelBytes(format) === 0) return 'drop';
  announced(session).add(format);
  return 'forward';
}

/** The guest gets a table of its own: linear formats only. */
function formatTable(session: Session, event: HostEvent): Outcome {
  const content = readFileFromHost(event.fd, event.number('size'), TABLE_BYTES_MAX);
  if (content === null) {
    session.ports.note('items', "the compositor's format table can't be read");
    return 'drop';
  }
  const count = Math.floor(content.length / TABLE_ENTRY_BYTES);
  const view = new DataView(content.buffer);
  const places = new Int32Array(count).fill(-1);
  const kept: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const at = index * TABLE_ENTRY_BYTES;
    const format = view.getUint32(at, true);
    if (drmPixelBytes(format) === 0 || view.getBigUint64(at + 8, true) !== 0n) continue;
    places[index] = kept.length;
    kept.push(content.subarray(at, at + TABLE_ENTRY_BYTES));
    announced(session).add(format);
  }
  tables.set(event.object, places);
  const table = Buffer.concat(kept);
  event.items = [{ kind: 'file', content: table.length === 0 ? new Uint8Array(TABLE_ENTRY_BYTES) : table }];
  event.set('size', table.length);
  return 'forward';
}

function trancheFormats(_: Session, event: HostEvent): Outcome {
  const indices = event.values[0];
  const places = tables.get(event.object);
  if (!(indices instanceof Uint8Array) || places === undefined) return 'drop';
  const view = new DataView(indices.buffer, indices.byteOffset, indices.byteLength);
  const kept: number[] = [];
  for (let at = 0; at + 2 <= indices.length; at += 2) {
    const place = places[view.getUint16(at, true)] ?? -1;
    if (place >= 0) kept.push(place);
  }
  event.set('indices', new Uint8Array(Uint16Array.from(kept).buffer));
  return 'forward';
}

/** A dev_t of the host says nothing in the guest, and is none of its business: our guest proxy names the guest's. */
function device(_: Session, event: HostEvent): Outcome {
  event.set('device', new Uint8Array(DEV_T_BYTES));
  return 'forward';
}

export const dmabufRequests: Readonly<Record<string, RequestRule>> = {
  'zwp_linux_dmabuf_v1.create_params': createParams,
  'zwp_linux_buffer_params_v1.add': add,
  'zwp_linux_buffer_params_v1.create': create,
  'zwp_linux_buffer_params_v1.create_immed': createImmediately,
};

export const dmabufEvents: Readonly<Record<string, EventRule>> = {
  'zwp_linux_buffer_params_v1.created': created,
  'zwp_linux_buffer_params_v1.failed': failed,
  'zwp_linux_dmabuf_v1.format': formatEvent,
  'zwp_linux_dmabuf_v1.modifier': modifierEvent,
  'zwp_linux_dmabuf_feedback_v1.format_table': formatTable,
  'zwp_linux_dmabuf_feedback_v1.main_device': device,
  'zwp_linux_dmabuf_feedback_v1.tranche_target_device': device,
  'zwp_linux_dmabuf_feedback_v1.tranche_formats': trancheFormats,
};
