/** Any sequence of requests, sensible or not: each is answered, limits hold, and everything is given back. */
import fc from 'fast-check';
import t from 'tap';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';

const LIMITS = { maxResources: 4, maxHostBytes: 200_000, maxBackingEntries: 4, maxBackingEntriesTotal: 6 };
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
  const ran = fc.check(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const h = new GpuHarness({ limits: LIMITS, outputs: [1, 2].map(() => ({ width: 64, height: 64 })) });
      for (const { request, length, writable, cursor } of steps) {
        const bytes = request.subarray(0, length);
        const used = cursor && h.cursor(bytes) === 0 ? 0 : h.submit(bytes, writable).used;
        if (used === null || (used > 0 && used < 24) || used > Math.max(writable, 0)) return false;
        const { hostBytes, resources, backingEntries } = h.device.status;
        if (hostBytes > LIMITS.maxHostBytes || resources > LIMITS.maxResources) return false;
        if (backingEntries > LIMITS.maxBackingEntriesTotal) return false;
      }
      for (const { rect: shown, buffer } of h.sink.sources.values()) {
        if (shown.x + shown.width > buffer.width || shown.y + shown.height > buffer.height) return false;
      }
      h.device.detach();
      const { hostBytes, resources, backingEntries } = h.device.status;
      h.memory.mapping.close();
      return hostBytes + resources + backingEntries + h.memory.openTables + h.sink.sources.size === 0;
    }),
    { numRuns: 400 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
});
