/** What the guest proxy says when there is no virtual GPU that it can use. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openVirtGpu } from '../../src/wayland/guest/gpu/drm-virt-gpu.js';

const AS_ROOT = process.getuid?.() === 0;

t.test('no node, no permission, not a GPU', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dri-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.throws(() => openVirtGpu(null, folder), { message: /^no render node .*modprobe virtio-gpu/ });
  t.throws(() => openVirtGpu(null, join(folder, 'nothing')), { message: /^no render node/ });
  const node = join(folder, 'renderD128');
  writeFileSync(node, '');
  t.throws(() => openVirtGpu(null, folder), 'a file that is no device');
  chmodSync(node, 0);
  // Nothing is closed to root.
  if (!AS_ROOT) t.throws(() => openVirtGpu(node), { code: 'EACCES', message: /groups render USER/ });
});
