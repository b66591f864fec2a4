/** Any sequence of requests, sensible or not: each is answered, limits hold, and everything is given back. */
import fc from 'fast-check';
import t from 'tap';
import { SharedRegion } from '../../src/region/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';
import { settle } from './gpu-socket-fixture.js';

const LIMITS = {
  maxResources: 4,
  maxHostBytes: 200_000,
  maxBackingEntries: 4,
  maxBackingEntriesTotal: 6,
  maxBlobBytes: 20 * 4096,
};
const BASE = 0x1_0000_0000;

const id = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0x7fff_ffff, 0xffff_ffff));
const pixels = fc.oneof(
  fc.integer({ min: 0, max: 130 }),
  fc.constantFrom(16384, 16385, 2 ** 31, 2 ** 32 - 1, 2 ** 32 - 128),
);
const rect = fc.tuple(pixels, pixels, pixels, pixels).map((n) => c.rect(...n));
const offset = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.constantFrom(2 ** 32, 2 ** 52, 2 ** 63));
const format = fc.constantFrom(0, 1, 2, 3, 4, 67, 68, 121, 134, 135);
const entry = fc.tuple(
  fc.oneof(
    fc.integer({ min: 0, max: 8 * 1024 * 1024 }).map((at) => BASE + at),
    fc.constantFrom(0, 2 ** 53),
  ),
  fc.oneof(fc.integer({ min: 0, max: 40_000 }), fc.constant(0xffff_ffff)),
);

const request = fc.oneof(
  fc.tuple(id, pixels, pixels, format).map((args) => c.create2d(...args)),
  fc.tuple(id, rect, offset).map((args) => c.transfer(...args)),
  fc.tuple(id, rect).map((args) => c.flush(...args)),
  fc.tuple(id, id, rect).map((args) => c.setScanout(...args)),
  fc.tuple(id, fc.array(entry, { maxLength: 6 })).map(([resource, entries]) => c.attach(resource, entries)),
  fc.tuple(id, id, fc.array(entry, { maxLength: 2 })).map(([r, n, entries]) => c.attach(r, entries, n)),
  fc
    .tuple(id, fc.nat(4), fc.nat(8), offset, fc.array(entry, { maxLength: 5 }))
    .map(([r, blobMem, blobFlags, size, entries]) => c.createBlob(r, { blobMem, blobFlags, size, entries })),
  fc
    .tuple(id, fc.integer({ min: 1, max: 5 }))
    .map(([resource, pages]) => c.createBlob(resource, { size: pages * 4096 })),
  fc
    .tuple(
      id,
      fc.oneof(
        fc.nat(17).map((page) => page * 4096),
        offset,
      ),
    )
    .map((args) => c.mapBlob(...args)),
  id.map(c.unmapBlob),
  fc
    .tuple(id, id, pixels, pixels, rect, fc.nat(600))
    .map(([scanout, resource, width, height, r, stride]) =>
      c.setScanoutBlob(scanout, resource, { width, height, r, stride: stride * 4 }),
    ),
  id.map(c.unref),
  id.map(c.detach),
  id.map(c.getEdid),
  id.map((n) => c.onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, n)),
  fc.uint8Array({ maxLength: 100 }),
);

const step = fc.record({
  request,
  /** How much of the request is there. */
  length: fc.oneof({ weight: 9, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat(60) }),
  writable: fc.oneof({ weight: 9, arbitrary: fc.constant(1056) }, { weight: 1, arbitrary: fc.nat(60) }),
  cursor: fc.boolean(),
});

t.test('the control and cursor queues survive any requests', async (t) => {
  const ran = await fc.check(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, accepting) => {
      using region = SharedRegion.create({ windowBytes: 16 * 4096, hostBytes: 64 * 4096 });
      const outputs = [1, 2].map(() => ({ width: 64, height: 64 }));
      const hostBlobs = { take: () => ({ content: Uint8Array.of(1, 2, 3) }) };
      const h = new GpuHarness({ limits: LIMITS, outputs, region, hostBlobs });
      h.mapShared = () => {
        h.memory.generation += 1;
        return Promise.resolve(accepting);
      };
      for (const { request, length, writable, cursor } of steps) {
        const bytes = request.subarray(0, length);
        const chain = cursor && h.cursor(bytes) === 0 ? null : h.submit(bytes, writable);
        // The first blob that is mapped waits for the window.
        if (chain?.used === null) await settle();
        const used = chain === null ? 0 : chain.used;
        if (used === null || (used > 0 && used < 24) || used > Math.max(writable, 0)) return false;
        const { hostBytes, resources, backingEntries, blobBytes } = h.device.status;
        if (blobBytes > LIMITS.maxBlobBytes || region.metrics.windowUsedBytes > blobBytes) return false;
        if (hostBytes > LIMITS.maxHostBytes || resources > LIMITS.maxResources) return false;
        if (backingEntries > LIMITS.maxBackingEntriesTotal) return false;
      }
      for (const { rect: shown, buffer } of h.sink.sources.values()) {
        if (shown.x + shown.width > buffer.width || shown.y + shown.height > buffer.height) return false;
      }
      h.device.detach();
      const { hostBytes, resources, backingEntries, blobBytes } = h.device.status;
      const { ranges, lingeringRanges } = region.metrics;
      h.memory.mapping.close();
      const left = hostBytes + resources + backingEntries + blobBytes + ranges + lingeringRanges;
      return left + h.memory.openTables + h.sink.sources.size === 0;
    }),
    { numRuns: 400 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
});

/** What a model of the window says about blobs: which pages each takes. */
interface ModelBlob {
  readonly pages: number;
  place: number | null;
}

const WINDOW_PAGES = 16;
const blobId = fc.integer({ min: 1, max: 4 });
const blobStep = fc.oneof(
  fc.record({ what: fc.constant('create' as const), id: blobId, n: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ what: fc.constant('map' as const), id: blobId, n: fc.nat(WINDOW_PAGES) }),
  fc.record({ what: fc.constant('unmap' as const), id: blobId, n: fc.constant(0) }),
  fc.record({ what: fc.constant('unref' as const), id: blobId, n: fc.constant(0) }),
  fc.record({ what: fc.constant('show' as const), id: blobId, n: fc.constant(0) }),
);

class Model {
  readonly blobs = new Map<number, ModelBlob>();

  isFree(from: number, pages: number): boolean {
    if (from + pages > WINDOW_PAGES) return false;
    return [...this.blobs.values()].every(
      ({ place, pages: length }) => place === null || from + pages <= place || place + length <= from,
    );
  }

  /** Carries the step out, and returns the request and whether it is to succeed. */
  step(what: string, id: number, n: number): [request: Uint8Array, succeeds: boolean] {
    const blob = this.blobs.get(id);
    if (what === 'create') {
      if (blob === undefined) this.blobs.set(id, { pages: n, place: null });
      return [c.createBlob(id, { size: n * 4096 }), blob === undefined];
    }
    if (what === 'map') {
      const fits = blob !== undefined && blob.place === null && this.isFree(n, blob.pages);
      if (fits) blob.place = n;
      return [c.mapBlob(id, n * 4096), fits];
    }
    if (what === 'show') {
      const request = c.setScanoutBlob(0, id, { width: 32, height: 32 });
      return [request, blob !== undefined && blob.place !== null];
    }
    if (what === 'unmap' && blob !== undefined) blob.place = null;
    if (what === 'unref') this.blobs.delete(id);
    return [what === 'unmap' ? c.unmapBlob(id) : c.unref(id), blob !== undefined];
  }
}

t.test('blobs lie where the guest put them, each with its content, and nowhere else', async (t) => {
  const ran = await fc.check(
    fc.asyncProperty(fc.array(blobStep, { maxLength: 60 }), async (steps) => {
      using region = SharedRegion.create({ windowBytes: WINDOW_PAGES * 4096, hostBytes: 4096 });
      const hostBlobs = { take: () => ({ content: Uint8Array.of(0xab) }) };
      const h = new GpuHarness({ region, hostBlobs });
      h.mapShared = () => {
        h.memory.generation += 1;
        return Promise.resolve(true);
      };
      const bytes = new Uint8Array(region.mapping.window(0, region.bytes));
      const model = new Model();
      for (const { what, id, n } of steps) {
        const [request, succeeds] = model.step(what, id, n);
        const chain = h.submit(request);
        if (chain.used === null) await settle();
        if (c.typeOf(chain.response) < 0x1200 !== succeeds) return false;
        const firstBytes = new Array<number>(WINDOW_PAGES).fill(0);
        for (const { place } of model.blobs.values()) if (place !== null) firstBytes[place] = 0xab;
        if (firstBytes.some((byte, page) => bytes[page * 4096] !== byte)) return false;
      }
      h.device.detach();
      h.memory.mapping.close();
      return (
        region.metrics.ranges + region.metrics.lingeringRanges === 0 && bytes.every((byte) => byte === 0)
      );
    }),
    { numRuns: 200 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
});
