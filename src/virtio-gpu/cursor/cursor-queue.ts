/**
 * The cursor queue (virtio 1.3, 5.7.6.10). Its requests have no response: drivers give no room for one, and
 * every chain goes back with 0 bytes used. Mistakes are counted and otherwise ignored.
 */
// hot
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import { viewOf } from 'vhost-user-ts';
import { HEADER_BYTES } from '../command/command.js';
import type { GuestFaults } from '../faults.js';
import type { BlobResource } from '../resource/resource.js';
import type { PictureLayout, ShownBuffer } from '../resource/shown-buffer.js';
import type { CommandTrace } from '../trace/command-trace.js';
import type { VmState } from '../vm-state.js';
import { VIRTIO_GPU_CMD_MOVE_CURSOR, VIRTIO_GPU_CMD_UPDATE_CURSOR } from '../wire/constants.js';
import { BYTES_PER_PIXEL, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM } from '../wire/formats.js';
import { CtrlHdr, UpdateCursorBody } from '../wire/structs.js';

/** A blob does not say how its pixels lie; a cursor has 64 x 64 of them (virtio 1.3, 5.7.6.10), with alpha. */
const CURSOR_SIZE = 64;
const CURSOR_LAYOUT: PictureLayout = {
  width: CURSOR_SIZE,
  height: CURSOR_SIZE,
  format: VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  strideBytes: CURSOR_SIZE * BYTES_PER_PIXEL,
  offsetBytes: 0,
};

/** What a cursor that is a blob looks like; null when that is too small, or nowhere. */
export function blobCursor(vm: VmState, blob: BlobResource): ShownBuffer | null {
  const isLargeEnough = blob.bytes >= CURSOR_SIZE * CURSOR_LAYOUT.strideBytes;
  return isLargeEnough ? blob.picture(CURSOR_LAYOUT, vm.shadows) : null;
}

const REQUEST_BYTES = HEADER_BYTES + UpdateCursorBody.size;

export class CursorQueue {
  readonly #faults: GuestFaults;
  readonly #trace: CommandTrace | null;
  readonly #request = new Uint8Array(REQUEST_BYTES);
  readonly #view = viewOf(this.#request);
  readonly #read = UpdateCursorBody.reader();

  constructor(faults: GuestFaults, trace: CommandTrace | null = null) {
    this.#trace = trace;
    this.#faults = faults;
  }

  /** Takes one request; the chain is pushed when this returns. */
  handle(vm: VmState, queue: Virtqueue, chain: DescriptorChain): void {
    vm.metrics.cursorCommands += 1;
    if (chain.read(this.#request, 0, REQUEST_BYTES) < REQUEST_BYTES) {
      this.#faults.note('short-command', { queue: 'cursor', bytes: chain.readableBytes });
    } else {
      this.#trace?.cursor(vm, this.#request.slice());
      this.#carryOut(vm);
    }
    queue.push(chain, 0);
  }

  #carryOut(vm: VmState): void {
    const type = this.#view.getUint32(CtrlHdr.offsets.type, true);
    const body = this.#read(this.#view, HEADER_BYTES);
    const { scanoutId } = body.pos;
    // Positions are unsigned on the wire, but a cursor may hang over the left or upper edge.
    const x = body.pos.x | 0;
    const y = body.pos.y | 0;
    if (scanoutId >= vm.displayInfo.scanoutCount) {
      this.#faults.note('invalid-cursor', { scanoutId, reason: 'no such scanout' });
    } else if (type === VIRTIO_GPU_CMD_MOVE_CURSOR) {
      vm.sink.moveCursor(scanoutId, x, y);
    } else if (type === VIRTIO_GPU_CMD_UPDATE_CURSOR) {
      this.#update(vm, scanoutId, x, y, body);
    } else {
      this.#faults.note('unknown-command', { queue: 'cursor', command: `0x${type.toString(16)}` });
    }
  }

  /** Resource id 0 hides the cursor. */
  #update(vm: VmState, scanoutId: number, x: number, y: number, body: UpdateCursorBody): void {
    if (body.resourceId === 0) {
      vm.sink.setCursor(scanoutId, x, y, null);
      return;
    }
    const resource = vm.resources.find(body.resourceId);
    if (resource === undefined) {
      this.#faults.note('invalid-cursor', { resourceId: body.resourceId, reason: 'no such resource' });
      return;
    }
    const buffer = resource.kind === '2d' ? resource.buffer : blobCursor(vm, resource);
    if (buffer?.show() !== true) {
      this.#faults.note('invalid-cursor', { resourceId: body.resourceId, reason: 'no picture of a cursor' });
      return;
    }
    // Displays read the picture now, if at all.
    buffer.retain();
    vm.sink.setCursor(scanoutId, x, y, { buffer, hotX: body.hotX, hotY: body.hotY });
    buffer.release();
    buffer.hide();
  }
}
