/**
 * Plays a trace into a device of its own, through a front-end and rings as a guest would. The device gets the commands
 * that make pictures, in their order, with other resource ids. What a blob showed is played as a 2D resource: the
 * memory that it lay in is not in the trace, its pixels are.
 */
import { FrontEndClient, type FrontEndQueue, viewOf } from 'vhost-user-ts';
import * as gpu from '../../virtio-gpu/index.js';
import { type TracedPixels, wire } from '../../virtio-gpu/index.js';
import { type TracedCommand, TraceError } from './trace-file.js';

const BODY = wire.CtrlHdr.size;
const ANSWER_BYTES = 4096;
const PAGE = 4096;
/** Pictures can be as large as the device lets them be. */
const MEMORY_BYTES = 1200 << 20;
const CURSOR_SIZE = 64;
const CURSOR_FORMAT = gpu.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;

/** A resource of the device that plays. */
interface Played {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  /** Of a blob: how its picture lies in it; a blob that is shown otherwise is another picture. */
  readonly layout: string | null;
}

function header(type: number): Uint8Array {
  return wire.CtrlHdr.encode({
    type,
    flags: 0,
    fenceId: 0n,
    ctxId: 0,
    ringIdx: 0,
    padding: new Uint8Array(3),
  });
}

export class Player {
  private readonly client: FrontEndClient;
  private readonly base: number;
  /** By the guest's ids. */
  private readonly resources = new Map<number, Played>();
  private readonly blobs = new Set<number>();
  private lastId = 0;

  private constructor(client: FrontEndClient) {
    this.client = client;
    this.base = client.memory.alloc(MEMORY_BYTES - PAGE * 16, PAGE);
  }

  /** Connects to the device at that path. */
  static async connect(path: string): Promise<Player> {
    const client = FrontEndClient.connect({ path, memory: { bytes: MEMORY_BYTES } });
    await client.negotiate();
    await client.shareMemory();
    const player = new Player(client);
    await client.startQueue(0, { size: 16 });
    await client.startQueue(1, { size: 16 });
    return player;
  }

  close(): void {
    this.client.close();
  }

  /** Resolves when the device has carried it out. TraceError for a command that no device would have carried out. */
  async play({ kind, ok, request, pieces }: TracedCommand): Promise<void> {
    if (kind === gpu.TRACE_RESET) return this.reset();
    if (!ok || request.length < BODY) return;
    if (kind === gpu.TRACE_CURSOR) return this.cursor(request, pieces);
    await this.control(viewOf(request), pieces);
  }

  private async control(view: DataView, pieces: readonly TracedPixels[]): Promise<void> {
    switch (view.getUint32(wire.CtrlHdr.offsets.type, true)) {
      case gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D: {
        const { resourceId, format, width, height } = wire.ResourceCreate2dBody.read(view, BODY);
        return this.create(resourceId, width, height, format, null);
      }
      case gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
        this.blobs.add(wire.ResourceCreateBlobBody.read(view, BODY).resourceId);
        return;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF:
      case gpu.VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB:
        return this.forget(wire.ResourceBody.read(view, BODY).resourceId);
      case gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D: {
        const { resourceId } = wire.TransferToHost2dBody.read(view, BODY);
        return this.draw(this.resources.get(resourceId), pieces);
      }
      case gpu.VIRTIO_GPU_CMD_SET_SCANOUT: {
        const { r, scanoutId, resourceId } = wire.SetScanoutBody.read(view, BODY);
        return this.show(scanoutId, this.resources.get(resourceId), r);
      }
      case gpu.VIRTIO_GPU_CMD_SET_SCANOUT_BLOB:
        return this.showBlob(wire.SetScanoutBlobBody.read(view, BODY), pieces);
      case gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH: {
        const { r, resourceId } = wire.ResourceFlushBody.read(view, BODY);
        return this.flush(resourceId, r, pieces);
      }
    }
  }

  private async reset(): Promise<void> {
    for (let id = 0; id < gpu.VIRTIO_GPU_MAX_SCANOUTS; id++)
      await this.show(id, undefined, { x: 0, y: 0, width: 0, height: 0 });
    for (const id of [...this.resources.keys()]) await this.forget(id);
    this.blobs.clear();
  }

  private async create(
    guestId: number,
    width: number,
    height: number,
    format: number,
    layout: string | null,
  ): Promise<void> {
    const id = ++this.lastId;
    const body = wire.ResourceCreate2dBody.encode({ resourceId: id, format, width, height });
    await this.send(header(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D), body);
    const length = width * height * gpu.BYTES_PER_PIXEL;
    if (length > MEMORY_BYTES - PAGE * 16) throw new TraceError(`a picture of ${width} x ${height} pixels`);
    await this.send(
      header(gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING),
      wire.ResourceAttachBackingBody.encode({ resourceId: id, nrEntries: 1 }),
      // All share one place: pixels lie there only until they are transferred.
      wire.MemEntry.encode({ addr: this.base, length, padding: 0 }),
    );
    this.resources.set(guestId, { id, width, height, layout });
  }

  private async forget(guestId: number): Promise<void> {
    const resource = this.resources.get(guestId);
    if (resource === undefined) return;
    this.resources.delete(guestId);
    const body = wire.ResourceBody.encode({ resourceId: resource.id, padding: 0 });
    await this.send(header(gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF), body);
  }

  private async draw(resource: Played | undefined, pieces: readonly TracedPixels[]): Promise<void> {
    if (resource === undefined) return;
    for (const { rect: r, pixels } of pieces) {
      const { id: resourceId, width, height } = resource;
      if (r.x + r.width > width || r.y + r.height > height)
        throw new TraceError('pixels beside their picture');
      const rowBytes = r.width * gpu.BYTES_PER_PIXEL;
      for (let row = 0; row < r.height; row++) {
        const offset = ((r.y + row) * width + r.x) * gpu.BYTES_PER_PIXEL;
        this.client.memory.write(this.base + offset, pixels.subarray(row * rowBytes, (row + 1) * rowBytes));
      }
      const offset = (r.y * width + r.x) * gpu.BYTES_PER_PIXEL;
      const body = wire.TransferToHost2dBody.encode({ r, offset, resourceId, padding: 0 });
      await this.send(header(gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D), body);
    }
  }

  private async show(scanoutId: number, resource: Played | undefined, r: gpu.Rect): Promise<void> {
    const body = wire.SetScanoutBody.encode({ r, scanoutId, resourceId: resource?.id ?? 0 });
    await this.send(header(gpu.VIRTIO_GPU_CMD_SET_SCANOUT), body);
  }

  private async showBlob(body: wire.SetScanoutBlobBody, pieces: readonly TracedPixels[]): Promise<void> {
    const { r, scanoutId, resourceId, width, height, format, strides, offsets } = body;
    const layout = `${width} ${height} ${format} ${strides[0]} ${offsets[0]}`;
    if (resourceId !== 0 && this.resources.get(resourceId)?.layout !== layout) {
      const before = this.resources.get(resourceId);
      await this.create(resourceId, width, height, format, layout);
      if (before !== undefined)
        await this.send(
          header(gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF),
          wire.ResourceBody.encode({ resourceId: before.id, padding: 0 }),
        );
    }
    const resource = resourceId === 0 ? undefined : this.resources.get(resourceId);
    await this.draw(resource, pieces);
    await this.show(scanoutId, resource, r);
  }

  private async flush(guestId: number, r: gpu.Rect, pieces: readonly TracedPixels[]): Promise<void> {
    const resource = this.resources.get(guestId);
    if (resource === undefined) return;
    await this.draw(resource, pieces);
    const rects = resource.layout === null ? [r] : pieces.map(({ rect }) => rect);
    for (const rect of rects) {
      const body = wire.ResourceFlushBody.encode({ r: rect, resourceId: resource.id, padding: 0 });
      await this.send(header(gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH), body);
    }
  }

  private async cursor(request: Uint8Array, pieces: readonly TracedPixels[]): Promise<void> {
    const view = viewOf(request);
    const type = view.getUint32(wire.CtrlHdr.offsets.type, true);
    const body = wire.UpdateCursorBody.read(view, BODY);
    if (this.blobs.has(body.resourceId) && pieces.length > 0) {
      await this.forget(body.resourceId);
      await this.create(body.resourceId, CURSOR_SIZE, CURSOR_SIZE, CURSOR_FORMAT, 'cursor');
      await this.draw(this.resources.get(body.resourceId), pieces);
    }
    const resourceId = this.resources.get(body.resourceId)?.id ?? 0;
    await this.queue(1).request(
      Buffer.concat([header(type), wire.UpdateCursorBody.encode({ ...body, resourceId })]),
      0,
    );
  }

  private async send(...parts: readonly Uint8Array[]): Promise<void> {
    const { data } = await this.queue(0).request(Buffer.concat(parts), ANSWER_BYTES);
    const answer = viewOf(data).getUint32(0, true);
    if (answer !== gpu.VIRTIO_GPU_RESP_OK_NODATA) {
      throw new TraceError(`the device refused a command with 0x${answer.toString(16)}`);
    }
  }

  private queue(index: number): FrontEndQueue {
    return this.client.queues.get(index) as FrontEndQueue;
  }
}
