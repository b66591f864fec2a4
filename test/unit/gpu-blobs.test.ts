/** Blobs: where their bytes are, when, and what of a guest's wishes is refused. */
import t, { type Test } from 'tap';
import { closeFd, createMemfd, pageSize } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import { type RegionRange, SharedRegion } from '../../src/region/index.js';
import { type DisplaySink, type GpuDeviceOptions, UdmabufExporter } from '../../src/virtio-gpu/index.js';
import { DMABUFS_MAX } from '../../src/virtio-gpu/limits.js';
import { attachedBlob } from '../../src/virtio-gpu/resource/attached-blob.js';
import type { HostBlobOrigins } from '../../src/virtio-gpu/resource/host-blob.js';
import { BlobResource } from '../../src/virtio-gpu/resource/resource.js';
import { NO_SUCH_BLOB } from '../../src/virtio-gpu/result.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';
import { settle, until } from './gpu-socket-fixture.js';
import { openFds } from './native-support.js';

const PAGE = pageSize;
const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const INVALID = gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
const NO_MEMORY = gpu.VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
const NO_RESOURCE = gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
const UNSPEC = gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
const MAP_INFO = gpu.VIRTIO_GPU_RESP_OK_MAP_INFO;
const CONTENT = Uint8Array.of(1, 2, 3, 4, 5);

/** Blob 1 is a file, blob 7 of context 3 is memory, others are not there. */
const ORIGINS: HostBlobOrigins = {
  take: (contextId, blobId) => {
    if (blobId === 1n) return { content: CONTENT };
    return contextId === 3 && blobId === 7n ? { content: null } : NO_SUCH_BLOB;
  },
};

interface Scene {
  readonly h: GpuHarness;
  readonly region: SharedRegion;
  /** What the window's first mapping is told; calls so far. */
  readonly maps: unknown[][];
  bytes(): Uint8Array;
  type(request: Uint8Array): number;
}

function scene(t: Test, options: Partial<GpuDeviceOptions> = {}): Scene {
  const region = SharedRegion.create({ windowBytes: 16 * PAGE, hostBytes: 64 * PAGE });
  t.teardown(() => region.close());
  const h = new GpuHarness({ region, hostBlobs: ORIGINS, ...options });
  const maps: unknown[][] = [];
  h.mapShared = (...call) => {
    maps.push(call);
    h.memory.generation += 1; // as QEMU does: the window is guest memory to us as well
    return Promise.resolve(true);
  };
  return {
    h,
    region,
    maps,
    bytes: () => new Uint8Array(region.mapping.window(0, region.bytes)),
    type: (request) => c.typeOf(h.send(request)),
  };
}

/** Maps a blob when the window may not be mapped yet; returns the type of the answer. */
async function mapped(h: GpuHarness, request: Uint8Array): Promise<number> {
  const resumed = new Promise<void>((resolve) => {
    h.control.resumed = resolve;
  });
  const chain = h.submit(request);
  if (chain.used === null) await resumed;
  return c.typeOf(chain.response);
}

function release({ h, region }: Scene, t: Test): void {
  h.device.detach();
  t.match(h.device.status, { resources: 0, hostBytes: 0, blobBytes: 0, backingEntries: 0 });
  t.match(region.metrics, { ranges: 0, lingeringRanges: 0, windowUsedBytes: 0, hostUsedBytes: 0 });
  t.equal(h.memory.openTables, 0);
}

t.test('offered with a region only', async (t) => {
  const { h } = scene(t);
  t.equal(h.device.features, 0b1110n);
  t.strictSame(h.device.sharedMemory, [{ id: 1, length: 16 * PAGE }]);
  h.accepted = 0n;
  t.equal(c.typeOf(h.send(c.createBlob(1))), UNSPEC, 'not negotiated');
  const without = new GpuHarness();
  t.equal(without.device.features, 0b110n);
  t.strictSame(without.device.sharedMemory, []);
  t.equal(c.typeOf(without.send(c.createBlob(1))), UNSPEC);
  t.equal(c.typeOf(without.send(c.mapBlob(1, 0))), UNSPEC);
  t.equal(c.typeOf(without.send(c.setScanoutBlob(0, 0, { width: 1, height: 1 }))), UNSPEC);
});

t.test('a blob on the host: mapped once, at the place that the guest chose, with its content', async (t) => {
  const s = scene(t);
  const { h, region, maps } = s;
  t.equal(s.type(c.createBlob(1, { blobId: 1n, size: 2 * PAGE })), OK);
  t.equal(s.type(c.createBlob(2, { blobId: 7n, ctxId: 3 })), OK);
  t.match(h.device.status, { resources: 2, blobBytes: 3 * PAGE });
  t.equal(maps.length, 0, 'not before a blob needs it');
  const chain = h.submit(c.mapBlob(1, 4 * PAGE));
  t.equal(chain.used, null, 'the answer waits for the window');
  t.equal(h.control.paused, true);
  await new Promise<void>((resolve) => {
    h.control.resumed = resolve;
  });
  t.equal(chain.used, 32);
  t.equal(c.typeOf(chain.response), MAP_INFO);
  t.equal(wire.MapInfoBody.read(viewOf(chain.response), 24).mapInfo, gpu.VIRTIO_GPU_MAP_CACHE_CACHED);
  t.strictSame(maps, [[1, region.fd, 0, 0, 16 * PAGE]]);
  t.equal(s.type(c.mapBlob(2, 6 * PAGE)), MAP_INFO, 'from then on at once');
  t.equal(maps.length, 1);
  t.strictSame(s.bytes().slice(4 * PAGE, 4 * PAGE + 6), Uint8Array.of(...CONTENT, 0));
  t.equal(region.metrics.windowUsedBytes, 3 * PAGE);
  s.bytes().fill(9, 6 * PAGE, 7 * PAGE);
  t.equal(s.type(c.unmapBlob(2)), OK);
  t.ok(
    s
      .bytes()
      .subarray(6 * PAGE)
      .every((byte) => byte === 0),
    'its memory is given back',
  );
  t.equal(s.type(c.mapBlob(2, 0)), MAP_INFO, 'it can be mapped again');
  t.equal(s.type(c.unref(1)), OK);
  t.equal(s.type(c.unref(2)), OK);
  t.match(h.device.status, { resources: 0, blobBytes: 0 });
  release(s, t);
});

t.test('blobs that can not be made', async (t) => {
  const s = scene(t, { limits: { maxBlobBytes: 20 * PAGE, maxResources: 3, maxBackingEntries: 2 } });
  const guest = { blobMem: 1, blobFlags: 2 };
  const at = s.h.memory.base;
  const cases: [string, number, Uint8Array][] = [
    ['id 0', NO_RESOURCE, c.createBlob(0, { blobId: 1n })],
    ['kind 0', INVALID, c.createBlob(1, { blobMem: 0 })],
    ['kind 4', INVALID, c.createBlob(1, { blobMem: 4 })],
    ['flag 8', INVALID, c.createBlob(1, { blobId: 1n, blobFlags: 9 })],
    ['empty', INVALID, c.createBlob(1, { blobId: 1n, size: 0 })],
    ['not pages', INVALID, c.createBlob(1, { blobId: 1n, size: PAGE + 1 })],
    ['beyond 2^53', INVALID, c.createBlob(1, { blobId: 1n, size: 2 ** 63 })],
    ['larger than the window', INVALID, c.createBlob(1, { blobId: 1n, size: 17 * PAGE })],
    ['no such blob id', INVALID, c.createBlob(1, { blobId: 2n })],
    ['a blob id of another context', INVALID, c.createBlob(1, { blobId: 7n, ctxId: 4 })],
    ['a blob id whose low half is right', INVALID, c.createBlob(1, { blobId: 0x1_0000_0001n })],
    ['host memory with entries', INVALID, c.createBlob(1, { blobId: 1n, entries: [[at, PAGE]] })],
    ['guest memory without entries', INVALID, c.createBlob(1, guest)],
    ['fewer entries than said', UNSPEC, c.createBlob(1, { ...guest, entries: [[at, PAGE]], nrEntries: 2 })],
    ['four billion entries', UNSPEC, c.createBlob(1, { ...guest, nrEntries: 0xffff_ffff })],
    ['an empty entry', INVALID, c.guestBlob(1, [[at, 0]], PAGE)],
    ['an entry outside', INVALID, c.guestBlob(1, [[at - PAGE, PAGE]])],
    ['an entry that wraps', INVALID, c.guestBlob(1, [[2 ** 64 - 4096, PAGE]])],
    ['larger than its entries', INVALID, c.guestBlob(1, [[at, PAGE]], PAGE + 1)],
    [
      'too many entries',
      NO_MEMORY,
      c.guestBlob(
        1,
        [at, at, at].map((address) => [address, PAGE] as const),
      ),
    ],
  ];
  for (const [what, type, request] of cases) t.equal(s.type(request), type, what);
  t.match(s.h.device.status, { resources: 0, blobBytes: 0, backingEntries: 0 });
  t.equal(s.type(c.createBlob(1, { blobId: 1n, size: 16 * PAGE })), OK);
  t.equal(s.type(c.createBlob(1, { blobId: 1n })), NO_RESOURCE, 'the id is taken');
  t.equal(s.type(c.createBlob(2, { blobId: 1n, size: 5 * PAGE })), NO_MEMORY, 'the quota');
  t.equal(s.type(c.createBlob(2, { blobId: 1n, size: 4 * PAGE })), OK);
  t.equal(s.type(c.guestBlob(3, [[at, PAGE]])), OK);
  t.equal(s.type(c.guestBlob(4, [[at, PAGE]])), NO_MEMORY, 'the number of resources');
  for (let length = 0; length < 56; length++) {
    t.equal(
      c.typeOf(s.h.send(c.createBlob(9, { blobId: 1n }).subarray(0, length))),
      UNSPEC,
      `${length} bytes`,
    );
  }
  release(s, t);
});

t.test('places that a blob can not be mapped to', async (t) => {
  const s = scene(t);
  t.equal(s.type(c.createBlob(1, { blobId: 1n, size: 2 * PAGE })), OK);
  t.equal(s.type(c.createBlob(2, { blobId: 1n, size: 2 * PAGE })), OK);
  t.equal(s.type(c.createBlob(3, { blobId: 1n, blobFlags: 2 })), OK);
  t.equal(s.type(c.guestBlob(4, [[s.h.memory.base, PAGE]])), OK);
  t.equal(s.type(c.create2d(5, 4, 4)), OK);
  for (const offset of [1, PAGE / 2, 15 * PAGE, 16 * PAGE, 2 ** 32, 2 ** 53 - PAGE, 2 ** 63]) {
    t.equal(s.type(c.mapBlob(1, offset)), INVALID, `at ${offset}`);
  }
  t.equal(await mapped(s.h, c.mapBlob(1, 2 * PAGE)), MAP_INFO);
  t.equal(s.type(c.mapBlob(1, 8 * PAGE)), INVALID, 'twice');
  for (const offset of [PAGE, 2 * PAGE, 3 * PAGE]) t.equal(s.type(c.mapBlob(2, offset)), INVALID, 'overlap');
  t.equal(s.type(c.mapBlob(2, 4 * PAGE)), MAP_INFO);
  t.equal(s.type(c.mapBlob(3, 0)), INVALID, 'not mappable');
  t.equal(s.type(c.mapBlob(4, 0)), INVALID, 'guest memory');
  t.equal(s.type(c.mapBlob(5, 0)), INVALID, 'not a blob');
  t.equal(s.type(c.mapBlob(6, 0)), NO_RESOURCE);
  t.equal(s.type(c.unmapBlob(3)), OK, 'never mapped: drivers do that');
  t.equal(s.type(c.unmapBlob(5)), INVALID);
  t.equal(s.type(c.unmapBlob(6)), NO_RESOURCE);
  t.equal(s.type(c.unref(1)), OK, 'while it is mapped');
  t.equal(s.type(c.mapBlob(2, 2 * PAGE)), INVALID, 'it is mapped already');
  t.equal(s.region.metrics.windowUsedBytes, 2 * PAGE);
  release(s, t);
});

t.test('a front-end that maps nothing', async (t) => {
  const refusing = scene(t);
  refusing.h.mapShared = () => Promise.resolve(false);
  refusing.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(refusing.h, c.mapBlob(1, 0)), UNSPEC);
  t.equal(refusing.region.metrics.windowUsedBytes, 0);
  refusing.h.mapShared = () => Promise.resolve(true);
  t.equal(await mapped(refusing.h, c.mapBlob(1, 0)), MAP_INFO, 'it is asked again');

  const unable = scene(t);
  unable.h.frontEnd.mapsSharedMemory = false;
  t.equal(unable.type(c.createBlob(1, { blobId: 1n })), UNSPEC);
  t.equal(unable.type(c.guestBlob(1, [[unable.h.memory.base, PAGE]])), OK, 'guest blobs work');
  release(unable, t);
});

t.test('the first blob waits until the mapping is there, which the memory table tells', async (t) => {
  const s = scene(t);
  const { h } = s;
  h.mapShared = () => Promise.resolve(true);
  s.type(c.createBlob(1, { blobId: 1n }));
  const chain = h.submit(c.mapBlob(1, 0));
  await settle();
  t.equal(chain.used, null, 'the front-end accepts a mapping before it makes it');
  h.device.memoryChanged();
  t.equal(c.typeOf(chain.response), MAP_INFO);
  h.device.queueStopped(h.control);
  h.device.reset();
  h.start();
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO, 'a table that never comes is not waited for long');
  release(s, t);
});

t.test('the window after a pause, a reset, and a stop in between', async (t) => {
  const s = scene(t);
  const { h, maps } = s;
  const stop = (): void => {
    h.device.queueStopped(h.control);
    h.device.queueStopped(h.cursorQueue);
  };
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO);
  s.type(c.createBlob(2, { blobId: 1n }));

  h.mapShared = (...call) => {
    maps.push(call);
    return Promise.resolve(false);
  };
  stop();
  h.start();
  t.equal(maps.length, 2, 'a machine that goes on: at once, since a blob is mapped');
  t.equal(await mapped(h, c.mapBlob(2, PAGE)), MAP_INFO, 'refused: the mapping is still there');
  t.equal(maps.length, 2);

  stop();
  h.device.reset();
  h.start();
  t.equal(maps.length, 2, 'a new driver: not before it needs it');
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), UNSPEC, 'refused: there is no mapping');

  let accept: (accepted: boolean) => void = () => undefined;
  h.mapShared = () =>
    new Promise((resolve) => {
      accept = resolve;
    });
  const chain = h.submit(c.mapBlob(1, 0));
  t.equal(chain.used, null);
  stop();
  t.equal(chain.used, null, 'it waits over a pause');
  const late = accept;
  h.control.paused = false;
  h.start();
  t.equal(h.control.paused, true, 'and what comes after it waits, too');
  late(true);
  await settle();
  t.equal(chain.used, null, 'what was said before the pause counts no more');
  accept(false);
  await settle();
  t.equal(c.typeOf(chain.response), MAP_INFO, 'refused: it was mapped after all');
  t.equal(h.control.paused, false);
  release(s, t);
});

t.test('the window after a pause, as the memory table tells', async (t) => {
  const s = scene(t);
  const { h, maps, region } = s;
  const pause = (): void => {
    h.device.queueStopped(h.control);
    h.device.queueStopped(h.cursorQueue);
    h.start();
  };
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO);
  t.equal(maps.length, 1);
  const stranger = createMemfd('stranger', { size: 16 * PAGE });
  t.teardown(() => closeFd(stranger));
  const window = { guestAddress: 0xe000_0000, length: 16 * PAGE, fd: region.fd, fileOffset: 0 };
  h.memory.beside = [window];
  pause();
  s.type(c.createBlob(2, { blobId: 1n }));
  t.equal(s.type(c.mapBlob(2, PAGE)), MAP_INFO, 'at once');
  t.equal(maps.length, 1, 'it is not asked for again');

  for (const other of [
    { ...window, length: region.bytes },
    { ...window, length: PAGE },
    { ...window, fileOffset: PAGE },
    { ...window, fd: stranger },
  ]) {
    h.memory.beside = [other];
    const before = maps.length;
    pause();
    t.equal(maps.length, before + 1, 'that is not the window');
    await settle();
  }

  h.memory.beside = [window];
  h.device.queueStopped(h.control);
  h.device.reset();
  h.memory.beside = [];
  h.start();
  s.type(c.createBlob(1, { blobId: 1n }));
  const before = maps.length;
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO);
  t.equal(maps.length, before + 1, 'after a reset it is');
  release(s, t);
});

t.test('a mapping that a pause, a channel that ends, or a ring set up anew finds open', async (t) => {
  const s = scene(t);
  const { h } = s;
  h.mapShared = () => new Promise(() => undefined);
  s.type(c.createBlob(1, { blobId: 1n }));
  let chain = h.submit(c.mapBlob(1, 0));
  h.device.queueStopped(h.control);
  h.frontEnd.mapsSharedMemory = false;
  h.start();
  t.equal(c.typeOf(chain.response), UNSPEC, 'nobody can map it any more');
  t.equal(h.control.paused, false);
  h.frontEnd.mapsSharedMemory = true;

  chain = h.submit(c.mapBlob(1, 0));
  h.device.queueStopped(h.control);
  h.control.paused = false;
  chain.read = () => 0;
  h.start();
  t.equal(h.control.paused, false, 'nobody waits for a chain that is void');
  release(s, t);
});

t.test('a mapping that is accepted after the reset of a driver that asked for it', async (t) => {
  const s = scene(t);
  const { h } = s;
  let accept: (accepted: boolean) => void = () => undefined;
  h.mapShared = () =>
    new Promise((resolve) => {
      accept = resolve;
    });
  s.type(c.createBlob(1, { blobId: 1n }));
  const chain = h.submit(c.mapBlob(1, 0));
  h.device.queueStopped(h.control);
  h.control.running = false;
  h.device.reset();
  accept(true);
  h.control.running = true;
  t.equal(chain.used, null, 'it belongs to a driver that is gone');
  h.start();
  h.mapShared = () => Promise.resolve(false);
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO, 'refused, because it is there');
  release(s, t);
});

t.test('what a guest wrote where nothing is placed is gone for the next one', async (t) => {
  const s = scene(t);
  const { h } = s;
  const window = s.bytes().subarray(0, s.region.windowBytes);
  s.type(c.createBlob(1, { blobId: 1n }));
  t.equal(await mapped(h, c.mapBlob(1, 0)), MAP_INFO);
  window.fill(9);
  s.type(c.unref(1));
  t.equal(window[PAGE], 9);
  h.device.queueStopped(h.control);
  h.device.reset();
  t.ok(
    window.every((byte) => byte === 0),
    'another driver',
  );
  window.fill(9);
  h.device.detach();
  t.ok(
    window.every((byte) => byte === 0),
    'another guest',
  );
});

t.test('a picture in a blob on the host is shown where it is', async (t) => {
  const s = scene(t);
  const { h } = s;
  const picture = { width: 8, height: 4, stride: 64, offset: 128 };
  s.type(c.createBlob(1, { blobId: 7n, ctxId: 3 }));
  t.equal(s.type(c.setScanoutBlob(0, 1, picture)), INVALID, 'it has no bytes yet');
  t.equal(await mapped(h, c.mapBlob(1, 3 * PAGE)), MAP_INFO);
  t.equal(s.type(c.setScanoutBlob(0, 1, picture)), OK);
  const source = h.sink.sources.get(0);
  t.match(source?.buffer, { width: 8, height: 4, strideBytes: 64, offsetBytes: 3 * PAGE + 128, format: 2 });
  t.equal(source?.buffer.regionOffset, 3 * PAGE + 128);
  t.equal(source?.buffer.memory, s.region.mapping);
  t.equal(source?.buffer.dmabuf(), null);
  t.equal(s.type(c.flush(1, c.rect(1, 1, 2, 2))), OK);
  t.match(h.device.status, { shadowBytes: 0, transferBytes: 0, swapBytes: 0 });
  const hold = source?.buffer.hold();
  s.bytes().fill(5, 3 * PAGE, 4 * PAGE);
  t.equal(s.type(c.unref(1)), OK);
  t.notOk(h.sink.sources.has(0), 'a blob that is gone is not shown');
  t.equal(s.bytes()[3 * PAGE + 128], 5, 'but whoever holds it still has the bytes');
  hold?.release();
  t.equal(s.bytes()[3 * PAGE + 128], 0);

  s.type(c.createBlob(1, { blobId: 7n, ctxId: 3 }));
  s.type(c.mapBlob(1, 0));
  s.type(c.setScanoutBlob(0, 1, picture));
  t.equal(s.type(c.unmapBlob(1)), OK);
  t.notOk(h.sink.sources.has(0), 'nor one that is mapped no longer');
  release(s, t);
});

t.test('pictures that do not lie in their blob', async (t) => {
  const s = scene(t);
  s.type(c.guestBlob(1, [[s.h.memory.base, PAGE]]));
  s.type(c.create2d(2, 8, 8));
  const good = { width: 8, height: 4, stride: 64, offset: 128 };
  const cases: [string, object][] = [
    ['no width', { width: 0 }],
    ['no height', { height: 0 }],
    ['too wide', { width: 16385, stride: 16385 * 4 }],
    ['format 0', { format: 0 }],
    ['rows that overlap', { stride: 28 }],
    ['half pixels', { stride: 66 }],
    ['half pixels', { offset: 2 }],
    ['past the end', { offset: PAGE - 3 * 64 - 28 }],
    ['past the end', { stride: 0xffff_fffc }],
    ['past the end', { offset: 0xffff_fffc }],
    ['past the end', { height: 16384 }],
    ['an empty part', { r: c.rect(0, 0, 0, 4) }],
    ['a part outside', { r: c.rect(1, 0, 8, 4) }],
    ['a part that wraps', { r: c.rect(0xffff_ffff, 0, 2, 4) }],
  ];
  for (const [what, change] of cases) {
    t.equal(s.type(c.setScanoutBlob(0, 1, { ...good, ...change })), INVALID, what);
  }
  t.equal(s.type(c.setScanoutBlob(0, 1, { ...good, offset: PAGE - 3 * 64 - 32 })), OK, 'to the last byte');
  t.equal(s.type(c.setScanoutBlob(1, 1, good)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
  t.equal(s.type(c.setScanoutBlob(0, 2, good)), INVALID, 'not a blob');
  t.equal(s.type(c.setScanoutBlob(0, 3, good)), NO_RESOURCE);
  t.equal(s.type(c.setScanout(0, 1, c.rect(8, 4))), INVALID, 'a blob has no size of its own');
  t.equal(s.type(c.attach(1, [[s.h.memory.base, PAGE]])), INVALID);
  t.equal(s.type(c.detach(1)), INVALID);
  t.ok(s.h.sink.sources.has(0), 'mistakes leave the picture up');
  t.equal(s.type(c.setScanoutBlob(0, 0, good)), OK);
  t.notOk(s.h.sink.sources.has(0));
  release(s, t);
});

t.test('a picture in guest memory: copied for readers only, and what was drawn only', async (t) => {
  const s = scene(t);
  const { h } = s;
  const { base, bytes } = h.memory;
  const width = 16;
  const height = 8;
  const all = c.rect(width, height);
  const stride = 96;
  bytes.fill(1, 0, PAGE);
  // Two pages, the wrong way round.
  const entries = [
    [base + PAGE, 512],
    [base, PAGE - 512],
  ] as const;
  const paint = (value: number): void => {
    bytes.fill(value, 0, 2 * PAGE);
  };
  s.type(c.guestBlob(1, entries));
  const expected = (value: number): Uint8Array => new Uint8Array(width * height * 4).fill(value);

  // Nobody reads: a sink that shows dma-bufs, say.
  const silent = new GpuHarness({ region: s.region, sinks: [], qemuDisplay: h.qemu });
  silent.send(c.guestBlob(1, [[silent.memory.base, PAGE]]));
  h.qemu.setScanout = () => undefined;
  silent.send(c.setScanoutBlob(0, 1, { width, height, stride }));
  silent.send(c.flush(1, all));
  t.equal(silent.device.status.shadowBytes, 0);
  silent.device.detach();

  paint(2);
  t.equal(s.type(c.setScanoutBlob(0, 1, { width, height, stride, offset: 32 })), OK);
  const buffer = h.sink.sources.get(0)?.buffer;
  if (buffer === undefined) throw new Error('nothing is shown');
  paint(3);
  const whole = width * height * 4;
  t.equal(s.type(c.flush(1, all)), OK);
  t.equal(h.device.status.shadowBytes, whole, 'once, when the guest flushes what it shows first');
  t.not(buffer.regionOffset, null, 'the shadow lies in the region');
  const pixels = (): Uint8Array => new Uint8Array(buffer.memory.window(buffer.offsetBytes, whole)).slice();
  t.strictSame(pixels(), expected(3));
  paint(4);
  t.strictSame(pixels(), expected(3), 'a flush says when');
  s.type(c.flush(1, c.rect(2, 1, 3, 2)));
  t.equal(h.device.status.shadowBytes, whole + 3 * 2 * 4);
  const picture = expected(3);
  for (const y of [1, 2]) picture.fill(4, (y * width + 2) * 4, (y * width + 5) * 4);
  t.strictSame(pixels(), picture);

  const hold = buffer.hold();
  paint(5);
  s.type(c.flush(1, all));
  t.strictSame(new Uint8Array(hold.memory.window(hold.offsetBytes, whole)), picture, 'held');
  t.strictSame(pixels(), expected(5));
  t.equal(h.device.status.swapBytes, 0);
  hold.release();

  s.type(c.flush(1, c.rect(8, 4, 0xffff_ffff, 0xffff_ffff)));
  t.equal(h.device.status.shadowBytes, 2 * whole + 24 + 8 * 4 * 4, 'a rectangle that is too large is cut');
  h.memory.gone = true;
  h.memory.generation += 1;
  s.type(c.flush(1, all));
  t.strictSame(pixels(), expected(5), 'guest memory that is gone leaves the picture up');
  release(s, t);
});

t.test('page flips between guest blobs copy each frame once, into memory that is used again', async (t) => {
  const s = scene(t);
  const { h, region } = s;
  const picture = { width: 32, height: 32 };
  const whole = 32 * 32 * 4;
  for (const id of [1, 2]) s.type(c.guestBlob(id, [[h.memory.base + id * PAGE, PAGE]]));
  for (let frame = 0; frame < 10; frame++) {
    const id = 1 + (frame & 1);
    h.memory.bytes.fill(frame + 1, id * PAGE, (id + 1) * PAGE);
    t.equal(s.type(c.setScanoutBlob(0, id, picture)), OK);
    t.equal(s.type(c.flush(id, c.rect(32, 32))), OK);
    t.equal(h.pixelsOf(0)[whole - 1], frame + 1);
  }
  t.match(h.device.status, { shadowBytes: 10 * whole, swapBytes: 0 });
  t.ok(region.metrics.hostPeakBytes <= 2 * PAGE);
  t.equal(region.metrics.punchedBytes, 0);
  release(s, t);
});

t.test('a shadow that there is no memory for', async (t) => {
  const s = scene(t, { limits: { maxHostBytes: PAGE } });
  s.type(c.guestBlob(1, [[s.h.memory.base, 4 * PAGE]]));
  t.equal(s.type(c.setScanoutBlob(0, 1, { width: 32, height: 64 })), NO_MEMORY);
  t.equal(s.type(c.setScanoutBlob(0, 1, { width: 32, height: 32 })), OK);
  t.equal(s.type(c.setScanoutBlob(0, 1, { width: 64, height: 64 })), NO_MEMORY);
  t.match(s.h.sink.sources.get(0)?.rect, { width: 32 }, 'what was shown stays');
  release(s, t);
});

t.test(
  'dma-bufs of guest memory: made once, tried again for other memory, closed with the blob',
  async (t) => {
    const exported: number[] = [];
    const udmabuf = new UdmabufExporter({
      limits: () => ({ entries: 16, bytes: 2 ** 30 }),
      isUsable: () => true,
      create: () => {
        const fd = createMemfd('dmabuf', { size: PAGE });
        exported.push(fd);
        return fd;
      },
    });
    const s = scene(t, { udmabuf });
    const { h } = s;
    s.type(c.guestBlob(1, [[h.memory.base, PAGE]]));
    s.type(c.setScanoutBlob(0, 1, { width: 8, height: 4, stride: 64, offset: 128, format: 1 }));
    const buffer = h.sink.sources.get(0)?.buffer;
    t.equal(buffer?.dmabuf(), null);
    h.memory.backedBy = [s.region.fd];
    t.equal(buffer?.dmabuf(), null);
    t.equal(h.device.status.udmabuf.refused.outside, 1, 'not tried again for the same memory');
    h.memory.generation += 1;
    t.strictSame(buffer?.dmabuf(), { fd: exported[0], offsetBytes: 128, strideBytes: 64, format: 1 });
    h.memory.generation += 1;
    t.equal(buffer?.dmabuf()?.fd, exported[0], 'its pages stay the same');
    t.equal(h.device.status.udmabuf.exported, 1);
    s.type(c.unref(1));
    t.equal(buffer?.dmabuf(), null);
    for (const fd of new Set(exported)) t.throws(() => closeFd(fd), { code: 'EBADF' });
    release(s, t);
  },
);

t.test('dma-bufs that are kept for displays are few, however many blobs a guest shows', async (t) => {
  const before = openFds();
  const udmabuf = new UdmabufExporter({
    limits: () => ({ entries: 16, bytes: 2 ** 30 }),
    isUsable: () => true,
    create: () => createMemfd('dmabuf', { size: PAGE }),
  });
  const s = scene(t, { udmabuf });
  const { h } = s;
  const idle = openFds();
  h.memory.backedBy = [s.region.fd];
  const shown = (id: number): boolean => {
    s.type(c.setScanoutBlob(0, id, { width: 8, height: 4 }));
    return h.sink.sources.get(0)?.buffer.dmabuf() != null;
  };
  for (let id = 1; id <= 2 * DMABUFS_MAX; id++) {
    s.type(c.guestBlob(id, [[h.memory.base, PAGE]]));
    t.equal(shown(id), id <= DMABUFS_MAX);
  }
  t.equal(openFds(), idle + DMABUFS_MAX);
  s.type(c.unref(1));
  t.ok(shown(2 * DMABUFS_MAX), 'another one as soon as one is gone');
  release(s, t);
  s.region.close();
  t.equal(openFds(), before);
});

t.test('cursors in blobs are 64 x 64 pixels', async (t) => {
  const s = scene(t);
  const { h } = s;
  const UPDATE = gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR;
  h.memory.bytes.fill(0x7f, 0, 4 * PAGE);
  s.type(c.guestBlob(1, [[h.memory.base, 4 * PAGE]]));
  s.type(c.guestBlob(2, [[h.memory.base, 3 * PAGE]]));
  t.equal(s.type(c.transfer(1, c.rect(64, 64))), OK, 'Linux sends it for blobs as well');
  h.cursor(c.cursor(UPDATE, { resourceId: 1, hotX: 3 }));
  h.cursor(c.cursor(UPDATE, { resourceId: 2 }));
  t.strictSame(h.sink.take(), [['cursor', 0, 0, 0, [3, 0]]]);
  t.equal(h.device.status.faults['invalid-cursor'], 1);
  t.strictSame(h.sink.cursorPixels, new Uint8Array(4 * PAGE).fill(0x7f));
  release(s, t);
});

t.test('UUIDs of blobs', async (t) => {
  const s = scene(t);
  const uuidOf = (): Uint8Array =>
    s.h.send(c.onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 1)).slice(24);
  s.type(c.createBlob(1, { blobId: 1n, blobFlags: 7 }));
  const uuid = uuidOf();
  t.equal(uuid.length, 16);
  t.strictSame(uuidOf(), uuid);
});

/** A display that says when it is done. */
class SlowSink implements DisplaySink {
  readonly waiting: (() => void)[] = [];
  setScanout(): void {}
  damage(): void {}
  setCursor(): void {}
  moveCursor(): void {}
  whenShown(_scanoutId: number, done: () => void): void {
    this.waiting.push(done);
  }
}

t.test('a fenced flush is answered when all displays are done, or after a while', async (t) => {
  const sinks = [new SlowSink(), new SlowSink()];
  const { h, type } = scene(t, { sinks });
  const fenced = (resource: number): Uint8Array => {
    const request = c.flush(resource, c.rect(8, 4));
    viewOf(request).setUint32(4, gpu.VIRTIO_GPU_FLAG_FENCE, true);
    return request;
  };
  type(c.guestBlob(1, [[h.memory.base, PAGE]]));
  t.equal(type(fenced(1)), OK, 'it is not shown');
  type(c.setScanoutBlob(0, 1, { width: 8, height: 4 }));
  t.equal(type(c.flush(1, c.rect(8, 4))), OK, 'nobody waits without a fence');
  t.strictSame(
    sinks.map(({ waiting }) => waiting.length),
    [0, 0],
  );
  const first = h.submit(fenced(1));
  sinks[0]?.waiting.shift()?.();
  t.equal(first.used, null);
  sinks[1]?.waiting.shift()?.();
  t.equal(first.used, 24);
  // This one no display ever answers.
  const second = h.submit(fenced(1));
  t.equal(second.used, null);
  await until(() => second.used !== null);
  t.equal(second.used, 24);
  sinks[0]?.waiting.shift()?.();
});

t.test('a display that says nothing is asked once, and each flush is answered all the same', async (t) => {
  const sinks = [new SlowSink()];
  const { h, type } = scene(t, { sinks });
  const flush = c.flush(1, c.rect(8, 4));
  viewOf(flush).setUint32(4, gpu.VIRTIO_GPU_FLAG_FENCE, true);
  type(c.guestBlob(1, [[h.memory.base, PAGE]]));
  type(c.setScanoutBlob(0, 1, { width: 8, height: 4 }));
  const chains = Array.from({ length: 100 }, () => h.submit(flush));
  await until(() => chains.every(({ used }) => used !== null));
  t.equal(sinks[0]?.waiting.length, 1);
  // It wakes up: what it says is of the first picture, so it is asked again for those who came after.
  const [early, late] = [h.submit(flush), h.submit(flush)];
  t.equal(sinks[0]?.waiting.length, 1);
  sinks[0]?.waiting.shift()?.();
  t.strictSame([early.used, late.used], [null, null]);
  t.equal(sinks[0]?.waiting.length, 1);
  sinks[0]?.waiting.shift()?.();
  t.strictSame([early.used, late.used], [24, 24]);
  t.equal(sinks[0]?.waiting.length, 0);
});

t.test('the memory of an ivshmem device is found by its file, and forgotten when it is gone', async (t) => {
  using ivshmem = SharedRegion.create({ windowBytes: 0, hostBytes: 4 * PAGE });
  const told: (number | null)[] = [];
  const { h } = scene(t, { ivshmem, onIvshmem: (address) => told.push(address) });
  const stranger = createMemfd('stranger', { size: 4 * PAGE });
  t.teardown(() => closeFd(stranger));
  h.memory.backedBy = [stranger];
  h.device.memoryChanged();
  t.equal(h.device.status.ivshmemAddress, null, 'the size alone says nothing');
  h.memory.backedBy = [stranger, ivshmem.fd];
  h.device.memoryChanged();
  h.device.memoryChanged();
  t.equal(h.device.status.ivshmemAddress, h.memory.base);
  h.memory.backedBy = [];
  h.device.memoryChanged();
  h.memory.backedBy = [ivshmem.fd];
  h.device.memoryChanged();
  h.device.detach();
  t.strictSame(told, [h.memory.base, null, h.memory.base, null]);
});

t.test('a blob that a channel keeps stays where it is', async (t) => {
  using region = SharedRegion.create({ windowBytes: 4 * PAGE, hostBytes: PAGE });
  const bytes = new Uint8Array(region.mapping.window(0, region.bytes));
  const blob = new BlobResource(
    { id: 1, blobMem: 2, blobFlags: 1, bytes: PAGE, contextId: 3 },
    null,
    CONTENT,
  );
  t.match(attachedBlob(blob), { resourceId: 1, bytes: PAGE, regionOffset: null });
  blob.map(region.place(PAGE, PAGE) as RegionRange, region.mapping);
  const attached = attachedBlob(blob);
  t.equal(attached.regionOffset, PAGE);
  t.equal(attached.exportDmabuf(), null);
  attached.retain();
  blob.close();
  t.equal(bytes[PAGE], CONTENT[0], 'also when it is destroyed');
  attached.release();
  t.equal(bytes[PAGE], 0);
  t.throws(() => attached.release(), { code: 'ERR_ASSERTION' });
});
