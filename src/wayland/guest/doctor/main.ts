/** `wayland-guest-proxy doctor`: what is missing in this guest. */
import { closeSync, constants, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { connectUnix } from 'vhost-user-native';
import { exitCode, findAll, report, userName } from '../../../doctor/index.js';
import { DrmVirtGpu } from '../gpu/drm-virt-gpu.js';
import { type Guest, guestChecks } from './guest.js';

const EXIT_OK = 0;
const EXIT_USAGE = 2;
const VIRTIO_DEVICES = '/sys/bus/virtio/devices';
const DRM_DEVICES = '/sys/class/drm';
const NODES = '/dev/dri';
/** The device's type (virtio 1.3, section 5). */
const VIRTIO_ID_GPU = 16;

/** Empty where there is no such folder. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkName(path: string): string | null {
  try {
    return basename(realpathSync(path));
  } catch {
    return null;
  }
}

function isGpu(device: string): boolean {
  return Number(readFileSync(join(VIRTIO_DEVICES, device, 'device'), 'utf8')) === VIRTIO_ID_GPU;
}

function driver(): { present: boolean; driver: string | null } {
  const device = entries(VIRTIO_DEVICES).find(isGpu);
  if (device === undefined) return { present: false, driver: null };
  return { present: true, driver: linkName(join(VIRTIO_DEVICES, device, 'driver')) };
}

/** Nodes of virtio-gpu: others may be there. */
function nodes(): string[] {
  const known = entries(DRM_DEVICES).filter((name) => /^(card|renderD)\d+$/.test(name));
  const virtio = known.filter((name) => {
    const device = join(DRM_DEVICES, name, 'device');
    // A card's device is the virtio device or, with newer kernels, the PCI device that it belongs to.
    return (
      linkName(join(device, 'driver')) === 'virtio_gpu' ||
      entries(device).some((entry) => /^virtio\d+$/.test(entry))
    );
  });
  return virtio.map((name) => join(NODES, name));
}

function open(path: string): string | null {
  try {
    closeSync(openSync(path, constants.O_RDWR));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function listens(path: string): boolean {
  try {
    connectUnix(path).close();
    return true;
  } catch {
    return false;
  }
}

function displays(): string[] {
  const folder = process.env.XDG_RUNTIME_DIR ?? '';
  return entries(folder).filter((name) => /^wayland-[\w-]+$/.test(name) && listens(join(folder, name)));
}

const REAL_GUEST: Guest = {
  kernel: release(),
  user: userName(),
  driver,
  nodes,
  open,
  forwarding: (path) => new DrmVirtGpu(path).close(),
  displays,
};

export function createGuestDoctorCommand(): Command {
  return new Command('wayland-guest-proxy doctor')
    .description(
      'Looks at what this guest has of its virtual GPU, and says what is missing, what that costs and what to do.',
    )
    .option('--json', 'for programs')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExit code: 1 when something is broken.')
    .exitOverride();
}

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const command = createGuestDoctorCommand();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  const findings = await findAll(guestChecks(REAL_GUEST));
  process.stdout.write(report(findings, command.opts<{ json?: boolean }>().json ?? false));
  return exitCode(findings);
}
