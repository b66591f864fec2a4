/**
 * A test of a guest, in the style of Playwright: types into its console, waits until the screen looks right, and keeps a
 * film of it (any browser plays that). Run it with whatever boots your guest:
 *
 *   node dist/examples/guest-test.js guest.apng qemu-system-x86_64 -m 512 -kernel vmlinuz -initrd initrd …
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { startGuest } from 'vhost-user-gpu-ts';

const [film = 'guest.apng', ...qemu] = process.argv.slice(2);
const { control, close } = await startGuest(qemu);
try {
  await control.inputReady('keyboard', { timeoutMs: 180_000 });
  await control.settled(0, { timeoutMs: 60_000 });
  const recording = control.record(async () => {
    await control.type("printf '\\033[44m\\033[2J'\n");
    const blue = readFileSync(new URL('../../examples/blue.png', import.meta.url));
    await control.looksLike(blue, { x: 300, y: 200, timeoutMs: 60_000 });
  });
  writeFileSync(film, await recording);
} finally {
  close();
}
