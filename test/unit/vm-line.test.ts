/** `run`: what a command line of QEMU says, and what is added to it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { complete, type Surroundings, type Wish } from '../../src/cli/vm/complete.js';
import { escapeValue, parseSettings, parseSize, shellQuote } from '../../src/cli/vm/option-syntax.js';
import { parseVmLine, type VmOptions } from '../../src/cli/vm/options.js';
import { LineMistake, QemuLine } from '../../src/cli/vm/qemu-line.js';
import {
  parseDevices,
  parseDisplays,
  parseVersion,
  type QemuProgram,
} from '../../src/cli/vm/qemu-program.js';

/** Lines of what Debian's QEMUs print. */
const VERSIONS = {
  '7.2':
    'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright (c) 2003-2022 Fabrice Bellard',
  '10.0': 'QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)\nCopyright (c) 2003-2025',
  '11.1': 'QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)\nCopyright (c) 2003-2026',
} as const;
const DEVICES = `Display devices:
name "ati-vga", bus PCI
name "cirrus-vga", bus PCI, desc "Cirrus CLGD 54xx VGA"
name "vhost-user-gpu", bus virtio-bus
name "vhost-user-gpu-pci", bus PCI
name "vhost-user-vga", bus PCI
name "virtio-gpu-pci", bus PCI, alias "virtio-gpu"
Input devices:
name "vhost-user-input-pci", bus PCI
`;
const TEST_DEVICE = 'name "vhost-user-test-device-pci", bus PCI\n';
const DISPLAYS = `Available display backend types:
none
curses
gtk

Some display backends support suboptions, which can be set with
   -display backend,option=value,option=value...
For a short list of the suboptions for each display, see the top-level -help output; more detail is in the documentation.
`;

function qemu(version: keyof typeof VERSIONS = '11.1', path = '/usr/bin/qemu-system-x86_64'): QemuProgram {
  return {
    path,
    version: parseVersion(VERSIONS[version]) as QemuProgram['version'],
    devices: parseDevices(version === '11.1' ? DEVICES + TEST_DEVICE : DEVICES),
    displays: parseDisplays(DISPLAYS),
  };
}

const SCREEN: Wish = { mode: 'screen', vga: false, qemuDisplay: true, outputs: 1, size: null };
const WINDOW: Wish = { ...SCREEN, mode: 'window' };
const HERE: Surroundings = { kvm: false, desktop: true, sockets: { gpu: '/run/g' } };

/** What is put behind a line, as words; or the mistake. */
function added(
  words: string | readonly string[],
  wish: Wish = SCREEN,
  program: QemuProgram = qemu(),
  here: Surroundings = HERE,
): string {
  const args = typeof words === 'string' ? words.split(' ').filter(Boolean) : words;
  try {
    return complete(new QemuLine(args), program, wish, here).args.join(' ');
  } catch (error) {
    if (!(error instanceof LineMistake)) throw error;
    return `mistake: ${error.message}`;
  }
}

const MEMORY = (bytes: number): string =>
  `-object memory-backend-memfd,id=gpu-memory,size=${bytes},share=on -machine memory-backend=gpu-memory`;
const GPU = '-chardev socket,id=gpu-socket,path=/run/g -device vhost-user-gpu-pci,id=gpu,chardev=gpu-socket';
const GIB = 2 ** 30;

t.test('an empty line gets all', async (t) => {
  const all = `-accel tcg -cpu max ${MEMORY(128 * 2 ** 20)} -vga none -display gtk,gl=on ${GPU}`;
  t.equal(added(''), all);
  t.equal(added('disk.qcow2'), all);
  t.equal(added('--snapshot -S -hda -weird-'), all, 'a flag has no argument, an option has whatever follows');
});

t.test('what the line says stays', async (t) => {
  for (const [line, never] of [
    ['-accel tcg', /-accel|-cpu/],
    ['-enable-kvm', /-accel|-cpu/],
    ['-M q35,accel=kvm:tcg', /-accel|-cpu/],
    ['-machine accel=tcg -M pc', /-accel|-cpu/],
    ['-cpu host,pmu=on -accel kvm', /-cpu/],
    ['-vga none', /-vga/],
    ['-display none', /-display/],
    ['-nographic', /-display/],
    ['-spice port=1,gl=on', /-display/],
    ['-object memory-backend-memfd,id=m,size=1G,share=on -M q35,memory-backend=m', /-object|-machine/],
    ['-object memory-backend-file,id=m,share=yes -M memory-backend=m -m 1G', /-object|-machine/],
    ['-object memory-backend-ram,id=m,share=on -machine memory-backend=m', /-object|-machine/],
    ['-object memory-backend-shm,id=m -machine memory-backend=m', /-object|-machine/],
    ['-object {"qom-type":"memory-backend-memfd","id":"m","share":true} -M memory-backend=m', /-object/],
    [
      '-object memory-backend-memfd,id=a,share=on -object memory-backend-memfd,id=b,share=on -numa node,memdev=a -numa node,memdev=b',
      /-object|-machine/,
    ],
  ] as const) {
    const more = added(line);
    t.notMatch(more, /mistake/, line);
    t.notMatch(more, never, line);
    t.match(more, /vhost-user-gpu-pci/, line);
  }
});

t.test("the memory's size", async (t) => {
  for (const [line, bytes] of [
    ['-m 512', GIB / 2],
    ['-m 2G', 2 * GIB],
    ['-m size=1.5g,slots=2,maxmem=8G', 1.5 * GIB],
    ['-m 1G -m slots=1 -m 3G', 3 * GIB],
    ['-m slots=2,maxmem=4G', GIB / 8],
    ['-m 100k', 106496],
  ] as const) {
    t.ok(added(line).includes(MEMORY(bytes)), line);
  }
  t.match(added('-m lots'), /mistake: -m lots is no size/);
  for (const [text, unit, bytes] of [
    ['1', 'b', 1],
    ['0x10', 'm', 16 * 2 ** 20],
    ['1e', 'm', null],
    ['1x', 'm', null],
    ['-1', 'm', null],
    ['', 'm', null],
    ['1T', 'm', 2 ** 40],
  ] as const) {
    t.equal(parseSize(text, unit), bytes, text);
  }
});

t.test('what a line can not have', async (t) => {
  for (const [line, said] of [
    ['-vga std', /GPU already, -vga std/],
    ['-vga none -device VGA', /GPU already, -device VGA/],
    ['-device virtio-gpu-gl-pci,id=x', /GPU already, -device virtio-gpu-gl-pci/],
    ['-device {"driver":"qxl"}', /GPU already, -device qxl/],
    ['-device vhost-user-vga,chardev=c', /GPU already/],
    ['-device vhost-user-test-device-pci,virtio-id=16,chardev=c', /GPU already/],
    ['-device ramfb', /GPU already/],
    ['-object memory-backend-memfd,id=m,size=1G -M memory-backend=m', /add share=on/],
    ['-object memory-backend-file,id=m,share=off -M memory-backend=m', /add share=on/],
    ['-object memory-backend-epc,id=m,share=on -M memory-backend=m', /can't be shared/],
    ['-M memory-backend=m', /no -object with id=m/],
    [
      '-object memory-backend-memfd,id=m,share=on -numa node,memdev=m -numa node,memdev=n',
      /no -object with id=n/,
    ],
    ['-object memory-backend-ram,id=d -device pc-dimm,memdev=d', /id=d is not shared/],
    ['-mem-path /dev/hugepages', /-mem-path is not shared/],
    ['-daemonize', /-daemonize/],
    ['-vnc :1', /can't show this screen on vnc/],
    ['-display vnc=:1', /can't show this screen on vnc/],
    ['-curses', /can't show this screen on curses/],
    ['-cpu host', /-cpu host needs KVM/],
    ['-m', /-m needs an argument/],
    ['-device {"driver":', /-device is not JSON/],
    ['-readconfig /nonexistent', /-readconfig \/nonexistent: ENOENT/],
    ['-readconfig /dev/zero', /no file of at most 1 MiB/],
  ] as const) {
    const more = added(line);
    t.match(more, /^mistake: /, line);
    t.match(more, said, line);
  }
  t.notMatch(added('-device vhost-user-test-device-pci,virtio-id=4,chardev=c'), /mistake/, 'that is no GPU');
  t.notMatch(added('-device ivshmem-plain,memdev=x'), /mistake/, 'that is no main memory');
  const anonymous = '-object memory-backend-ram,id=m,share=on -machine memory-backend=m -accel kvm';
  t.match(added(anonymous, SCREEN, qemu('7.2')), /can't be shared/, 'it became a file later');
});

t.test('a configuration file is read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vm-line-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'vm.cfg');
  writeFileSync(
    path,
    '# memory\n[object "ram0"]\n  qom-type = "memory-backend-memfd"\n  size = "1G"\n  share = "on"\n' +
      '[machine]\n  type = "q35"\n  memory-backend = "ram0"\n\n[device "gpu"]\n  driver = "virtio-net-pci"\n[memory]\nsize = "1G"\n',
  );
  const more = added(['-readconfig', path]);
  t.notMatch(more, /-object|mistake/);
  t.match(more, /id=gpu-2,chardev=gpu-socket/, 'an id that is taken is not used again');
  writeFileSync(path, '[device "x"]\n  driver = "VGA"\n');
  t.match(added(['-readconfig', path]), /GPU already, -device VGA/);
});

t.test('ids', async (t) => {
  const line = '-chardev null,id=gpu-socket -device virtio-rng-pci,id=gpu -object rng-builtin,id=gpu-memory';
  const more = added(line);
  t.match(more, /-object memory-backend-memfd,id=gpu-memory-2,.* -machine memory-backend=gpu-memory-2 /);
  t.match(
    more,
    /socket,id=gpu-socket-2,path=\/run\/g -device vhost-user-gpu-pci,id=gpu-2,chardev=gpu-socket-2$/,
  );
});

t.test('KVM is used where it works and nobody said otherwise', async (t) => {
  const kvm = { ...HERE, kvm: true };
  t.match(added('', SCREEN, qemu(), kvm), /^-accel kvm -cpu max /);
  t.match(added('-cpu host', SCREEN, qemu(), kvm), /^-accel kvm -object/);
  t.match(added('-accel tcg', SCREEN, qemu(), kvm), /^-object/);
  t.match(
    added('', SCREEN, qemu('11.1', '/x/qemu-system-aarch64'), kvm),
    /^-accel tcg -cpu max/,
    "another's guests",
  );
  t.match(added('', SCREEN, qemu('11.1', 'qemu-system-riscv64'), kvm), /^-accel tcg -object/);
  t.match(added('', SCREEN, qemu('11.1', '/usr/bin/kvm'), kvm), /^-accel kvm -cpu max/);
});

t.test('versions', async (t) => {
  t.match(added('', SCREEN, qemu('7.2')), /mistake: QEMU 7\.2\.22 has vhost-user devices only with KVM/);
  t.match(added('', SCREEN, qemu('7.2'), { ...HERE, kvm: true }), /vhost-user-gpu-pci/);
  t.match(added('-accel kvm', SCREEN, qemu('7.2')), /vhost-user-gpu-pci/);
  t.match(
    added('', WINDOW, qemu('10.0')),
    /mistake: QEMU 10\.0\.2 has no vhost-user-test-device-pci: .*11\.1/,
  );
  t.match(added('', SCREEN, { ...qemu(), devices: new Set() }), /mistake: .* has no vhost-user-gpu-pci/);
  t.equal(parseVersion('cat (GNU coreutils) 9.1'), null);
});

t.test('what is asked for', async (t) => {
  const large = { ...SCREEN, outputs: 3, size: { width: 1920, height: 1200 } };
  t.match(
    added('', large),
    /vhost-user-gpu-pci,id=gpu,chardev=gpu-socket,max_outputs=3,xres=1920,yres=1200$/,
  );
  t.match(added('', { ...SCREEN, vga: true }), /-vga none .*-device vhost-user-vga,id=gpu/);
  t.match(added('', { ...SCREEN, qemuDisplay: false }), /-display none/);
  t.match(added('', SCREEN, qemu(), { ...HERE, desktop: false }), /-display none/);
  t.match(added('', SCREEN, { ...qemu(), displays: new Set(['sdl']) }), /-display sdl,gl=on/);
  const sockets = { gpu: '/run/a,b', keyboard: '/run/k', tablet: '/run/t' };
  t.equal(
    added('-accel kvm -m 1G', WINDOW, qemu(), { ...HERE, sockets }),
    `${MEMORY(GIB)} -vga none -display none -chardev socket,id=gpu-socket,path=/run/a,,b ` +
      '-device vhost-user-test-device-pci,id=gpu,chardev=gpu-socket,virtio-id=16,num_vqs=2,vq_size=256,config_size=20 ' +
      '-chardev socket,id=keyboard-socket,path=/run/k -device vhost-user-input-pci,id=keyboard,chardev=keyboard-socket ' +
      '-chardev socket,id=tablet-socket,path=/run/t -device vhost-user-input-pci,id=tablet,chardev=tablet-socket',
  );
  t.notMatch(added('-vnc :1', WINDOW), /mistake|-display/, 'QEMU shows other things there');
});

t.test('values of options', async (t) => {
  const entries = (text: string): object => Object.fromEntries(parseSettings(text, 'driver'));
  t.same(entries('e1000,mac=1:2,romfile='), { driver: 'e1000', mac: '1:2', romfile: '' });
  t.same(entries('id=x,driver=y,multi,nowait'), { id: 'x', driver: 'y', multi: 'on', wait: 'off' });
  t.same(entries('a,p=b,,c,,,d=e'), { driver: 'a', p: 'b,c,', d: 'e' });
  t.same(entries('{"driver":"a","n":1,"b":false,"o":{"x":1}}'), { driver: 'a', n: '1', b: 'off' });
  t.same(entries(''), {});
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (first, value) => {
      const text = `k${escapeValue(first)}=1,path=${escapeValue(value)},end=2`;
      const settings = parseSettings(text, 'driver');
      return settings.get('path') === value && settings.get('end') === '2';
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 12 })), (args) => {
      // Never anything but a mistake, whatever stands there.
      return typeof added(args) === 'string';
    }),
  );
  t.equal(shellQuote(['a', "it's", '', '$x', 'a=b,c:d/e']), `a 'it'\\''s' '' '$x' a=b,c:d/e`);
});

t.test("run's own options", async (t) => {
  const parse = (words: string): VmOptions => {
    const line = parseVmLine(words.split(' '), '1');
    if (line.action !== 'run') throw new Error(line.message);
    return line.options;
  };
  t.match(parse('-- qemu -m 1G --'), { qemu: ['qemu', '-m', '1G', '--'], inputs: [], wish: SCREEN });
  t.same(parse('-- q').backEndArgs, ['--outputs=1', '--log-level=warn']);
  const window = parse(
    '--window --label work --outputs 2 --resolution 800x600,640x480@75 --max-resources 9 -- q',
  );
  t.match(window.wish, { mode: 'window', outputs: 2, size: { width: 800, height: 600 } });
  t.same(window.inputs, ['keyboard', 'tablet', 'mouse', 'touch']);
  t.same(window.backEndArgs, [
    '--outputs=2',
    '--resolution=800x600@60,640x480@75',
    '--window',
    '--title=work',
    '--log-level=warn',
    '--max-resources',
    '9',
  ]);
  const forward = parse('--window --display none --policy p.json --label a --log-level=debug -- q');
  t.same(forward.backEndArgs, [
    '--outputs=1',
    '--wayland',
    '--label=a',
    '--policy=p.json',
    '--log-level=debug',
  ]);
  t.same(forward.inputs, [], 'nothing would feed them');
  const control = parse('--window --display none --control-socket=/run/c -- q');
  t.same([control.inputs.length, control.backEndArgs.at(-1)], [4, '--control-socket=/run/c']);
  t.same(parse('--control-socket=/run/c -- q').inputs, [], "QEMU's own are the guest's");
  const viewer = parse('--display viewer --viewer-token-file=t -- q');
  t.same([viewer.wish.qemuDisplay, viewer.inputs], [false, ['keyboard', 'tablet', 'touch']]);
  t.same(viewer.backEndArgs, [
    '--outputs=1',
    '--viewer=127.0.0.1:0',
    '--log-level=warn',
    '--viewer-token-file=t',
  ]);
  const placed = parse('--window --display viewer --viewer /run/v -- q');
  t.same(placed.backEndArgs, ['--outputs=1', '--log-level=warn', '--viewer', '/run/v']);
  t.same(placed.inputs, ['keyboard', 'tablet', 'touch']);
  t.equal(parse('--display=none --control-socket=/run/c -- q').inputs.length, 4, 'QEMU shows nothing');
  for (const [words, code, said] of [
    ['', 2, /behind --/],
    ['--', 2, /behind --/],
    ['--screen --window -- q', 2, /not both/],
    ['--window --vga -- q', 2, /--vga/],
    ['--wayland -- q', 2, /need --window/],
    ['--label x -- q', 2, /--label/],
    ['--display wayland -- q', 2, /--display/],
    ['--display x -- q', 2, /wayland, viewer, none/],
    ['--outputs 17 -- q', 2, /16/],
    ['--what -- q', 2, /--what/],
    ['what -- q', 2, /./],
    ['--virgl -- q', 3, /3D/],
    ['--socket-path=/x -- q', 2, /sockets by itself/],
    ['--keyboard-socket /x -- q', 2, /sockets by itself/],
    ['--print-capabilities -- q', 2, /no use/],
  ] as const) {
    const line = parseVmLine(words.split(' ').filter(Boolean), '1');
    if (line.action === 'exit') {
      t.equal(line.code, code, words);
      t.match(line.message, said, words);
    } else t.fail(words);
  }
});
