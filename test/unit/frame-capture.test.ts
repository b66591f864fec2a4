/** The display sink that pictures are taken from. */
import t from 'tap';
import { type CaptureEvent, FrameCapture } from '../../src/capture/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM } from '../../src/virtio-gpu/wire/formats.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';

t.test('pictures of what the guest shows', async (t) => {
  const events: [CaptureEvent, number][] = [];
  const capture = new FrameCapture((event, scanoutId) => events.push([event, scanoutId]));
  const h = new GpuHarness({ sinks: [capture] });
  events.length = 0;
  t.equal(capture.snapshot(0), null);
  h.memory.bytes.set([1, 2, 3, 4, 5, 6, 7, 8]); // two pixels: B, G, R, X
  h.send(c.create2d(1, 2, 1));
  h.send(c.attach(1, [[h.memory.base, 8]]));
  h.send(c.transfer(1, c.rect(2, 1)));
  h.send(c.setScanout(0, 1, c.rect(2, 1)));
  t.same(capture.snapshot(0), { width: 2, height: 1, rgba: Uint8Array.of(3, 2, 1, 255, 7, 6, 5, 255) });
  h.send(c.setScanout(0, 1, c.rect(1, 0, 1, 1)));
  t.same(capture.snapshot(0), { width: 1, height: 1, rgba: Uint8Array.of(7, 6, 5, 255) }, 'a part of it');
  h.send(c.flush(1, c.rect(2, 1)));
  h.send(c.unref(1));
  t.equal(capture.snapshot(0), null);
  t.equal(h.device.status.hostBytes, 0, 'no pixels are kept');
  t.same(
    events.map(([event]) => event),
    ['scanout', 'scanout', 'damage', 'scanout'],
  );
});

t.test('somebody follows: buffers are kept ready to be read, and let go', async (t) => {
  const capture = new FrameCapture();
  const h = new GpuHarness({ sinks: [capture] });
  h.memory.bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
  h.send(c.create2d(1, 2, 1));
  h.send(c.attach(1, [[h.memory.base, 8]]));
  h.send(c.transfer(1, c.rect(2, 1)));
  const stops = [capture.follow(0), capture.follow(0)];
  h.send(c.setScanout(0, 1, c.rect(2, 1)));
  t.same(capture.size(0), { width: 2, height: 1 });
  t.same(capture.shown, [0]);
  const part = capture.snapshot(0, { x: 1, y: 0, width: 1, height: 1 });
  t.same(part, { width: 1, height: 1, rgba: Uint8Array.of(7, 6, 5, 255) });
  h.send(c.setScanout(0, 1, c.rect(1, 0, 1, 1)));
  for (const stop of [...stops, ...stops]) stop();
  h.send(c.unref(1));
  t.equal(capture.size(0), null);
  t.equal(h.device.status.hostBytes, 0, 'no pixels are kept');
});

t.test('cursors', async (t) => {
  const capture = new FrameCapture();
  const h = new GpuHarness({ sinks: [capture] });
  h.memory.bytes.set([1, 2, 3, 4]);
  h.send(c.create2d(1, 1, 1, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM));
  h.send(c.attach(1, [[h.memory.base, 4]]));
  h.send(c.transfer(1, c.rect(1, 1)));
  h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 1, x: -5, y: 6, hotX: 7, hotY: 8 }));
  const image = { width: 1, height: 1, hotX: 7, hotY: 8, rgba: Uint8Array.of(3, 2, 1, 4) };
  t.same(capture.cursor(0), { x: -5, y: 6, image });
  h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, { x: 9, y: 10 }));
  t.same(capture.cursor(0), { x: 9, y: 10, image });
  h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 0, x: 1, y: 2 }));
  t.same(capture.cursor(0), { x: 1, y: 2, image: null });
});

t.test('of a cursor as large as a resource can be, the corner that cursors have', async (t) => {
  const capture = new FrameCapture();
  const h = new GpuHarness({ sinks: [capture] });
  h.send(c.create2d(1, 16384, 8192));
  h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 1 }));
  t.match(capture.cursor(0), { image: { width: 256, height: 256 } });
});
