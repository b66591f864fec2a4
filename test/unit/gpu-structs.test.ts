/** Our layouts and numbers against the kernel's <linux/virtio_gpu.h>. Skipped where there is no C compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import * as constants from '../../src/virtio-gpu/wire/constants.js';
import * as formats from '../../src/virtio-gpu/wire/formats.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';

interface Expected {
  readonly text: string;
  readonly value: number;
}

const HEADER = wire.CtrlHdr.size;

function layout(
  name: string,
  struct: { readonly size: number; readonly offsets: Readonly<Record<string, number>> },
  fields: Readonly<Record<string, string>>,
  base = 0,
): Expected[] {
  const size = { text: `sizeof(struct ${name})`, value: base + struct.size };
  return [
    size,
    ...Object.entries(fields).map(([ours, theirs]) => ({
      text: `offsetof(struct ${name}, ${theirs})`,
      value: base + (struct.offsets[ours] ?? Number.NaN),
    })),
  ];
}

const R = { r: 'r' };
const ID = { resourceId: 'resource_id' };

const EXPECTED: readonly Expected[] = [
  ...layout('virtio_gpu_ctrl_hdr', wire.CtrlHdr, {
    type: 'type',
    flags: 'flags',
    fenceId: 'fence_id',
    ctxId: 'ctx_id',
    ringIdx: 'ring_idx',
  }),
  ...layout('virtio_gpu_rect', wire.GpuRect, { x: 'x', y: 'y', width: 'width', height: 'height' }),
  ...layout(
    'virtio_gpu_resource_create_2d',
    wire.ResourceCreate2dBody,
    { ...ID, format: 'format', width: 'width', height: 'height' },
    HEADER,
  ),
  ...layout('virtio_gpu_resource_unref', wire.ResourceBody, ID, HEADER),
  ...layout('virtio_gpu_resource_detach_backing', wire.ResourceBody, ID, HEADER),
  ...layout('virtio_gpu_resource_assign_uuid', wire.ResourceBody, ID, HEADER),
  ...layout('virtio_gpu_set_scanout', wire.SetScanoutBody, { ...R, ...ID, scanoutId: 'scanout_id' }, HEADER),
  ...layout('virtio_gpu_resource_flush', wire.ResourceFlushBody, { ...R, ...ID }, HEADER),
  ...layout(
    'virtio_gpu_transfer_to_host_2d',
    wire.TransferToHost2dBody,
    { ...R, ...ID, offset: 'offset' },
    HEADER,
  ),
  ...layout(
    'virtio_gpu_resource_attach_backing',
    wire.ResourceAttachBackingBody,
    { ...ID, nrEntries: 'nr_entries' },
    HEADER,
  ),
  ...layout('virtio_gpu_mem_entry', wire.MemEntry, { addr: 'addr', length: 'length' }),
  ...layout(
    'virtio_gpu_resource_create_blob',
    wire.ResourceCreateBlobBody,
    {
      ...ID,
      blobMem: 'blob_mem',
      blobFlags: 'blob_flags',
      nrEntries: 'nr_entries',
      blobId: 'blob_id',
      size: 'size',
    },
    HEADER,
  ),
  ...layout(
    'virtio_gpu_set_scanout_blob',
    wire.SetScanoutBlobBody,
    {
      ...R,
      ...ID,
      scanoutId: 'scanout_id',
      width: 'width',
      height: 'height',
      format: 'format',
      strides: 'strides',
      offsets: 'offsets',
    },
    HEADER,
  ),
  ...layout('virtio_gpu_resource_map_blob', wire.ResourceMapBlobBody, { ...ID, offset: 'offset' }, HEADER),
  ...layout('virtio_gpu_resp_map_info', wire.MapInfoBody, { mapInfo: 'map_info' }, HEADER),
  ...layout('virtio_gpu_get_capset_info', wire.GetCapsetInfoBody, { capsetIndex: 'capset_index' }, HEADER),
  ...layout(
    'virtio_gpu_get_capset',
    wire.GetCapsetBody,
    { capsetId: 'capset_id', capsetVersion: 'capset_version' },
    HEADER,
  ),
  ...layout('virtio_gpu_cmd_get_edid', wire.GetEdidBody, { scanout: 'scanout' }, HEADER),
  ...layout('virtio_gpu_cursor_pos', wire.CursorPos, { scanoutId: 'scanout_id', x: 'x', y: 'y' }),
  ...layout(
    'virtio_gpu_update_cursor',
    wire.UpdateCursorBody,
    { ...ID, pos: 'pos', hotX: 'hot_x', hotY: 'hot_y' },
    HEADER,
  ),
  ...layout('virtio_gpu_display_one', wire.DisplayOne, { ...R, enabled: 'enabled', flags: 'flags' }),
  ...layout('virtio_gpu_resp_display_info', wire.DisplayInfoBody, { pmodes: 'pmodes' }, HEADER),
  ...layout('virtio_gpu_resp_edid', wire.EdidBody, { size: 'size', edid: 'edid' }, HEADER),
  ...layout('virtio_gpu_resp_resource_uuid', wire.ResourceUuidBody, { uuid: 'uuid' }, HEADER),
  ...Object.entries({ ...constants, ...formats })
    .filter(([name, value]) => name.startsWith('VIRTIO_GPU_') && typeof value === 'number')
    .map(([text, value]) => ({ text, value: value as number })),
];

/** Bytes of the config space fields that every version of the header has. */
const CONFIG_FIELDS = ['events_read', 'events_clear', 'num_scanouts', 'num_capsets'];

const SOURCE = `
#include <stddef.h>
#include <stdio.h>
#include <linux/virtio_gpu.h>
int main(void) {
${EXPECTED.map(({ text }) => `  printf("%lld\\n", (long long)(${text}));`).join('\n')}
${CONFIG_FIELDS.map((field) => `  printf("%zu\\n", offsetof(struct virtio_gpu_config, ${field}));`).join('\n')}
  return 0;
}
`;

function compiled(): { readonly status: number | null; readonly lines: string[]; readonly errors: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-structs-'));
  try {
    const program = join(folder, 'layouts');
    writeFileSync(`${program}.c`, SOURCE);
    const compiler = spawnSync('cc', ['-o', program, `${program}.c`], { encoding: 'utf8' });
    if (compiler.status !== 0) return { status: compiler.status, lines: [], errors: compiler.stderr };
    const { stdout } = spawnSync(program, { encoding: 'utf8' });
    return { status: 0, lines: stdout.trim().split('\n'), errors: '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasCompiler = spawnSync('cc', ['-fsyntax-only', '-x', 'c', '-'], {
  input: '#include <linux/virtio_gpu.h>\n',
});

t.test(
  'layouts and numbers are those of the kernel',
  {
    skip: hasCompiler.status === 0 ? false : 'no C compiler, or no kernel headers',
  },
  async (t) => {
    const { status, lines, errors } = compiled();
    t.equal(status, 0, errors);
    const values = lines.map(Number);
    EXPECTED.forEach(({ text, value }, i) => {
      t.equal(values[i], value, text);
    });
    t.strictSame(values.slice(EXPECTED.length), [
      wire.Config.offsets.eventsRead,
      wire.Config.offsets.eventsClear,
      wire.Config.offsets.numScanouts,
      wire.Config.offsets.numCapsets,
    ]);
  },
);
