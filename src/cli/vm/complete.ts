/** What a command line of QEMU lacks for our device, and why some can't have it. */
import { escapeValue, isOn, parseSize } from './option-syntax.js';
import { LineMistake, type QemuLine } from './qemu-line.js';
import { atLeast, type QemuProgram } from './qemu-program.js';

/** The device of window mode: QEMU's generic one, as a virtio-gpu (ARCHITECTURE.md). */
export const TEST_DEVICE = 'vhost-user-test-device-pci';
const TEST_DEVICE_PROPERTIES = 'virtio-id=16,num_vqs=2,vq_size=256,config_size=20';

/** Devices that would be a second screen, by their names in QEMU. */
const GPU =
  /^(virtio-(gpu|vga).*|vhost-user-(gpu|vga).*|VGA|(secondary|isa|cirrus|isa-cirrus|ati)-vga|qxl(-vga)?|bochs-display|ramfb|vmware-svga|sm501|apple-gfx.*)$/;
/** Devices that are main memory. */
const MEMORY_DEVICE = /^(pc-dimm|nvdimm|virtio-(mem|pmem).*)$/;
const GENERIC_DEVICE = /^vhost-user-(test-)?device/;
const VIRTIO_ID_GPU = '16';

/** How much a machine has when nobody says so (most machine types; the same for us on all). */
const DEFAULT_MEMORY_BYTES = 128 * 2 ** 20;
/** QEMU rounds a machine's memory up to that. */
const MEMORY_UNIT_BYTES = 8192;

/** Memory back-ends that are files, so that a descriptor of them can be passed on. */
const FILE_BACKED = ['memory-backend-memfd', 'memory-backend-file', 'memory-backend-shm'];
/** This one is a file when it is shared, since QEMU 10.0. */
const ANONYMOUS = 'memory-backend-ram';

const DISPLAY_OPTIONS = ['display', 'nographic', 'vnc', 'spice', 'curses', 'sdl', 'full-screen'] as const;

/** What the person asks for. */
export interface Wish {
  readonly mode: 'screen' | 'window';
  /** A screen that the firmware can use, too. */
  readonly vga: boolean;
  /** QEMU shows the screen, where it can. */
  readonly qemuDisplay: boolean;
  readonly outputs: number;
  /** Null: as the back-end and QEMU decide. */
  readonly size: { readonly width: number; readonly height: number } | null;
}

/** What there is to be used. */
export interface Surroundings {
  /** Guests run on KVM here. */
  readonly kvm: boolean;
  /** There is a desktop that QEMU can open a window on. */
  readonly desktop: boolean;
  /** The back-end's sockets: `gpu`, and input devices by their names. */
  readonly sockets: Readonly<Record<string, string>>;
}

export interface Completion {
  /** To be put behind the line. */
  readonly args: readonly string[];
  /** What the person might not expect. */
  readonly notes: readonly string[];
}

function refuseOtherGpus(line: QemuLine): void {
  const advice = 'leave it out, as run adds the only one';
  const vga = line.texts('vga').find((text) => text !== 'none');
  if (vga !== undefined) throw new LineMistake(`the command has a GPU already, -vga ${vga}: ${advice}`);
  for (const device of line.all('device')) {
    const driver = device.get('driver') ?? '';
    const generic = GENERIC_DEVICE.test(driver) && device.get('virtio-id') === VIRTIO_ID_GPU;
    if (GPU.test(driver) || generic) {
      throw new LineMistake(`the command has a GPU already, -device ${driver}: ${advice}`);
    }
  }
}

/** Ends unless the back-end can map that memory. */
function checkShared(line: QemuLine, qemu: QemuProgram, id: string): void {
  const object = line.all('object').find((settings) => settings.get('id') === id);
  if (object === undefined) throw new LineMistake(`there is no -object with id=${id}, the machine's memory`);
  const type = object.get('qom-type') ?? '';
  if (!FILE_BACKED.includes(type) && !(type === ANONYMOUS && atLeast(qemu, 10, 0))) {
    throw new LineMistake(`${type},id=${id} can't be shared: use memory-backend-memfd,share=on`);
  }
  // (memory-backend-shm is never private.)
  if (type !== 'memory-backend-shm' && !isOn(object.get('share'))) {
    throw new LineMistake(`${type},id=${id} is not shared with the back-end: add share=on`);
  }
}

function memoryArguments(line: QemuLine, qemu: QemuProgram): string[] {
  const own = line.merged('machine').get('memory-backend');
  const numa = line.all('numa').flatMap((node) => node.get('memdev') ?? []);
  const plugged = line
    .all('device')
    .filter((device) => MEMORY_DEVICE.test(device.get('driver') ?? ''))
    .flatMap((device) => device.get('memdev') ?? []);
  for (const id of [...(own === undefined ? [] : [own]), ...numa, ...plugged]) checkShared(line, qemu, id);
  if (own !== undefined || numa.length > 0) return [];
  if (line.has('mem-path')) {
    throw new LineMistake(
      '-mem-path is not shared with the back-end: ' +
        'use -object memory-backend-file,id=mem,mem-path=…,size=…,share=on -machine memory-backend=mem',
    );
  }
  const text = line.merged('m').get('size');
  const bytes = text === undefined ? DEFAULT_MEMORY_BYTES : parseSize(text, 'm');
  if (bytes === null) throw new LineMistake(`-m ${text} is no size`);
  const size = Math.ceil(bytes / MEMORY_UNIT_BYTES) * MEMORY_UNIT_BYTES;
  const id = line.freeId('gpu-memory');
  return [
    ...['-object', `memory-backend-memfd,id=${id},size=${size},share=on`],
    ...['-machine', `memory-backend=${id}`],
  ];
}

/** Whether the person has decided. */
export function setsAccelerator(line: QemuLine): boolean {
  return line.has('accel', 'enable-kvm', 'enable-hax') || line.merged('machine').has('accel');
}

/** Whether the line itself asks for KVM. */
function asksForKvm(line: QemuLine): boolean {
  const named = [...line.all('accel'), line.merged('machine')].map((settings) => settings.get('accel') ?? '');
  return line.has('enable-kvm') || named.some((accel) => accel.split(':').includes('kvm'));
}

/** The architecture of QEMU's guests by the program's name; null where the name does not tell. */
function guestOf({ path }: QemuProgram): string | null {
  const name = path.split('/').at(-1) ?? '';
  if (name === 'kvm' || name === 'qemu-kvm') return process.arch;
  const system = /^qemu-system-(\w+)/.exec(name)?.[1];
  return { x86_64: 'x64', i386: 'x64', aarch64: 'arm64' }[system ?? ''] ?? null;
}

/** Accelerator and processor, where the person has not decided; whether the guest will run on KVM. */
function acceleratorArguments(
  line: QemuLine,
  qemu: QemuProgram,
  kvm: boolean,
): { args: string[]; notes: string[]; onKvm: boolean } {
  if (setsAccelerator(line)) return { args: [], notes: [], onKvm: asksForKvm(line) };
  const guest = guestOf(qemu);
  const onKvm = kvm && guest === process.arch;
  if (!onKvm && line.texts('cpu').some((text) => /^host\b/.test(text))) {
    throw new LineMistake('-cpu host needs KVM, and guests do not run on KVM here: use -cpu max');
  }
  const notes =
    onKvm || guest !== process.arch ? [] : ['guests do not run on KVM here: QEMU emulates, slowly'];
  const cpu = line.has('cpu') || guest === null ? [] : ['-cpu', 'max'];
  return { args: ['-accel', onKvm ? 'kvm' : 'tcg', ...cpu], notes, onKvm };
}

/** Ends where this QEMU has no such device. */
function checkDevice(qemu: QemuProgram, driver: string, onKvm: boolean): void {
  const { version, devices } = qemu;
  if (!devices.has(driver)) {
    const hint =
      driver === TEST_DEVICE
        ? 'windows need QEMU 11.1 or newer; --screen works with older ones'
        : 'QEMU 8.2 or newer has it, in Debian in the package qemu-system-x86';
    throw new LineMistake(`QEMU ${version.text} has no ${driver}: ${hint}`);
  }
  if (!onKvm && !atLeast(qemu, 8, 2)) {
    throw new LineMistake(
      `QEMU ${version.text} has vhost-user devices only with KVM: 8.2 or newer is needed`,
    );
  }
}

/** Ends for displays to which QEMU refuses to connect a vhost-user-gpu ("requires display DMABUF support"). */
function refuseBlindDisplays(line: QemuLine): void {
  const shown = line.all('display');
  const isBlind = (name: string): boolean =>
    line.has(name) || shown.some((settings) => settings.get('display') === name || settings.has(name));
  const blind = ['vnc', 'curses'].find(isBlind);
  if (blind === undefined) return;
  throw new LineMistake(
    `QEMU can't show this screen on ${blind}: it takes gtk,gl=on, sdl,gl=on, dbus,gl=on, egl-headless and none`,
  );
}

function displayArguments(
  line: QemuLine,
  qemu: QemuProgram,
  wish: Wish,
  desktop: boolean,
): { args: string[]; notes: string[] } {
  if (wish.mode === 'screen') refuseBlindDisplays(line);
  if (line.has(...DISPLAY_OPTIONS)) return { args: [], notes: [] };
  if (wish.mode === 'window' || !wish.qemuDisplay) return { args: ['-display', 'none'], notes: [] };
  const found = ['gtk', 'sdl'].find((name) => desktop && qemu.displays.has(name));
  if (found !== undefined) return { args: ['-display', `${found},gl=on`], notes: [] };
  const reason = desktop ? 'this QEMU has no display that could' : 'there is no desktop';
  return {
    args: ['-display', 'none'],
    notes: [`the screen is not shown: ${reason}; QMP's screendump sees it`],
  };
}

function deviceArguments(line: QemuLine, wish: Wish, sockets: Surroundings['sockets']): string[] {
  const properties =
    wish.mode === 'window'
      ? [TEST_DEVICE_PROPERTIES]
      : [
          ...(wish.outputs > 1 ? [`max_outputs=${wish.outputs}`] : []),
          ...(wish.size === null ? [] : [`xres=${wish.size.width},yres=${wish.size.height}`]),
        ];
  return Object.entries(sockets).flatMap(([name, path]) => {
    const chardev = line.freeId(`${name}-socket`);
    const driver = name === 'gpu' ? gpuDriver(wish) : 'vhost-user-input-pci';
    const own = name === 'gpu' ? properties : [];
    const device = [driver, `id=${line.freeId(name)}`, `chardev=${chardev}`, ...own];
    return ['-chardev', `socket,id=${chardev},path=${escapeValue(path)}`, '-device', device.join()];
  });
}

function gpuDriver({ mode, vga }: Wish): string {
  if (mode === 'window') return TEST_DEVICE;
  return vga ? 'vhost-user-vga' : 'vhost-user-gpu-pci';
}

/** Throws a LineMistake where the line has what it can't have, or QEMU lacks what it must. */
export function complete(
  line: QemuLine,
  qemu: QemuProgram,
  wish: Wish,
  { kvm, desktop, sockets }: Surroundings,
): Completion {
  if (line.has('daemonize')) {
    throw new LineMistake(
      '-daemonize: run stays with its QEMU to end with it; leave it out (and use & instead)',
    );
  }
  refuseOtherGpus(line);
  const memory = memoryArguments(line, qemu);
  const accelerator = acceleratorArguments(line, qemu, kvm);
  checkDevice(qemu, gpuDriver(wish), accelerator.onKvm);
  const display = displayArguments(line, qemu, wish, desktop);
  const vga = line.has('vga') ? [] : ['-vga', 'none'];
  const devices = deviceArguments(line, wish, sockets);
  return {
    args: [...accelerator.args, ...memory, ...vga, ...display.args, ...devices],
    notes: [...accelerator.notes, ...display.notes],
  };
}
