import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { edidFor } from '../../src/virtio-gpu/edid.js';

/** The first detailed timing of the base block, or the DisplayID one where there is an extension. */
function preferredMode(edid: Uint8Array): { width: number; height: number; hz: number } {
  const view = new DataView(edid.buffer, edid.byteOffset, edid.byteLength);
  const at = (i: number): number => edid[i] as number;
  if (edid.length === 128) {
    const width = at(56) | ((at(58) >> 4) << 8);
    const height = at(59) | ((at(61) >> 4) << 8);
    const total = (width + (at(57) | ((at(58) & 0xf) << 8))) * (height + (at(60) | ((at(61) & 0xf) << 8)));
    return { width, height, hz: (view.getUint16(54, true) * 10_000) / total };
  }
  let block = 128 + 5;
  while (at(block) !== 0x03) block += 3 + at(block + 2);
  const timing = block + 3;
  const clock = (at(timing) | (at(timing + 1) << 8) | (at(timing + 2) << 16)) + 1;
  const field = (i: number): number => (view.getUint16(timing + 4 + 2 * i, true) & 0x7fff) + 1;
  const total = (field(0) + field(1)) * (field(4) + field(5));
  return { width: field(0), height: field(4), hz: (clock * 10_000) / total };
}

const sum = (data: Uint8Array): number => data.reduce((total, value) => (total + value) & 0xff, 0);

t.test('any mode: both checksums hold and the preferred timing is the requested one', async (t) => {
  const size = fc.integer({ min: 64, max: 16384 });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        size,
        size,
        fc.integer({ min: 24, max: 240 }),
        fc.nat(15),
        (width, height, refreshHz, id) => {
          const edid = edidFor({ width, height, refreshHz, scanoutId: id });
          for (let at = 0; at < edid.length; at += 128) {
            if (sum(edid.subarray(at, at + 128)) !== 0) throw new Error(`checksum of block ${at / 128}`);
          }
          if (edid[126] !== edid.length / 128 - 1) throw new Error('extension count');
          const mode = preferredMode(edid);
          if (mode.width !== width || mode.height !== height) throw new Error(JSON.stringify(mode));
          // The clock is rounded down to a quarter MHz: exact for screens, coarse for stamps.
          const coarseness = 250_000 / ((width + 160) * height);
          if (mode.hz > refreshHz || mode.hz < refreshHz - coarseness) throw new Error(JSON.stringify(mode));
        },
      ),
    ),
  );
});

t.test('1920x1080 at 60 Hz is the timing that CVT 1.2 lists for reduced blanking', async (t) => {
  const edid = Buffer.from(edidFor({ width: 1920, height: 1080, refreshHz: 60, scanoutId: 0 }));
  t.equal(edid.length, 128);
  // 138.50 MHz; 1920 48 32 80; 1080 3 5 23; +HSync -VSync
  t.equal(edid.subarray(54, 66).toString('hex'), '1a3680a070381f4030203500');
  t.equal(edid[71], 0x1a);
});

t.test('outputs have serial numbers of their own', async (t) => {
  const [first, second] = [0, 1].map((scanoutId) =>
    edidFor({ width: 1280, height: 800, refreshHz: 60, scanoutId }),
  ) as [Uint8Array, Uint8Array];
  t.notSame(first.subarray(12, 16), second.subarray(12, 16));
});

t.test('edid-decode finds every block conformant', async (t) => {
  if (spawnSync('edid-decode', ['--help']).error) {
    t.comment('edid-decode is not installed: skipped');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'edid-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const modes = [
    [640, 480, 60],
    [1024, 768, 75],
    [1280, 800, 60],
    [1366, 768, 60],
    [1920, 1080, 60],
    [1920, 1080, 480],
    [3840, 2160, 60],
    [3840, 2160, 144],
    [7680, 4320, 60],
    [16384, 16384, 60],
  ] as const;
  for (const [width, height, refreshHz] of modes) {
    const file = join(folder, 'edid.bin');
    writeFileSync(file, edidFor({ width, height, refreshHz, scanoutId: 0 }));
    const result = spawnSync('edid-decode', ['--check', file], { encoding: 'utf8' });
    t.equal(result.status, 0, `${width}x${height}@${refreshHz}`, { output: result.stdout });
    t.match(result.stdout, `${width}x${height}`);
  }
});
