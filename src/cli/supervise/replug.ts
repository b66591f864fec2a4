/**
 * Takes vhost-user devices whose back-end died out of a running QEMU and puts them in again, as they were: QEMU does not
 * connect a device to another back-end. The guest sees its hardware go and come. What can't be unplugged (QEMU's
 * vhost-user-gpu, and whatever is not on a hotpluggable port) is left alone.
 */
import type { Logger } from 'vhost-user-ts';
import { isInUse, type PciBus } from './pci.js';
import { QmpClient, QmpError } from './qmp.js';

/** A guest that is just booting, say, does not hear that it is asked to let go. */
const ASK_AGAIN_MS = 5000;
/** How often it is looked whether the guest has taken the device in. One without a driver for it never does. */
const LOOK_MS = 100;
const LOOKS_MAX = 50;

/** Properties of QEMU's generic device; others that can be plugged have none that matter. */
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  'vhost-user-test-device-pci': ['virtio-id', 'num_vqs', 'vq_size', 'config_size'],
};

/** How a device was plugged in. */
interface Plug {
  readonly driver: string;
  readonly bus: string;
  readonly chardev: string;
  /** The back-end's socket. */
  readonly path: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export class Replugger {
  private readonly devices: readonly string[];
  private readonly qmpPath: string;
  private readonly log: Logger;
  /** Devices that are on their way out or were taken out: what an attempt that was interrupted leaves to the next one. */
  private readonly leaving = new Map<string, Plug>();
  /** What the guest has let go of in this attempt. */
  private readonly deleted = new Set<string>();
  private client: QmpClient | null = null;
  private interrupted = false;
  private wake: () => void = () => undefined;

  /** `devices` are ids in QEMU, in the order in which they are handled. */
  constructor(qmpPath: string, devices: readonly string[], log: Logger) {
    this.qmpPath = qmpPath;
    this.devices = devices;
    this.log = log;
  }

  /**
   * Resolves when each device was put in again, or was left alone with a line in the log. Rejects when QEMU ends, or
   * `interrupt` is called, in the middle of it.
   */
  async run(): Promise<void> {
    this.deleted.clear();
    this.interrupted = false;
    const client = await this.connect();
    if (client === null) return;
    this.client = client;
    if (this.interrupted) client.close();
    try {
      for (const id of this.devices) await this.replug(client, id);
    } finally {
      client.close();
      this.client = null;
    }
  }

  /** `run` ends at once, wherever it is. */
  interrupt(): void {
    this.interrupted = true;
    this.client?.close();
    this.wake();
  }

  /** Null when there is no QEMU. */
  private async connect(): Promise<QmpClient | null> {
    try {
      return await QmpClient.connect(this.qmpPath, (name, data) => this.heard(name, data));
    } catch (error) {
      this.log.info({ reason: (error as Error).message }, 'no machine to plug devices into');
      return null;
    }
  }

  private async replug(client: QmpClient, id: string): Promise<void> {
    try {
      const present = await describe(client, id);
      const plug = present ?? this.leaving.get(id);
      if (plug === undefined) throw new QmpError('qom-get', 'DeviceNotFound', `there is no device ${id}`);
      if (present !== null) await this.unplug(client, id, present);
      this.deleted.delete(id);
      await plugIn(client, id, plug);
      const taken = await this.untilTaken(client, id, plug);
      this.leaving.delete(id);
      this.log.info({ device: id }, 'the device was plugged in again');
      if (!taken) this.log.warn({ device: id }, 'the guest does not use the device yet');
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      this.log.error({ device: id, reason: error.message }, 'the device could not be plugged in again');
    }
  }

  /** Resolves when the guest has let go of it. Rejects with a QmpError when it can't be unplugged. */
  private async unplug(client: QmpClient, id: string, plug: Plug): Promise<void> {
    // QEMU refuses to ask again while the guest still thinks about the last time.
    if (this.leaving.has(id)) await unlessRefused(client.command('device_del', { id }));
    else await client.command('device_del', { id });
    this.leaving.set(id, plug);
    while (!this.deleted.has(id)) {
      const heard = await this.heardWithin(ASK_AGAIN_MS);
      if (this.interrupted) throw new Error('interrupted');
      if (!heard) await unlessRefused(client.command('device_del', { id }));
    }
  }

  /**
   * Resolves true when the guest uses the device, false when it does not seem to.
   *
   * A device has to stay alone until then. QEMU's ACPI tells a guest of everything that is to go whenever it tells it of
   * anything, so the guest is asked twice to let go of a device when another one comes meanwhile. Linux does so twice: the
   * second time it is the new device that goes.
   */
  private async untilTaken(client: QmpClient, id: string, plug: Plug): Promise<boolean> {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      if (this.deleted.delete(id)) await plugIn(client, id, plug);
      const buses = (await unlessRefused(client.command('query-pci'))) as readonly PciBus[] | null;
      if (buses === null || isInUse(buses, id)) return true;
      await this.heardWithin(LOOK_MS);
      if (this.interrupted) throw new Error('interrupted');
    }
    return false;
  }

  /** False when nothing was heard in that time. */
  private async heardWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  private heard(name: string, data: unknown): void {
    const { device } = data as { device?: string };
    if (name !== 'DEVICE_DELETED' || device === undefined) return;
    this.deleted.add(device);
    this.wake();
  }
}

/** Null when QEMU refused. */
async function unlessRefused(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    return null;
  }
}

/** How a device is plugged in; null when it is not there. Rejects with a QmpError when it has no socket of its own. */
async function describe(client: QmpClient, id: string): Promise<Plug | null> {
  const get = (property: string): Promise<unknown> =>
    client.command('qom-get', { path: `/machine/peripheral/${id}`, property });
  const type = await unlessRefused(get('type'));
  if (type === null) return null;
  const driver = String(type);
  const chardev = String(await get('chardev'));
  // The last part of the path is the bus's own name.
  const bus =
    String(await get('parent_bus'))
      .split('/')
      .at(-1) ?? '';
  const properties: Record<string, unknown> = {};
  for (const name of PROPERTIES[driver] ?? []) properties[name] = await get(name);
  const chardevs = (await client.command('query-chardev')) as { label: string; filename: string }[];
  const filename = chardevs.find(({ label }) => label === chardev)?.filename ?? '';
  const path = /unix:(.*?)(?:,server=on)?$/.exec(filename)?.[1];
  if (path === undefined) throw new QmpError('query-chardev', 'NoSocket', `${id} has no unix socket`);
  return { driver, bus, chardev, path, properties };
}

async function plugIn(client: QmpClient, id: string, plug: Plug): Promise<void> {
  const { driver, bus, chardev, path, properties } = plug;
  // The old socket's other end is dead. (It may have been removed by an attempt that failed later.)
  await unlessRefused(client.command('chardev-remove', { id: chardev }));
  const addr = { type: 'unix', data: { path } };
  const backend = { type: 'socket', data: { addr, server: false } };
  await client.command('chardev-add', { id: chardev, backend });
  await client.command('device_add', { ...properties, driver, id, bus, chardev });
}
