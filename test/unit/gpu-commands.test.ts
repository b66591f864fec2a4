/** The control queue: each command, good and hostile (virtio 1.3, 5.7.6.7 and 5.7.6.8). */
import t from 'tap';
import { pageSize } from 'vhost-user-native';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { PIXEL_FORMATS } from '../../src/virtio-gpu/wire/formats.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const UNSPEC = gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
const NO_MEMORY = gpu.VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
const BAD_SCANOUT = gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
const BAD_RESOURCE = gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
const BAD_PARAMETER = gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
const MAX = 0xffff_ffff;

function result(gpuHarness: GpuHarness, request: Uint8Array): number {
  return c.typeOf(gpuHarness.send(request));
}

t.test('RESOURCE_CREATE_2D takes every format, and bounds everything else', async (t) => {
  const h = new GpuHarness({ limits: { maxResources: 10, maxHostBytes: 64 * 1024 * 1024 } });
  let id = 1;
  for (const format of PIXEL_FORMATS.keys()) t.equal(result(h, c.create2d(id++, 16, 16, format)), OK);
  t.equal(h.device.status.resources, 8);
  t.equal(h.device.status.hostBytes, 8 * pageSize, 'memory comes in pages');
  t.equal(result(h, c.create2d(0, 16, 16)), BAD_RESOURCE, 'id 0');
  t.equal(result(h, c.create2d(1, 16, 16)), BAD_RESOURCE, 'an id that is in use');
  for (const format of [0, 5, 66, 69, 135, MAX])
    t.equal(result(h, c.create2d(20, 1, 1, format)), BAD_PARAMETER);
  for (const size of [0, 16385, 2 ** 31, MAX]) {
    t.equal(result(h, c.create2d(20, size, 16)), BAD_PARAMETER, `width ${size}`);
    t.equal(result(h, c.create2d(20, 16, size)), BAD_PARAMETER, `height ${size}`);
  }
  t.equal(result(h, c.create2d(20, 16384, 16384)), NO_MEMORY, 'above the memory of a VM');
  t.equal(h.device.status.hostBytes, 8 * pageSize, 'a refusal takes nothing');
  t.equal(result(h, c.create2d(MAX, 16, 16)), OK, 'the largest id');
  t.equal(result(h, c.create2d(20, 16, 16)), OK);
  t.equal(result(h, c.create2d(21, 16, 16)), NO_MEMORY, 'one resource too many');
  h.device.detach();
  t.equal(h.device.status.hostBytes, 0);
});

t.test('the default limits hold 7680x4320 four times, and no size wraps', async (t) => {
  const h = new GpuHarness();
  for (let id = 1; id <= 4; id++) t.equal(result(h, c.create2d(id, 7680, 4320)), OK);
  t.equal(result(h, c.create2d(5, 7680, 4320)), NO_MEMORY);
  // 32768 * 32769 * 4 is 128 KiB modulo 2^32: a well-known way to write past a buffer.
  t.equal(result(h, c.create2d(6, 32768, 32769)), BAD_PARAMETER);
  h.device.detach();
  const wide = new GpuHarness({ limits: { maxDimension: 32768, maxHostBytes: 2 ** 20 } });
  t.equal(result(wide, c.create2d(1, 32768, 32768)), NO_MEMORY);
  t.throws(() => new GpuHarness({ limits: { maxDimension: 32769 } }), RangeError);
  t.throws(() => new GpuHarness({ limits: { maxResources: 0 } }), RangeError);
});

t.test('RESOURCE_UNREF frees, and turns off the scanouts that show the resource', async (t) => {
  const h = new GpuHarness({ outputs: [1, 2, 3].map(() => ({ width: 64, height: 64 })) });
  t.equal(result(h, c.unref(1)), BAD_RESOURCE);
  t.equal(result(h, c.unref(0)), BAD_RESOURCE);
  t.equal(result(h, c.create2d(1, 64, 64)), OK);
  t.equal(result(h, c.create2d(2, 64, 64)), OK);
  for (const id of [0, 2]) t.equal(result(h, c.setScanout(id, 1, c.rect(64, 64))), OK);
  t.equal(result(h, c.setScanout(1, 2, c.rect(64, 64))), OK);
  h.sink.take();
  t.equal(result(h, c.unref(1)), OK);
  t.strictSame(h.sink.take(), [
    ['scanout', 0, null],
    ['scanout', 2, null],
  ]);
  t.equal(result(h, c.unref(1)), BAD_RESOURCE);
  t.equal(result(h, c.flush(1, c.rect(1, 1))), BAD_RESOURCE);
  t.equal(h.device.status.resources, 1);
  t.equal(h.device.status.hostBytes, 64 * 64 * 4);
  t.equal(result(h, c.create2d(1, 8, 8)), OK, 'the id is free again');
});

t.test('SET_SCANOUT checks ids and the rectangle; id 0 turns the scanout off', async (t) => {
  const h = new GpuHarness({ outputs: [1, 2].map(() => ({ width: 64, height: 64 })) });
  t.equal(result(h, c.create2d(1, 64, 32)), OK);
  t.equal(result(h, c.setScanout(2, 1, c.rect(64, 32))), BAD_SCANOUT);
  t.equal(result(h, c.setScanout(MAX, 0, c.rect(0, 0))), BAD_SCANOUT);
  t.equal(result(h, c.setScanout(0, 7, c.rect(64, 32))), BAD_RESOURCE);
  const outside = [
    [0, 0, 65, 32],
    [0, 0, 64, 33],
    [1, 0, 64, 32],
    [0, 0, 0, 32],
    [0, 0, 64, 0],
    [MAX, 0, 2, 2],
    [0, MAX, 2, 2],
    [2, 2, MAX, MAX],
    [2 ** 31, 0, 2 ** 31, 32],
  ];
  for (const r of outside) t.equal(result(h, c.setScanout(0, 1, c.rect(...r))), BAD_PARAMETER, `${r}`);
  t.strictSame(h.sink.take(), []);
  t.equal(result(h, c.setScanout(0, 1, c.rect(8, 4, 16, 16))), OK);
  t.equal(result(h, c.setScanout(0, 0, c.rect(0, 0))), OK);
  t.equal(result(h, c.setScanout(0, 0, c.rect(0, 0))), OK, 'off already');
  t.strictSame(h.sink.take(), [
    ['scanout', 0, c.rect(8, 4, 16, 16)],
    ['scanout', 0, null],
  ]);
});

t.test('RESOURCE_FLUSH presents, in coordinates of each scanout', async (t) => {
  const h = new GpuHarness({ outputs: [1, 2].map(() => ({ width: 64, height: 64 })) });
  t.equal(result(h, c.create2d(1, 128, 64)), OK);
  t.equal(result(h, c.flush(1, c.rect(128, 64))), OK, 'shown nowhere');
  // One buffer over two outputs, as desktops lay them out.
  h.send(c.setScanout(0, 1, c.rect(0, 0, 64, 64)));
  h.send(c.setScanout(1, 1, c.rect(64, 0, 64, 64)));
  h.sink.take();
  t.equal(result(h, c.flush(1, c.rect(60, 10, 8, 4))), OK);
  t.strictSame(h.sink.take(), [
    ['damage', 0, c.rect(60, 10, 4, 4)],
    ['damage', 1, c.rect(0, 10, 4, 4)],
  ]);
  h.send(c.flush(1, c.rect(70, 0, 2, 2)));
  t.strictSame(h.sink.take(), [['damage', 1, c.rect(6, 0, 2, 2)]]);
  t.equal(result(h, c.flush(1, c.rect(128, 64, 0, 0))), OK, 'an empty rectangle');
  for (const r of [c.rect(129, 64), c.rect(1, 0, 128, 64), c.rect(MAX, MAX, 2, 2), c.rect(2, 2, MAX, MAX)]) {
    t.equal(result(h, c.flush(1, r)), BAD_PARAMETER);
  }
  t.strictSame(h.sink.take(), []);
});

t.test('a scanout that is moved to another resource leaves the first one', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64));
  h.send(c.create2d(2, 64, 64));
  h.send(c.setScanout(0, 1, c.rect(64, 64)));
  h.send(c.setScanout(0, 2, c.rect(64, 64)));
  h.sink.take();
  h.send(c.flush(1, c.rect(64, 64)));
  t.equal(result(h, c.unref(1)), OK);
  t.strictSame(h.sink.take(), []);
  h.send(c.flush(2, c.rect(64, 64)));
  t.strictSame(h.sink.take(), [['damage', 0, c.rect(64, 64)]]);
});

t.test('RESOURCE_ATTACH_BACKING: what it refuses', async (t) => {
  const h = new GpuHarness({ limits: { maxBackingEntries: 8, maxBackingEntriesTotal: 10 } });
  const { base } = h.memory;
  const end = base + h.memory.mapping.length;
  const good = (n: number): [number, number][] =>
    Array.from({ length: n }, (_, i) => [base + i * 8192, 4096]);
  h.send(c.create2d(1, 64, 64));
  h.send(c.create2d(2, 64, 64));
  t.equal(result(h, c.attach(9, good(1))), BAD_RESOURCE);
  t.equal(result(h, c.attach(1, [])), BAD_PARAMETER, 'no entries');
  t.equal(result(h, c.attach(1, good(4), 5)), UNSPEC, 'fewer entries than it says');
  t.equal(result(h, c.attach(1, good(1), MAX)), UNSPEC, 'a count that the chain can not hold');
  t.equal(result(h, c.attach(1, good(9))), NO_MEMORY, 'more than the limit');
  const bad: [number, number][] = [
    [base, 0],
    [0, 4096],
    [base - 1, 2],
    [end - 1, 2],
    [end, 1],
    [2 ** 53 - 1, 4096],
    [2 ** 63, 4096],
  ];
  for (const entry of bad) {
    t.equal(result(h, c.attach(1, [...good(1), entry])), BAD_PARAMETER, `${entry}`);
  }
  t.equal(h.device.status.backingEntries, 0);
  t.equal(h.memory.openTables, 0, 'a refusal leaves nothing behind');
  t.equal(result(h, c.attach(1, good(8))), OK);
  t.equal(result(h, c.attach(1, good(1))), UNSPEC, 'a second backing');
  t.equal(result(h, c.attach(2, good(3))), NO_MEMORY, 'more than all resources may have');
  t.equal(result(h, c.attach(2, good(2))), OK);
  t.equal(h.device.status.backingEntries, 10);
  t.equal(result(h, c.detach(1)), OK);
  t.equal(result(h, c.detach(1)), UNSPEC);
  t.equal(result(h, c.detach(9)), BAD_RESOURCE);
  t.equal(result(h, c.unref(2)), OK, 'with its backing');
  t.equal(h.device.status.backingEntries, 0);
  t.equal(h.memory.openTables, 0);
});

t.test('RESOURCE_ATTACH_BACKING reads the list once, and joins neighbours', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 1024, 1024));
  const pages = Array.from({ length: 1024 }, (_, i): [number, number] => [h.memory.base + i * 4096, 4096]);
  const chain = h.submit(c.attach(1, pages));
  t.equal(c.typeOf(chain.response), OK);
  t.equal(h.device.status.backingEntries, 1);
  const entriesRead = chain.reads.slice(1).reduce((sum, [, length]) => sum + length, 0);
  t.equal(entriesRead, 1024 * 16);
});

t.test('RESOURCE_ATTACH_BACKING takes a 7680x4320 screen in single pages', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 7680, 4320));
  // Guest memory is smaller here: the same pages again and again, backwards so that none adjoin.
  const pages = Array.from({ length: 32400 }, (_, i): [number, number] => [
    h.memory.base + (2047 - (i % 2048)) * 4096,
    4096,
  ]);
  t.equal(result(h, c.attach(1, pages)), OK);
  t.equal(result(h, c.transfer(1, c.rect(7680, 4320))), OK);
  t.ok(h.device.status.backingEntries > 32000);
});

t.test('TRANSFER_TO_HOST_2D copies the rectangle, row by row, from its own offset', async (t) => {
  const h = new GpuHarness();
  const { base, bytes } = h.memory;
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = i * 2654435761;
  h.send(c.create2d(1, 40, 30));
  h.send(c.setScanout(0, 1, c.rect(40, 30)));
  // 4800 bytes in pieces that end inside of rows and of pixels.
  const pieces: [number, number][] = [
    [base + 70000, 1],
    [base + 333, 1602],
    [base + 9000, 3],
    [base + 20000, 3000],
    [base + 50, 194],
  ];
  const backing = c.concat(...pieces.map(([at, n]) => bytes.subarray(at - base, at - base + n)));
  t.equal(result(h, c.attach(1, pieces)), OK);
  const stride = 160;
  const expected = new Uint8Array(4800);
  for (const r of [c.rect(3, 5, 17, 9), c.rect(0, 20, 40, 10), c.rect(39, 0, 1, 30), c.rect(0, 0, 40, 1)]) {
    const offset = r.y * stride + r.x * 4;
    t.equal(result(h, c.transfer(1, r, offset)), OK);
    for (let y = 0; y < r.height; y++) {
      const at = offset + y * stride;
      expected.set(backing.subarray(at, at + r.width * 4), at);
    }
    t.strictSame(h.pixelsOf(0).subarray(0, 4800), expected);
  }
  // The offset is where the data lies, not where it goes.
  t.equal(result(h, c.transfer(1, c.rect(10, 10, 2, 2), 7)), OK);
  t.strictSame(h.pixelsOf(0).subarray(10 * stride + 40, 10 * stride + 48), backing.subarray(7, 15));
  t.equal(h.device.status.transferBytes, (17 * 9 + 400 + 30 + 40 + 4) * 4);
});

t.test('TRANSFER_TO_HOST_2D: what it refuses', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64));
  t.equal(result(h, c.transfer(9, c.rect(1, 1))), BAD_RESOURCE);
  t.equal(result(h, c.transfer(1, c.rect(1, 1))), UNSPEC, 'no backing');
  // Only the upper half is backed.
  h.send(c.attach(1, [[h.memory.base, 64 * 32 * 4]]));
  t.equal(result(h, c.transfer(1, c.rect(64, 32))), OK);
  t.equal(result(h, c.transfer(1, c.rect(64, 33))), BAD_PARAMETER, 'past the backing');
  t.equal(result(h, c.transfer(1, c.rect(64, 32), 1)), BAD_PARAMETER);
  t.equal(result(h, c.transfer(1, c.rect(1, 1), 64 * 32 * 4)), BAD_PARAMETER);
  t.equal(result(h, c.transfer(1, c.rect(1, 1), 2 ** 52)), BAD_PARAMETER);
  t.equal(result(h, c.transfer(1, c.rect(1, 1), 2 ** 63)), BAD_PARAMETER);
  t.equal(result(h, c.transfer(1, c.rect(63, 31, 1, 1), 64 * 32 * 4 - 4)), OK, 'the last pixel');
  for (const r of [
    c.rect(65, 1),
    c.rect(1, 65),
    c.rect(64, 0, 1, 1),
    c.rect(MAX, 0, 2, 1),
    c.rect(0, MAX, 1, 2),
    c.rect(1, 1, MAX, MAX),
    c.rect(2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31),
  ]) {
    t.equal(result(h, c.transfer(1, r)), BAD_PARAMETER);
  }
  t.equal(result(h, c.transfer(1, c.rect(0, 64))), OK, 'nothing to copy');
  t.equal(result(h, c.transfer(1, c.rect(64, 64, 0, 0), 2 ** 40)), BAD_PARAMETER);
});

t.test('copy tables follow the memory table', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64));
  h.send(c.attach(1, [[h.memory.base, 64 * 64 * 4]]));
  t.equal(h.memory.tables.length, 0, 'none is made before there is something to copy');
  t.equal(result(h, c.transfer(1, c.rect(64, 64))), OK);
  h.memory.generation += 1;
  t.equal(result(h, c.transfer(1, c.rect(64, 64))), OK);
  t.equal(h.memory.tables.length, 2);
  t.equal(h.memory.openTables, 1);
  t.equal(result(h, c.transfer(1, c.rect(64, 64))), OK);
  t.equal(h.memory.tables.length, 2, 'and are kept while it stays');
  h.memory.generation += 1;
  h.memory.gone = true;
  t.equal(result(h, c.transfer(1, c.rect(64, 64))), BAD_PARAMETER);
  h.memory.gone = false;
  h.memory.generation += 1;
  t.equal(result(h, c.transfer(1, c.rect(64, 64))), OK, 'memory that came back');
  h.device.detach();
  t.equal(h.memory.openTables, 0);
});

t.test('RESOURCE_ASSIGN_UUID gives a random UUID that stays', async (t) => {
  const h = new GpuHarness();
  const request = c.onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 1);
  t.equal(result(h, request), BAD_RESOURCE);
  h.send(c.create2d(1, 1, 1));
  h.send(c.create2d(2, 1, 1));
  const first = h.send(request).slice();
  t.equal(c.typeOf(first), gpu.VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
  t.equal(first.length, 40);
  t.match(Buffer.from(first.subarray(24)).toString('hex'), /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  t.strictSame(h.send(request), first);
  t.notSame(h.send(c.onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 2)), first);
  h.accepted = 0n;
  t.equal(result(h, request), UNSPEC, 'not negotiated');
});

t.test('capability sets: there are none', async (t) => {
  const h = new GpuHarness();
  const info = wire.GetCapsetInfoBody.encode({ capsetIndex: 0, padding: 0 });
  t.equal(result(h, c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO), info)), BAD_PARAMETER);
  const capset = wire.GetCapsetBody.encode({ capsetId: 1, capsetVersion: 0 });
  t.equal(result(h, c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET), capset)), BAD_PARAMETER);
});

t.test('unknown commands, and those of features that are not offered', async (t) => {
  const h = new GpuHarness();
  const types = [0, 0xff, 0x10c, 0x10d, 0x10e, 0x200, 0x207, 0x209, 0x300, 0x301, 0x1100, MAX];
  for (const type of types) t.equal(result(h, c.concat(c.header(type), new Uint8Array(200))), UNSPEC);
  t.equal(h.device.status.faults['unknown-command'], types.length);
});

t.test('a command that is shorter than its layout', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 8, 8));
  const requests = [
    c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO),
    c.create2d(2, 8, 8),
    c.unref(1),
    c.attach(1, [[h.memory.base, 4096]]),
    c.detach(1),
    c.transfer(1, c.rect(8, 8)),
    c.setScanout(0, 1, c.rect(8, 8)),
    c.flush(1, c.rect(8, 8)),
    c.getEdid(0),
    c.onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 1),
  ];
  for (const request of requests) {
    for (let length = 0; length < request.length; length++) {
      if (result(h, request.subarray(0, length)) !== UNSPEC) t.fail(`type ${c.typeOf(request)}: ${length}`);
    }
  }
  t.strictSame(h.sink.take(), []);
  t.equal(h.device.status.resources, 1);
});

t.test('fences come back, in errors too', async (t) => {
  const h = new GpuHarness();
  const fence = { flags: 3, fenceId: 0xfedc_ba98_7654_3210n, ctxId: 0x1234, ringIdx: 63 };
  for (const type of [gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, gpu.VIRTIO_GPU_CMD_GET_CAPSET, 0x999]) {
    const response = h.send(c.header(type, fence));
    t.match(wire.CtrlHdr.read(new DataView(response.slice().buffer)), fence);
  }
  const plain = { ...fence, flags: 1 };
  const response = h.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, plain));
  t.match(wire.CtrlHdr.read(new DataView(response.slice().buffer)), { ...plain, ringIdx: 0 });
  const odd = h.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, { ...fence, flags: 0xffff_fffd }));
  t.equal(wire.CtrlHdr.read(new DataView(odd.slice().buffer)).flags, 1, 'no flag that we do not know');
  const unfenced = h.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, { ...fence, flags: 2 }));
  t.match(wire.CtrlHdr.read(new DataView(unfenced.slice().buffer)), { flags: 0, fenceId: 0n, ctxId: 0 });
});

t.test('a short request after a fenced one does not get its fence', async (t) => {
  const h = new GpuHarness();
  h.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, { flags: 1, fenceId: 77n }));
  const response = h.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO).subarray(0, 4));
  t.strictSame(response, c.header(UNSPEC));
});

t.test('responses that do not fit', async (t) => {
  const h = new GpuHarness();
  const request = c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
  const whole = h.send(request).slice();
  t.equal(whole.length, 408);
  for (const room of [0, 1, 23]) {
    const chain = h.submit(request, room);
    t.equal(chain.used, 0);
    t.ok(chain.response.every((byte) => byte === 0xee));
  }
  for (const room of [24, 100, 407]) t.strictSame(h.send(request, room), whole.subarray(0, room));
  t.equal(h.device.status.faults['short-response'], 6);
  t.equal(h.submit(c.create2d(1, 8, 8), 0).used, 0);
  t.equal(h.device.status.resources, 1, 'it is carried out all the same');
});

t.test('mistakes are logged once a second per kind, and all are counted', async (t) => {
  const h = new GpuHarness();
  for (let i = 0; i < 1000; i++) h.send(c.unref(1));
  t.equal(h.device.status.faults['invalid-resource'], 1000);
  t.ok(h.log.warnings.length >= 1 && h.log.warnings.length <= 3);
});

t.test('resources of a pixel can not take more memory than the limit says', async (t) => {
  const h = new GpuHarness({ limits: { maxHostBytes: 3 * pageSize } });
  const answers = [1, 2, 3, 4].map((id) => result(h, c.create2d(id, 1, 1)));
  t.same(answers, [OK, OK, OK, NO_MEMORY]);
  h.send(c.unref(2));
  t.equal(result(h, c.create2d(4, 1, 1)), OK);
});

t.test('everything goes back when the front-end leaves', async (t) => {
  const h = new GpuHarness();
  for (let id = 1; id <= 20; id++) {
    h.send(c.create2d(id, 64, 64));
    h.send(c.attach(id, [[h.memory.base, 64 * 64 * 4]]));
  }
  h.send(c.setScanout(0, 1, c.rect(64, 64)));
  h.sink.take();
  h.device.detach();
  t.match(h.device.status, { attached: false, resources: 0, hostBytes: 0, backingEntries: 0 });
  t.equal(h.memory.openTables, 0);
  t.equal(h.sink.sources.size, 0);
  h.device.attach(h.frontEnd);
  t.equal(result(h, c.create2d(1, 64, 64)), OK, 'the next VM starts from nothing');
});

t.test('a reset frees resources; a display may hold pixels a little longer', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64));
  h.send(c.attach(1, [[h.memory.base, 64 * 64 * 4]]));
  h.send(c.transfer(1, c.rect(64, 64)));
  h.send(c.setScanout(0, 1, c.rect(64, 64)));
  const buffer = h.sink.sources.get(0)?.buffer;
  buffer?.retain();
  h.device.reset();
  t.equal(h.device.status.resources, 0);
  t.equal(h.device.status.hostBytes, 64 * 64 * 4, 'and it counts until then');
  t.equal(buffer?.memory.closed, false);
  buffer?.release();
  t.equal(buffer?.memory.closed, true);
  t.equal(h.device.status.hostBytes, 0);
});
