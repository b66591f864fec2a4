/** dma-bufs over guest pages: which pieces of which files, and what can't be one. (For the kernel's part: e2e/dmabuf.) */
import fc from 'fast-check';
import t from 'tap';
import { closeFd, createMemfd, type FilePiece, pageSize, Seal } from 'vhost-user-native';
import type { DeviceMemory, MemoryFile } from 'vhost-user-ts';
import { planPieces, UdmabufExporter, type UdmabufHost } from '../../src/virtio-gpu/resource/udmabuf.js';

const LIMITS = { entries: 1024, bytes: 64 * 2 ** 20 };
const GiB = 2 ** 30;

/** As QEMU's table for 4 GiB: one file, low and high part, the hole below 4 GiB between them. */
const FILES: readonly MemoryFile[] = [
  { guestAddress: 0, length: 2 * GiB, fd: 10, fileOffset: 0 },
  { guestAddress: 4 * GiB, length: 2 * GiB, fd: 11, fileOffset: 2 * GiB },
  { guestAddress: 6 * GiB, length: 16 * pageSize, fd: 12, fileOffset: 3 * pageSize },
];

/** Ranges in pages. */
function pages(...ranges: readonly (readonly [number, number])[]): Float64Array {
  return Float64Array.from(ranges.flat().map((value) => value * pageSize));
}

function plan(ranges: Float64Array, bytes: number, limits = LIMITS, files = FILES) {
  return planPieces(files, ranges, bytes, limits);
}

t.test('ranges become pieces of files, neighbours one piece', async (t) => {
  t.strictSame(
    plan(pages([5, 1], [6, 2], [3, 1], [9, 1], [10, 1]), 6 * pageSize),
    [
      { fd: 10, offset: 5 * pageSize, length: 3 * pageSize },
      { fd: 10, offset: 3 * pageSize, length: pageSize },
      { fd: 10, offset: 9 * pageSize, length: 2 * pageSize },
    ],
    'order stays',
  );
  const high = (4 * GiB) / pageSize;
  t.strictSame(plan(pages([high + 1, 1]), 1), [{ fd: 11, offset: 2 * GiB + pageSize, length: pageSize }]);
  const end = (6 * GiB) / pageSize;
  t.strictSame(
    plan(pages([end - 1, 3]), 3 * pageSize),
    [
      { fd: 11, offset: 4 * GiB - pageSize, length: pageSize },
      { fd: 12, offset: 3 * pageSize, length: 2 * pageSize },
    ],
    'a range that crosses from one region into the next',
  );
});

t.test('as much as the buffer needs, in whole pages', async (t) => {
  const ranges = pages([0, 4], [8, 4]);
  t.strictSame(plan(ranges, 4 * pageSize), [{ fd: 10, offset: 0, length: 4 * pageSize }]);
  t.strictSame(plan(ranges, 4 * pageSize + 1), [
    { fd: 10, offset: 0, length: 4 * pageSize },
    { fd: 10, offset: 8 * pageSize, length: pageSize },
  ]);
  t.equal(plan(ranges, 8 * pageSize + 1), 'outside', 'the ranges end before the buffer');
  t.equal(plan(ranges, 0), 'outside');
  t.equal(plan(new Float64Array(0), 1), 'outside');
  t.equal(plan(pages([1, 1]), 1, LIMITS, []), 'outside', 'no memory at all');
});

t.test('what udmabuf can not do', async (t) => {
  const high = (4 * GiB) / pageSize;
  t.equal(plan(pages([high - 1, 1]), 1), 'outside', 'the hole below 4 GiB');
  t.equal(plan(pages([high - 2, 4]), 4 * pageSize), 'outside', 'into memory from the hole');
  t.equal(plan(pages([(6 * GiB) / pageSize + 15, 2]), 2 * pageSize), 'outside', 'beyond the end');
  t.equal(plan(Float64Array.of(512, pageSize), pageSize), 'unaligned');
  t.equal(plan(Float64Array.of(0, pageSize / 2, pageSize, pageSize), pageSize), 'unaligned', 'half a page');
  const odd = [{ guestAddress: 0, length: 4 * pageSize, fd: 1, fileOffset: 512 }];
  t.equal(plan(pages([0, 1]), 1, LIMITS, odd), 'unaligned', 'an odd place in the file');

  const scattered = pages(...Array.from({ length: 1025 }, (_, i) => [2 * i, 1] as const));
  t.equal(plan(scattered, 1025 * pageSize), 'too-many-pieces');
  t.equal(plan(scattered, 1024 * pageSize).length, 1024);
  t.equal(plan(scattered, 1025 * pageSize, { ...LIMITS, entries: 1025 }).length, 1025);
  t.equal(plan(pages([0, GiB / pageSize]), LIMITS.bytes + 1), 'too-large');
  t.type(plan(pages([0, GiB / pageSize]), LIMITS.bytes), 'object');
  t.equal(plan(pages([0, 1]), Number.MAX_SAFE_INTEGER), 'too-large');
});

t.test('any ranges: page by page the same memory, or a refusal with a reason', async () => {
  const page = fc.integer({ min: 0, max: 40 });
  const range = fc.tuple(page, fc.integer({ min: 1, max: 6 }));
  const regions = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      regions,
      fc.array(range, { maxLength: 12 }),
      fc.integer({ min: 1, max: 30 }),
      (slots, list, wanted) => {
        const files = slots
          .toSorted((a, b) => a - b)
          .map((slot, i) => ({
            guestAddress: slot * 4 * pageSize,
            length: 4 * pageSize,
            fd: i % 2,
            fileOffset: (i * 7 + slot) * pageSize,
          }));
        const expected: (string | null)[] = list
          .flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i))
          .slice(0, wanted)
          .map((at) => {
            const file = files.find(({ guestAddress }) => guestAddress === Math.floor(at / 4) * 4 * pageSize);
            return file === undefined ? null : `${file.fd} ${file.fileOffset / pageSize + (at % 4)}`;
          });
        const got = planPieces(files, pages(...list), wanted * pageSize, LIMITS);
        if (expected.length < wanted || expected.includes(null)) return got === 'outside';
        if (typeof got === 'string') return false;
        const seen = got.flatMap(({ fd, offset, length }) =>
          Array.from({ length: length / pageSize }, (_, i) => `${fd} ${offset / pageSize + i}`),
        );
        const merged = got.every((piece, i) => !adjoins(got[i - 1], piece));
        return merged && seen.join() === expected.join();
      },
    ),
    { numRuns: 500 },
  );
});

function adjoins(before: FilePiece | undefined, piece: FilePiece): boolean {
  return before !== undefined && before.fd === piece.fd && before.offset + before.length === piece.offset;
}

/** Guest memory of one file, and an exporter whose kernel does as it is told. */
function exporterOver(fd: number, host: Partial<UdmabufHost>) {
  const files = [{ guestAddress: 0, length: 16 * pageSize, fd, fileOffset: 0 }];
  const memory: DeviceMemory = {
    generation: 1,
    covers: () => true,
    scatterGather: () => null,
    files: () => files,
    markDirty: () => undefined,
  };
  const exporter = new UdmabufExporter({ limits: () => LIMITS, ...host });
  return { exporter, attempt: () => exporter.export(memory, pages([2, 1], [1, 1]), 2 * pageSize), memory };
}

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

t.test('the file has to be sealed against shrinking, and not against writing', async (t) => {
  const { GROW, SHRINK, WRITE, FUTURE_WRITE } = Seal;
  const cases: readonly (readonly [seals: number, usable: boolean])[] = [
    [0, false],
    [GROW, false],
    [SHRINK, true],
    [SHRINK | GROW | Seal.SEAL, true],
    [SHRINK | WRITE, false],
    [SHRINK | FUTURE_WRITE, false],
  ];
  for (const [seals, usable] of cases) {
    const fd = createMemfd('guest', { size: 16 * pageSize, seals });
    let seen: readonly FilePiece[] = [];
    const { exporter, attempt } = exporterOver(fd, {
      create: (pieces) => {
        seen = pieces;
        return 99;
      },
    });
    t.equal(attempt(), usable ? 99 : null, `seals ${seals}`);
    t.equal(attempt(), usable ? 99 : null);
    t.match(exporter.metrics, usable ? { exported: 2 } : { exported: 0, refused: { unsealed: 2 } });
    if (usable) {
      t.strictSame(seen, [
        { fd, offset: 2 * pageSize, length: pageSize },
        { fd, offset: pageSize, length: pageSize },
      ]);
    }
    closeFd(fd);
  }
  t.equal(exporterOver(0, {}).attempt(), null, 'no memfd at all');
});

t.test('a device that goes and comes back, limits that change', async (t) => {
  let limits: ReturnType<UdmabufHost['limits']> = null;
  let create: UdmabufHost['create'] = () => 7;
  let checks = 0;
  const { exporter, attempt, memory } = exporterOver(5, {
    limits: () => limits,
    isUsable: () => ++checks > 0,
    create: (pieces) => create(pieces),
  });
  t.equal(exporter.available, false);
  t.equal(attempt(), null);
  limits = LIMITS;
  t.equal(exporter.available, true);
  t.equal(attempt(), 7);
  limits = { entries: 1, bytes: LIMITS.bytes };
  t.equal(attempt(), null);
  limits = { entries: 1024, bytes: 0 };
  t.equal(attempt(), null);
  limits = LIMITS;
  for (const code of ['EACCES', 'ENOENT', 'ENODEV']) {
    create = failing(code);
    t.equal(attempt(), null);
  }
  for (const code of ['EINVAL', 'ENOMEM', 'EMFILE']) {
    create = failing(code);
    t.equal(attempt(), null);
  }
  create = () => 8;
  t.equal(attempt(), 8, 'each time anew');
  t.match(exporter.metrics, {
    exported: 2,
    refused: { unavailable: 4, refused: 3, 'too-many-pieces': 1, 'too-large': 1, unsealed: 0, outside: 0 },
  });
  t.equal(checks, 1, 'seals are looked at once in each generation of the memory table');
  t.equal(exporter.export({ ...memory, generation: 2 }, pages([0, 1]), 1), 8);
  t.equal(checks, 2);
});
