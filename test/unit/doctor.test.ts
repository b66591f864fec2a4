/** `doctor`: a finding for each thing that can be missing, on hosts and in guests that are made up, and on this one. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type Host, hostChecks } from '../../src/cli/doctor/host.js';
import { realHost } from '../../src/cli/doctor/real-host.js';
import { parseVersion, type QemuProgram } from '../../src/cli/vm/qemu-program.js';
import { broken, exitCode, type Finding, findAll, limited, ok, report } from '../../src/doctor/index.js';
import { type Guest, guestChecks } from '../../src/wayland/guest/doctor/guest.js';

const GLOBALS = [
  'wl_compositor',
  'wl_shm',
  'xdg_wm_base',
  'wl_seat',
  'wl_subcompositor',
  'zwp_linux_dmabuf_v1',
  'wp_viewporter',
  'wp_security_context_manager_v1',
  'zwp_relative_pointer_manager_v1',
  'zwp_pointer_constraints_v1',
  'zwp_keyboard_shortcuts_inhibit_manager_v1',
];

function qemu(version: string, ...devices: string[]): QemuProgram {
  const parsed = parseVersion(`QEMU emulator version ${version}`);
  if (parsed === null) throw new Error('no version');
  return { path: 'qemu', version: parsed, devices: new Set(devices), displays: new Set() };
}

/** What a test wants of a finding. */
interface Expected {
  readonly check: string;
  readonly state?: Finding['state'];
  readonly found?: string | RegExp;
  readonly cost?: RegExp;
  readonly fix?: string | RegExp | null;
}

/** One that has everything. */
const HOST: Host = {
  nodeVersion: 'v20.15.0',
  user: 'me',
  qemu: async () => qemu('11.1.3', 'vhost-user-gpu-pci', 'vhost-user-test-device-pci'),
  kvm: async () => ({ works: true, reason: '' }),
  memfd: () => undefined,
  open: () => null,
  globals: async () => new Set(GLOBALS),
  sandbox: () => ({ landlockAbi: 4, seccomp: true }),
  descriptors: () => 1024,
};

const GUEST: Guest = {
  kernel: '6.12.1-amd64',
  user: 'me',
  driver: () => ({ present: true, driver: 'virtio_gpu' }),
  nodes: () => ['/dev/dri/card0', '/dev/dri/renderD128'],
  open: () => null,
  forwarding: () => undefined,
  displays: () => ['wayland-host'],
};

const fails = (message: string) => (): never => {
  throw new Error(message);
};

/** What docs/troubleshooting.md has under a finding's word; empty where it has nothing. */
function advice(check: string): string {
  const text = readFileSync('docs/troubleshooting.md', 'utf8');
  const [, after = ''] = text.split(`\n### ${check}\n`);
  return (after.split(/\n##/)[0] ?? '').replaceAll('\n', ' ');
}

/** Everything is well but the expected finding. */
function only(t: Test, findings: readonly Finding[], expected: Expected): void {
  const wrong = findings.filter(({ state }) => state !== 'ok');
  t.equal(wrong.length, 1, expected.check);
  t.match(wrong[0], expected);
  t.type(wrong[0]?.cost, 'string', 'it says what that costs');
  const { check = '', fix = null } = wrong[0] ?? {};
  t.ok(
    advice(check).includes(fix === null ? ' ' : `\`${fix}\``),
    `docs/troubleshooting.md: ${check}: ${fix}`,
  );
}

t.test('docs/troubleshooting.md has a heading for each check, and no others', async (t) => {
  const headings = readFileSync('docs/troubleshooting.md', 'utf8').match(/^### .*$/gm) ?? [];
  const checks = [...Object.keys(hostChecks(HOST)), ...Object.keys(guestChecks(GUEST))];
  t.same(
    headings,
    checks.map((check) => `### ${check}`),
  );
});

t.test('a host without faults', async (t) => {
  const findings = await findAll(hostChecks(HOST));
  t.same(
    findings.map(({ check, state }) => `${check} ${state}`),
    [
      'node ok',
      'qemu ok',
      'kvm ok',
      'memory ok',
      'sandbox ok',
      'descriptors ok',
      'udmabuf ok',
      'compositor ok',
    ],
  );
  t.equal(exitCode(findings), 0);
});

t.test("a host's faults, one at a time", async (t) => {
  const without = (...names: string[]): Partial<Host> => ({
    globals: async () => new Set(GLOBALS.filter((name) => !names.includes(name))),
  });
  const closed = (path: string, code: string): Partial<Host> => ({
    open: (asked) => (asked === path ? code : null),
  });
  const cases: readonly [Partial<Host>, Expected][] = [
    [{ nodeVersion: 'v18.19.0' }, { check: 'node', state: 'broken', found: /v18/, fix: /nodejs/ }],
    [{ nodeVersion: 'v20.14.9' }, { check: 'node', state: 'broken' }],
    [
      { qemu: fails('there is no program qemu') },
      { check: 'qemu', state: 'broken', fix: /apt install qemu/ },
    ],
    [
      { qemu: async () => qemu('11.1.3') },
      { check: 'qemu', state: 'broken', found: /without vhost-user-gpu-pci/ },
    ],
    [
      { qemu: async () => qemu('7.2.1', 'vhost-user-gpu-pci') },
      { check: 'qemu', state: 'limited', cost: /KVM only/, fix: /backports/ },
    ],
    [
      { qemu: async () => qemu('10.0.2', 'vhost-user-gpu-pci') },
      { check: 'qemu', state: 'limited', cost: /no windows/, fix: /backports/ },
    ],
    [closed('/dev/kvm', 'ENOENT'), { check: 'kvm', state: 'limited', fix: /modprobe/ }],
    [closed('/dev/kvm', 'EACCES'), { check: 'kvm', state: 'limited', fix: 'sudo usermod -aG kvm me' }],
    [
      { kvm: async () => ({ works: false, reason: 'it hangs' }) },
      { check: 'kvm', state: 'limited', found: /opens, but .* it hangs/, fix: null },
    ],
    [{ memfd: fails('ENOSYS') }, { check: 'memory', state: 'broken', found: 'ENOSYS' }],
    [
      { sandbox: () => ({ landlockAbi: 0, seccomp: true }) },
      { check: 'sandbox', state: 'broken', found: /lacks landlock$/, fix: /--sandbox=auto/ },
    ],
    [
      { sandbox: () => ({ landlockAbi: 0, seccomp: false }) },
      { check: 'sandbox', state: 'broken', found: /landlock and seccomp/ },
    ],
    [{ descriptors: () => 256 }, { check: 'descriptors', state: 'limited', fix: /ulimit/ }],
    [closed('/dev/udmabuf', 'ENOENT'), { check: 'udmabuf', state: 'limited', fix: 'sudo modprobe udmabuf' }],
    [closed('/dev/udmabuf', 'EACCES'), { check: 'udmabuf', state: 'limited', fix: /setfacl -m u:me:rw/ }],
    [
      { globals: async () => Promise.reject(new Error('no compositor at /x')) },
      { check: 'compositor', state: 'limited', found: /no compositor/, fix: /WAYLAND_DISPLAY/ },
    ],
    [
      without('xdg_wm_base', 'wl_seat'),
      { check: 'compositor', state: 'broken', cost: /no windows.*no keyboard/ },
    ],
    [without('zwp_linux_dmabuf_v1'), { check: 'compositor', state: 'limited', cost: /copied/ }],
  ];
  for (const [fault, expected] of cases) {
    only(t, await findAll(hostChecks({ ...HOST, ...fault })), expected);
  }
  const findings = await findAll(hostChecks({ ...HOST, sandbox: fails('it broke') }));
  t.match(findings[4], { check: 'sandbox', state: 'broken', found: 'could not be checked: it broke' });
});

t.test('a guest, and its faults', async (t) => {
  const findings = await findAll(guestChecks(GUEST));
  t.ok(findings.every(({ state }) => state === 'ok'));
  const cases: readonly [Partial<Guest>, Expected][] = [
    [
      { driver: () => ({ present: false, driver: null }) },
      { check: 'device', state: 'broken', fix: /on the host/ },
    ],
    [
      { driver: () => ({ present: true, driver: null }) },
      { check: 'device', state: 'broken', fix: /virtio_gpu/ },
    ],
    [{ kernel: '5.15.0-1' }, { check: 'kernel', state: 'limited', cost: /screens only/ }],
    [
      { open: (path) => (path.includes('render') ? 'EACCES' : null) },
      { check: 'permissions', fix: /render me/ },
    ],
    [{ forwarding: fails('no contexts') }, { check: 'forwarding', state: 'limited', found: 'no contexts' }],
    [{ nodes: () => ['/dev/dri/card0'] }, { check: 'forwarding', found: /no render node/ }],
    [{ displays: () => [] }, { check: 'proxy', state: 'limited', fix: /wayland-guest-proxy/ }],
  ];
  for (const [fault, expected] of cases) {
    only(t, await findAll(guestChecks({ ...GUEST, ...fault })), expected);
  }
  const none = await findAll(guestChecks({ ...GUEST, nodes: () => [] }));
  t.match(none[2], { check: 'permissions', state: 'broken' });
});

t.test('how it is told', async (t) => {
  const findings = [ok('a', 'x'), limited('b', 'y', 'slow', 'do it'), broken('c', 'z', 'none', null)];
  t.same(JSON.parse(report(findings, true)), { findings });
  t.equal(
    report(findings, false),
    `ok       a: x
limited  b: y
         without it: slow
         fix: do it
BROKEN   c: z
         without it: none
`,
  );
  t.equal(exitCode(findings), 1);
  t.equal(exitCode(findings.slice(0, 2)), 0);
});

t.test('this machine', async (t) => {
  const findings = await findAll(hostChecks(realHost('/nonexistent/qemu')));
  const state = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
  t.match(state, { node: 'ok', qemu: 'broken', memory: 'ok' });
  t.notOk(findings.find(({ found }) => /could not be checked/.test(found)));
});
