/** The checks of the host. Each looks at one thing of its `Host`, which tests make up. */
import { broken, type Check, type Finding, limited, ok } from '../../doctor/index.js';
import type { KvmState } from '../vm/kvm.js';
import { atLeast, type QemuProgram } from '../vm/qemu-program.js';

/** What is looked at. Functions throw or reject with the reason. */
export interface Host {
  readonly nodeVersion: string;
  readonly user: string;
  qemu(): Promise<QemuProgram>;
  kvm(): Promise<KvmState>;
  /** Makes shared memory and seals it. */
  memfd(): void;
  /** Opens a device for reading and writing; null or the error's code. */
  open(path: string): string | null;
  /** Names of the compositor's globals. */
  globals(): Promise<ReadonlySet<string>>;
  sandbox(): { readonly landlockAbi: number; readonly seccomp: boolean };
  /** Most descriptors that the process may have. */
  descriptors(): number;
}

const DESCRIPTORS_WANTED = 1024;
const NODE_WANTED = [20, 15];

/** What a compositor's global is for. */
const GLOBALS: readonly (readonly [name: string, state: 'limited' | 'broken', cost: string])[] = [
  ['wl_compositor', 'broken', 'no windows at all'],
  ['wl_shm', 'broken', 'no windows at all'],
  ['xdg_wm_base', 'broken', 'no windows at all'],
  ['wl_seat', 'limited', 'no keyboard and no pointer'],
  ['wl_subcompositor', 'limited', 'applications that use subsurfaces do not work, and no borders'],
  ['zwp_linux_dmabuf_v1', 'limited', 'pictures are copied once more'],
  ['wp_viewporter', 'limited', "windows can't be scaled"],
  [
    'wp_security_context_manager_v1',
    'limited',
    "forwarded applications are the firewall's alone; the compositor can't tell them",
  ],
  ['zwp_relative_pointer_manager_v1', 'limited', 'no mouse that is held (--pointer=relative)'],
  ['zwp_pointer_constraints_v1', 'limited', 'no mouse that is held (--pointer=relative)'],
  [
    'zwp_keyboard_shortcuts_inhibit_manager_v1',
    'limited',
    "the desktop's own shortcuts can't be given to the guest",
  ],
];

function checkNode({ nodeVersion }: Host): Finding {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = NODE_WANTED;
  const enough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  if (enough) return ok('node', nodeVersion);
  return broken(
    'node',
    `${nodeVersion} is older than 20.15`,
    'it may not start',
    'sudo apt install -t trixie nodejs',
  );
}

async function checkQemu(host: Host): Promise<Finding> {
  let qemu: QemuProgram;
  try {
    qemu = await host.qemu();
  } catch (error) {
    return broken(
      'qemu',
      (error as Error).message,
      'no virtual machines',
      'sudo apt install qemu-system-x86',
    );
  }
  const { version, devices } = qemu;
  const newer = 'sudo apt install -t trixie-backports qemu-system-x86';
  if (!devices.has('vhost-user-gpu-pci')) {
    return broken('qemu', `${version.text} without vhost-user-gpu-pci`, 'no screen mode, no windows', newer);
  }
  if (!atLeast(qemu, 8, 2)) {
    return limited('qemu', version.text, 'vhost-user devices work with KVM only; no windows (11.1)', newer);
  }
  if (!devices.has('vhost-user-test-device-pci')) {
    return limited('qemu', version.text, 'no windows and no forwarded applications (QEMU 11.1)', newer);
  }
  return ok('qemu', `${version.text}, both modes`);
}

async function checkKvm(host: Host): Promise<Finding> {
  const slow = 'guests are emulated, ten times slower or more';
  const failure = host.open('/dev/kvm');
  if (failure === 'ENOENT')
    return limited('kvm', 'there is no /dev/kvm', slow, 'sudo modprobe -a kvm_intel kvm_amd');
  if (failure !== null) {
    return limited('kvm', `/dev/kvm can't be opened (${failure})`, slow, `sudo usermod -aG kvm ${host.user}`);
  }
  const { works, reason } = await host.kvm();
  if (works) return ok('kvm', 'a virtual processor runs at full speed');
  return limited('kvm', `/dev/kvm opens, but guests do not run on it: ${reason}`, slow, null);
}

function checkMemory(host: Host): Finding {
  try {
    host.memfd();
    return ok('memory', 'sealed shared memory (memfd)');
  } catch (error) {
    return broken('memory', (error as Error).message, 'no blob resources, no windows', null);
  }
}

function checkUdmabuf(host: Host): Finding {
  const cost = "guests' buffers are copied to the desktop instead of being shown from where they are";
  const failure = host.open('/dev/udmabuf');
  if (failure === null) return ok('udmabuf', '/dev/udmabuf');
  if (failure === 'ENOENT')
    return limited('udmabuf', 'there is no /dev/udmabuf', cost, 'sudo modprobe udmabuf');
  const fix = `sudo setfacl -m u:${host.user}:rw /dev/udmabuf`;
  return limited('udmabuf', `/dev/udmabuf can't be opened (${failure})`, cost, fix);
}

async function checkCompositor(host: Host): Promise<Finding> {
  let globals: ReadonlySet<string>;
  try {
    globals = await host.globals();
  } catch (error) {
    const cost = 'no windows (--window, --wayland); screen mode works';
    return limited('compositor', (error as Error).message, cost, 'export WAYLAND_DISPLAY=wayland-0');
  }
  const missing = GLOBALS.filter(([name]) => !globals.has(name));
  if (missing.length === 0) return ok('compositor', `${globals.size} globals, all that is used`);
  const found = `it has no ${missing.map(([name]) => name).join(', ')}`;
  const cost = [...new Set(missing.map(([, , lost]) => lost))].join('; ');
  const isBroken = missing.some(([, state]) => state === 'broken');
  return (isBroken ? broken : limited)('compositor', found, cost, null);
}

function checkSandbox(host: Host): Finding {
  const { landlockAbi, seccomp } = host.sandbox();
  if (landlockAbi > 0 && seccomp) return ok('sandbox', `landlock ${landlockAbi}, seccomp`);
  const missing = [landlockAbi > 0 ? '' : 'landlock', seccomp ? '' : 'seccomp'].filter(Boolean).join(' and ');
  const fix = 'vhost-user-gpu-ts --sandbox=auto --socket-path=/tmp/gpu.sock';
  return broken(
    'sandbox',
    `the kernel lacks ${missing}`,
    'it refuses to start, unless told to go without',
    fix,
  );
}

function checkDescriptors(host: Host): Finding {
  const most = host.descriptors();
  if (most >= DESCRIPTORS_WANTED) return ok('descriptors', `${most} open files`);
  return limited(
    'descriptors',
    `at most ${most} open files`,
    'guests can have few blobs and clients',
    'ulimit -n 4096',
  );
}

/** All of them, by name, in the order of the report. */
export function hostChecks(host: Host): Readonly<Record<string, Check>> {
  return {
    node: () => checkNode(host),
    qemu: () => checkQemu(host),
    kvm: () => checkKvm(host),
    memory: () => checkMemory(host),
    sandbox: () => checkSandbox(host),
    descriptors: () => checkDescriptors(host),
    udmabuf: () => checkUdmabuf(host),
    compositor: () => checkCompositor(host),
  };
}
