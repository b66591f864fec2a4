/** Descriptors that a compositor hands out; those of the cases are duplicates of a few that live as long as the fuzzer. */
import { openSync, writeSync } from 'node:fs';
import { closeFd, createMemfd, createPipe, dupFd } from 'vhost-user-native';
import { REGION_BYTES } from './blobs.js';

const KEYMAP = 'xkb_keymap { fuzz };\0';
const DRM_FORMATS = ['XR24', 'AR24', 'NV12', 'RG16'];
const TABLE_ENTRY_BYTES = 16;

function memfd(name: string, content: Uint8Array): number {
  const fd = createMemfd(name, { size: content.length });
  writeSync(fd, content);
  return fd;
}

/** Each format, linear and with a modifier of somebody's. */
function formatTable(): Uint8Array {
  const table = new DataView(new ArrayBuffer(DRM_FORMATS.length * 2 * TABLE_ENTRY_BYTES));
  for (const [index, name] of DRM_FORMATS.entries()) {
    for (const tiled of [0, 1]) {
      const at = (index * 2 + tiled) * TABLE_ENTRY_BYTES;
      table.setUint32(at, Buffer.from(name, 'latin1').readUInt32LE(0), true);
      table.setBigUint64(at + 8, tiled === 0 ? 0n : 0x0100000000000001n, true);
    }
  }
  return new Uint8Array(table.buffer);
}

export const FILE_KINDS = ['keymap', 'table', 'null', 'pipe'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

export class Files {
  /** The shared region. */
  readonly region = createMemfd('region', { size: REGION_BYTES });
  readonly keymapBytes = KEYMAP.length;
  readonly tableBytes = DRM_FORMATS.length * 2 * TABLE_ENTRY_BYTES;
  private readonly fds: Readonly<Record<FileKind, number>>;

  constructor() {
    const pipe = createPipe();
    pipe.reader.close();
    this.fds = {
      keymap: memfd('keymap', Buffer.from(KEYMAP)),
      table: memfd('table', formatTable()),
      null: openSync('/dev/null', 'r+'),
      pipe: pipe.writeFd,
    };
  }

  /** The caller's. */
  open(kind: FileKind): number {
    return dupFd(this.fds[kind]);
  }

  close(): void {
    for (const fd of [this.region, ...Object.values(this.fds)]) closeFd(fd);
  }
}
