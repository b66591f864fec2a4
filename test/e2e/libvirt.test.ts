/** libvirt runs machines with our GPU, by the domain XML in qemu-configs/: pictures, and what is left afterwards. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlClient } from '../../src/npm/index.js';
import { BackEnd } from './harness/back-end.js';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { GuestChannel } from './harness/guest-channel.js';
import { Libvirt } from './harness/libvirt.js';
import { LineSocket } from './harness/line-socket.js';
import { BUILTIN } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { difference, type RgbPicture } from './harness/picture.js';
import { decodePng } from './harness/png.js';
import { kvmWorks } from './harness/qemu.js';
import { weston } from './harness/weston.js';

const COMMAND = join(process.cwd(), 'dist/vhost-user-gpu-ts.js');
const FIXTURES = 'test/fixtures/kubevirt';
const HOOK = 'dist/examples/kubevirt/on-define-domain.mjs';
const SIZE = { width: 800, height: 600 };
const PICTURE_TRIES = 200;

function scriptOutput(script: string, ...args: string[]): string {
  return execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/**
 * A machine of qemu-configs/ on the tests' guest and QEMU. Its disk gives way to a kernel and a serial port by which we talk
 * to it; `sockets`: the folder that stands in for /tmp.
 */
function domain(name: 'screen' | 'window', qemu: string, channel: string, sockets = '/tmp'): string {
  const image = scriptOutput('guest/build', '6.12');
  const boot =
    `<kernel>${image}/vmlinuz</kernel><initrd>${image}/initramfs</initrd>` +
    '<cmdline>console=tty0 vt.cur_default=1 panic=-1 quiet</cmdline>';
  const serial =
    "<serial type='null'><target port='0'/></serial>" +
    `<serial type='unix'><source mode='connect' path='${channel}'/><target port='1'/></serial>`;
  return readFileSync(`qemu-configs/libvirt-${name}.xml`, 'utf8')
    .replace("type='kvm'", kvmWorks() ? "type='kvm'" : "type='qemu'")
    .replace(/<emulator>.*?<\/emulator>/, `<emulator>${qemu}</emulator>`)
    .replace(/<disk .*?<\/disk>/s, serial)
    .replace('</os>', `${boot}</os>`)
    .replace("<memory unit='GiB'>2", "<memory unit='MiB'>512")
    .replaceAll('path=/tmp/', `path=${sockets}/`);
}

/** The processes that run our command by its path. */
function backEnds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(COMMAND);
      } catch {
        // It has ended.
        return false;
      }
    })
    .map(Number);
}

async function untilShot(libvirt: Libvirt, name: string, expected: RgbPicture): Promise<void> {
  const path = join(libvirt.folder, 'shot.png');
  let differs: string | null = '';
  for (let tries = 0; tries < PICTURE_TRIES; tries++) {
    await libvirt.virsh('screenshot', name, path);
    differs = difference(decodePng(readFileSync(path)), expected);
    if (differs === null) return;
  }
  throw new Error(`${differs}\n${libvirt.machineLog(name)}`);
}

/** Starts a machine by its XML and gives it to `body`; then it is destroyed. */
async function withDomain(
  libvirt: Libvirt,
  name: string,
  xml: (channel: string) => string,
  body: (guest: GuestChannel) => Promise<void>,
): Promise<void> {
  const path = join(libvirt.folder, 'channel');
  const channel = LineSocket.listen(path);
  await channel.listening;
  const file = join(libvirt.folder, 'domain.xml');
  writeFileSync(file, xml(path));
  execFileSync('virt-xml-validate', [file, 'domain'], { stdio: 'pipe' });
  await libvirt.virsh('create', file);
  try {
    const guest = new GuestChannel(await channel.accepted);
    await guest.ready();
    await body(guest);
    guest.close();
  } finally {
    await libvirt.virsh('destroy', name);
  }
}

t.test('libvirt', { skip: BUILTIN }, async (t) => {
  const libvirt = new Libvirt();
  const compositor = await HostCompositor.start(weston({ version: 'current', ...SIZE }));
  try {
    for (const name of ['screen', 'window']) {
      execFileSync('virt-xml-validate', [`qemu-configs/libvirt-${name}.xml`, 'domain'], { stdio: 'pipe' });
    }
    // What the documentation says, in the test's own places.
    const folder = join(libvirt.folder, 'config/qemu/vhost-user');
    const installed = execFileSync(COMMAND, ['install-descriptor', folder], { env: libvirt.env });
    t.equal(installed.toString().trim(), join(folder, '50-vhost-user-gpu-ts.json'));
    await libvirt.start();
    const others = backEnds();

    await t.test('screen mode: libvirt starts the back-end', async (t) => {
      const qemu = scriptOutput('scripts/qemu-tree', '10.0');
      let pid = 0;
      await withDomain(
        libvirt,
        'screen',
        (channel) => domain('screen', qemu, channel),
        async (guest) => {
          const started = backEnds().filter((other) => !others.includes(other));
          t.equal(started.length, 1);
          pid = started[0] ?? 0;
          t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Seccomp:\s+2$/m, 'it is sandboxed');
          const drm = await DrmTest.start(guest);
          await drm.mode(0, SIZE.width, SIZE.height, 1);
          await untilShot(libvirt, 'screen', picture(SIZE.width, SIZE.height, 1));
          await drm.quit();
        },
      );
      await untilGone(pid);
      t.same(
        backEnds().filter((other) => !others.includes(other)),
        [],
        'destroy leaves no process',
      );
      const left = readdirSync(join(libvirt.folder, 'run'), { recursive: true, encoding: 'utf8' });
      t.notOk(
        left.find((path) => /screen|video0|vhost/.test(path)),
        'and no file',
      );
    });

    await t.test('window mode: on a back-end that runs', async (t) => {
      const qemu = scriptOutput('scripts/qemu-tree', '11.1');
      let sockets = '';
      const backEnd = await BackEnd.startIn(compositor.env, (path) => {
        sockets = join(path, '..');
        return [
          '--window',
          `--keyboard-socket=${join(sockets, 'keyboard.sock')}`,
          `--tablet-socket=${join(sockets, 'tablet.sock')}`,
        ];
      });
      try {
        // (The harness has a name of its own for the socket.)
        const xml = (channel: string): string =>
          domain('window', qemu, channel, sockets).replace('/gpu.sock', '/vhost-user.sock');
        await withDomain(libvirt, 'window', xml, async (guest) => {
          const drm = await DrmTest.start(guest);
          await drm.mode(0, SIZE.width, SIZE.height, 2);
          await compositor.waitForScreen('libvirt-window', picture(SIZE.width, SIZE.height, 2));
          await drm.quit();
        });
        await backEnd.process.waitForOutput(/front-end disconnected/);
      } finally {
        t.equal(await backEnd.stop(), 0, 'the back-end has outlived it');
      }
    });

    await t.test("KubeVirt's domains, with the hook of examples/kubevirt", async (t) => {
      for (const name of readdirSync(FIXTURES)) await checkKubeVirt(t, libvirt, name);
    });

    execFileSync(COMMAND, ['install-descriptor', '--remove', folder]);
    t.same(readdirSync(folder), []);
  } finally {
    await libvirt.close();
    await compositor.close();
  }
});

/** libvirt takes the domain, and QEMU starts with it, up to the first instruction of the guest. */
async function checkKubeVirt(t: Test, libvirt: Libvirt, name: string): Promise<void> {
  const backEnd = await BackEnd.startIn(process.env, (path) => [`--control-socket=${path}-control`]);
  const control = new ControlClient(`${backEnd.socketPath}-control`);
  try {
    const before = readFileSync(join(FIXTURES, name), 'utf8');
    const { NODE_OPTIONS: _, ...own } = process.env;
    const env = { ...own, VHOST_USER_GPU_SOCKET: backEnd.socketPath };
    const hook = [HOOK, '--vmi', '{"metadata":{}}', '--domain', before];
    const after = execFileSync(process.execPath, hook, { env, encoding: 'utf8' });
    const file = join(libvirt.folder, name);
    // (KubeVirt writes empty elements, which the schema lacks and libvirt passes over.)
    writeFileSync(file, after.replace(/<(bios|baseBoard|chassis|source)><\/\1>/g, ''));
    execFileSync('virt-xml-validate', [file, 'domain'], { stdio: 'pipe' });
    // With the QEMU that is here, on what this machine has: no disks of the pod, no huge pages, no other machine types.
    const here = after
      .replace("type='kvm'", 'type="kvm"')
      .replace('type="kvm"', `type="${kvmWorks() ? 'kvm' : 'qemu'}"`)
      .replace(
        /<emulator>.*?<\/emulator>/,
        `<emulator>${scriptOutput('scripts/qemu-tree', '10.0')}</emulator>`,
      )
      .replace(/machine="pc-q35-\w+[^"]*"/, 'machine="q35"')
      .replace(/<cpu mode=["']host-[a-z]+["']/, "<cpu mode='maximum'");
    writeFileSync(file, here);
    await libvirt.virsh('define', file);
    const id = /<name>(.*?)<\/name>/.exec(after)?.[1] ?? '';
    t.match(await libvirt.virsh('dumpxml', id), 'vhost-user-gpu-pci,id=vhost-user-gpu');
    await libvirt.virsh('undefine', id);
    const bare = here
      .replace(/<(disk|interface|serial|console|channel)[ >][\s\S]*?<\/\1>/g, '')
      .replace('<hugepages></hugepages>', '')
      .replace(/<maxMemory .*?<\/maxMemory>/, '')
      .replace(/<numa>[\s\S]*?<\/numa>/, '')
      .replace(/<qemu:arg value="[^>]*><\/qemu:arg>/g, '');
    writeFileSync(file, bare);
    await libvirt.virsh('create', '--paused', file);
    try {
      t.match(await control.call('getHealth'), { machine: true }, name);
    } finally {
      await libvirt.virsh('destroy', id);
    }
  } finally {
    control.close();
    t.equal(await backEnd.stop(), 0);
  }
}

/** Resolves when a process that is not ours has ended. */
async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 20));
}
