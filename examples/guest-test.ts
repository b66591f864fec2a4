/**
 * A test of a guest, in the style of Playwright: types into its console, waits until the screen looks right, and keeps a
 * film of it (any browser plays that). Run it with QEMU 11.1 and whatever boots your guest:
 *
 *   node dist/examples/guest-test.js guest.apng qemu-system-x86_64 -kernel vmlinuz -initrd initrd …
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { startBackEnd } from 'vhost-user-gpu-ts';

const [film = 'guest.apng', qemu = 'qemu-system-x86_64', ...boot] = process.argv.slice(2);
const { socketPath, inputPaths, control, close } = await startBackEnd();
const machine = `
  -object memory-backend-memfd,id=mem,size=512M,share=on -machine q35,memory-backend=mem -m 512 -vga none -display none
  -chardev socket,id=gpu,path=${socketPath}
  -device vhost-user-test-device-pci,virtio-id=16,num_vqs=2,vq_size=256,config_size=20,chardev=gpu
  -chardev socket,id=keyboard,path=${inputPaths.keyboard} -device vhost-user-input-pci,chardev=keyboard`;
const guest = spawn(qemu, [...machine.trim().split(/\s+/), ...boot], { stdio: 'inherit' });
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
  guest.kill();
  close();
}
