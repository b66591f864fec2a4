/** dma-bufs over guest pages, for real: in a guest whose kernel has /dev/udmabuf. */
import t from 'tap';
import { NestedHost } from './harness/nested-host.js';

/** What the program in the guest prints (nested/dmabuf-window). */
interface Counts {
  readonly dmabufFrames: number;
  readonly directFrames: number;
  readonly stagedBytes: number;
  readonly shadowBytes: number;
  readonly swapBytes: number;
  readonly transferBytes: number;
}
interface Measured {
  readonly version: number;
  readonly imports: object;
  readonly zeroCopy: Counts;
  readonly copies: Counts;
  readonly after: Counts;
  readonly qemuDisplay: { readonly bytesSent: number };
}

/** Of the picture there, and of the rows that it draws again. */
const PICTURE_BYTES = 320 * 240 * 4;
const ROWS_BYTES = 320 * 40 * 4;

t.test('guest pages in a window without a copy, and by copies once /dev/udmabuf is gone', async (t) => {
  const host = await NestedHost.boot();
  try {
    const { status, output } = await host.program('udmabuf');
    if (status !== 0) throw new Error(output);
    const measured = JSON.parse(output.split('\n').at(-1) ?? '') as Measured;
    t.comment(JSON.stringify(measured));
    const { zeroCopy, copies, after } = measured;
    t.ok(measured.version >= 3, "the compositor's linux-dmabuf has modifiers");
    t.match(measured.imports, { imported: 2, refused: 0 }, 'one import for all frames of a buffer');
    const nothing = { stagedBytes: 0, shadowBytes: 0, swapBytes: 0, transferBytes: 0 };
    t.match(zeroCopy, { ...nothing, directFrames: 0 }, 'nothing is copied');
    t.ok(zeroCopy.dmabufFrames >= 3);
    t.equal(copies.dmabufFrames, zeroCopy.dmabufFrames);
    t.ok(copies.directFrames >= 2);
    t.equal(copies.shadowBytes, PICTURE_BYTES + ROWS_BYTES, 'the whole picture once, then what changed');
    t.equal(copies.stagedBytes, 0);
    t.ok(after.dmabufFrames > copies.dmabufFrames, 'a dma-buf that exists outlives the device');
    t.equal(after.shadowBytes, copies.shadowBytes);
    t.match(measured.qemuDisplay, { updatesSent: 0, dmabufScanouts: 1 }, "QEMU's display gets a dma-buf");
    t.ok(measured.qemuDisplay.bytesSent < 1024, 'and no pixels');
  } finally {
    if (!t.passing()) t.comment(host.consoleLog);
    await host.close();
  }
});
