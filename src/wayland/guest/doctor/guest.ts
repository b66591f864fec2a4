/** The checks of a guest. Each looks at one thing of its `Guest`, which tests make up. */
import { broken, type Check, type Finding, limited, ok } from '../../../doctor/index.js';

/** What is looked at. Functions throw with the reason. */
export interface Guest {
  /** As in `uname -r`. */
  readonly kernel: string;
  readonly user: string;
  /** Whether the virtual machine has the device, and the name of the driver that drives it. */
  driver(): { readonly present: boolean; readonly driver: string | null };
  /** Paths of cards' and render nodes of that driver. */
  nodes(): readonly string[];
  /** Opens a node for reading and writing; null or the error's code. */
  open(path: string): string | null;
  /** Asks a render node for all that forwarding needs. */
  forwarding(path: string): void;
  /** Sockets in XDG_RUNTIME_DIR on which somebody listens. */
  displays(): readonly string[];
}

const KERNEL_WANTED: readonly [number, number] = [5, 16];

function checkDriver(guest: Guest): Finding {
  const { present, driver } = guest.driver();
  if (!present) {
    const fix = 'vhost-user-gpu-ts run -- qemu-system-x86_64 disk.qcow2 # on the host';
    return broken('device', 'this machine has no virtio-gpu', 'no GPU', fix);
  }
  if (driver === null)
    return broken('device', 'no driver has taken the virtio-gpu', 'no GPU', 'sudo modprobe virtio_gpu');
  return ok('device', `virtio-gpu, driven by ${driver}`);
}

function checkKernel({ kernel }: Guest): Finding {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor, wantedMinor] = KERNEL_WANTED;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return ok('kernel', kernel);
  const found = `${kernel} is older than ${KERNEL_WANTED.join('.')}`;
  return limited('kernel', found, 'screens only: no applications on the host', 'sudo apt full-upgrade');
}

function checkPermissions(guest: Guest): Finding {
  const nodes = guest.nodes();
  if (nodes.length === 0) {
    return broken(
      'permissions',
      'there is nothing in /dev/dri',
      'no GPU for programs',
      'sudo modprobe virtio_gpu',
    );
  }
  const closed = nodes.flatMap((path) => {
    const failure = guest.open(path);
    return failure === null ? [] : [`${path} (${failure})`];
  });
  if (closed.length === 0) return ok('permissions', nodes.join(', '));
  const fix = `sudo usermod -aG video,render ${guest.user}`;
  return limited('permissions', `can't be opened: ${closed.join(', ')}`, 'no GPU for your programs', fix);
}

function checkForwarding(guest: Guest): Finding {
  const node = guest.nodes().find((path) => path.includes('render'));
  const cost = "applications can't have windows on the host";
  const fix = 'vhost-user-gpu-ts run --window --wayland -- qemu-system-x86_64 disk.qcow2 # on the host';
  if (node === undefined) return limited('forwarding', 'there is no render node', cost, fix);
  try {
    guest.forwarding(node);
    return ok('forwarding', 'blobs, host-visible memory, contexts, cross-domain');
  } catch (error) {
    return limited('forwarding', (error as Error).message, cost, fix);
  }
}

function checkProxy(guest: Guest): Finding {
  const displays = guest.displays();
  if (displays.length > 0) return ok('proxy', `somebody listens: ${displays.join(', ')}`);
  const fix = 'wayland-guest-proxy --socket wayland-host';
  return limited('proxy', 'no Wayland socket in XDG_RUNTIME_DIR', 'no applications on the host', fix);
}

/** All of them, by name, in the order of the report. */
export function guestChecks(guest: Guest): Readonly<Record<string, Check>> {
  return {
    device: () => checkDriver(guest),
    kernel: () => checkKernel(guest),
    permissions: () => checkPermissions(guest),
    forwarding: () => checkForwarding(guest),
    proxy: () => checkProxy(guest),
  };
}
