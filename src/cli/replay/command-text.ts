/** A traced command as a line for people: its name as the specification has it, and its fields. */
import { viewOf } from 'vhost-user-ts';
import * as gpu from '../../virtio-gpu/index.js';
import { wire } from '../../virtio-gpu/index.js';
import type { TracedCommand } from './trace-file.js';

interface Layout {
  readonly size: number;
  read(view: DataView, offset: number): object;
}

const LAYOUTS: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, wire.ResourceCreate2dBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF, wire.ResourceBody],
  [gpu.VIRTIO_GPU_CMD_SET_SCANOUT, wire.SetScanoutBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH, wire.ResourceFlushBody],
  [gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, wire.TransferToHost2dBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, wire.ResourceAttachBackingBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, wire.ResourceBody],
  [gpu.VIRTIO_GPU_CMD_GET_EDID, wire.GetEdidBody],
  [gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO, wire.GetCapsetInfoBody],
  [gpu.VIRTIO_GPU_CMD_GET_CAPSET, wire.GetCapsetBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, wire.ResourceBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, wire.ResourceCreateBlobBody],
  [gpu.VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, wire.SetScanoutBlobBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, wire.ResourceMapBlobBody],
  [gpu.VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, wire.ResourceBody],
  [gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, wire.UpdateCursorBody],
  [gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, wire.UpdateCursorBody],
]);

const PREFIX = 'VIRTIO_GPU_CMD_';

const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(gpu)
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => [value, name.slice(PREFIX.length)]),
);

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('width' in value && 'height' in value && 'x' in value && 'y' in value) {
    return `${value.width}x${value.height}+${value.x}+${value.y}`;
  }
  if (ArrayBuffer.isView(value) || Array.isArray(value))
    return `[${Array.from(value as ArrayLike<number>).join(' ')}]`;
  return `(${fieldsText(value)})`;
}

function fieldsText(fields: object): string {
  return Object.entries(fields)
    .filter(([name]) => name !== 'padding')
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ');
}

/** One line, without its end. */
export function commandText({ atMs, kind, ok, request, pieces }: TracedCommand): string {
  const at = `${(atMs / 1000).toFixed(3)} s`;
  if (kind === gpu.TRACE_RESET) return `${at} reset`;
  if (request.length < wire.CtrlHdr.size) return `${at} ${request.length} bytes that are no command`;
  const view = viewOf(request);
  const { type, flags, fenceId, ctxId } = wire.CtrlHdr.read(view, 0);
  const layout = LAYOUTS.get(type);
  const complete = layout !== undefined && request.length >= wire.CtrlHdr.size + layout.size;
  const pixels = pieces.reduce((sum, { rect }) => sum + rect.width * rect.height, 0);
  return [
    at,
    NAMES.get(type) ?? `0x${type.toString(16)}`,
    complete ? fieldsText(layout.read(view, wire.CtrlHdr.size)) : '',
    ctxId === 0 ? '' : `ctx=${ctxId}`,
    (flags & gpu.VIRTIO_GPU_FLAG_FENCE) === 0 ? '' : `fence=${fenceId}`,
    pixels === 0 ? '' : `(${pixels} pixels)`,
    ok ? '' : 'REFUSED',
  ]
    .filter((word) => word !== '')
    .join(' ');
}
