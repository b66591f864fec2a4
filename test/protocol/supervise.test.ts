/** `vhost-user-gpu-ts supervise` as a process, with a QEMU that is only a monitor. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { FrontEndClient } from 'vhost-user-ts';
import { TestProcess } from '../e2e/harness/processes.js';
import { COMMAND } from './command.js';

interface Command {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly id: number;
}

/** What QEMU returns; an Error is refused. */
type Answers = Readonly<Record<string, (args: Command['arguments']) => unknown>>;

/** QEMU's monitor: answers as it is told, and notes what it was asked, without the questions. */
class Monitor {
  readonly path: string;
  readonly asked: string[] = [];
  answers: Answers;
  private readonly server: Server;
  private client: Socket | null = null;
  private readonly waiting: (() => void)[] = [];

  private constructor(path: string, answers: Answers) {
    this.path = path;
    this.answers = answers;
    this.server = createServer((socket) => this.serve(socket));
  }

  static async start(path: string, answers: Answers): Promise<Monitor> {
    const monitor = new Monitor(path, answers);
    monitor.server.listen(path);
    await once(monitor.server, 'listening');
    return monitor;
  }

  /** Resolves when that was asked for the `times`-th time. */
  async was(asked: string, times = 1): Promise<void> {
    while (this.asked.filter((each) => each === asked).length < times) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  event(event: string, data: object): void {
    this.client?.write(`${JSON.stringify({ event, data, timestamp: { seconds: 0, microseconds: 0 } })}\r\n`);
  }

  close(): void {
    this.client?.destroy();
    this.server.close();
  }

  private serve(socket: Socket): void {
    this.client = socket;
    socket.on('error', () => undefined);
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
    createInterface({ input: socket }).on('line', (line) => this.answer(socket, JSON.parse(line) as Command));
  }

  private answer(socket: Socket, { execute, arguments: args, id }: Command): void {
    const result = execute === 'qmp_capabilities' ? {} : this.answers[execute]?.(args);
    const { message: desc = 'unknown' } = result instanceof Error ? result : {};
    const refused = result === undefined || result instanceof Error;
    const answer = refused ? { error: { class: 'GenericError', desc } } : { return: result };
    socket.write(`${JSON.stringify({ ...answer, id })}\r\n`);
    if (!/^(qom-get|query-chardev|query-pci|qmp_capabilities)$/.test(execute)) {
      this.asked.push(`${execute} ${JSON.stringify(args)}`);
    }
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

const PROPERTIES: Readonly<Record<string, unknown>> = {
  type: 'vhost-user-test-device-pci',
  chardev: 'gpu-socket',
  parent_bus: '/machine/peripheral/gpu-port/gpu-port',
  'virtio-id': 16,
  num_vqs: 2,
  vq_size: 256,
  config_size: 20,
};

/** A QEMU that has a device `gpu`, whose guest lets go of it at once. */
function machineWithGpu(monitor: () => Monitor): Answers {
  return {
    'qom-get': ({ property }) => PROPERTIES[String(property)],
    'query-chardev': () => [
      { label: 'other', filename: 'unix:/elsewhere' },
      { label: 'gpu-socket', filename: 'disconnected:unix:/run/gpu.sock' },
    ],
    device_del: () => {
      setImmediate(() =>
        monitor().event('DEVICE_DELETED', { device: 'gpu', path: '/machine/peripheral/gpu' }),
      );
      return {};
    },
    'chardev-remove': () => ({}),
    'chardev-add': () => ({}),
    device_add: () => ({}),
    'query-pci': () => pciWith(0x1000),
  };
}

/** The device behind its port, with its registers at that address. */
function pciWith(address: number): unknown {
  const gpu = { qdev_id: 'gpu', regions: [{ address: -1 }, { address }] };
  const port = { qdev_id: 'gpu-port', regions: [{ address: 0x2000 }], pci_bridge: { devices: [gpu] } };
  return [{ devices: [{ qdev_id: '', regions: [] }, port] }];
}

const OUT = 'device_del {"id":"gpu"}';
const IN = [
  'chardev-remove {"id":"gpu-socket"}',
  'chardev-add {"id":"gpu-socket","backend":{"type":"socket","data":{"addr":{"type":"unix",' +
    '"data":{"path":"/run/gpu.sock"}},"server":false}}}',
  'device_add {"virtio-id":16,"num_vqs":2,"vq_size":256,"config_size":20,' +
    '"driver":"vhost-user-test-device-pci","id":"gpu","bus":"gpu-port","chardev":"gpu-socket"}',
] as const;

/** A supervised back-end in a folder of its own. */
class Supervised {
  readonly folder = mkdtempSync(join(tmpdir(), 'supervise-'));
  readonly socketPath = join(this.folder, 'gpu');
  readonly monitorPath = join(this.folder, 'monitor');
  private process: TestProcess | null = null;

  start(...args: readonly string[]): void {
    const all = [COMMAND, 'supervise', ...args];
    this.process = new TestProcess('supervisor', process.execPath, all);
  }

  get running(): TestProcess {
    if (this.process === null) throw new Error('it was not started');
    return this.process;
  }

  /** Resolves when a line was logged for the `times`-th time. */
  async logged(text: string, times = 1): Promise<void> {
    while (this.running.output.split(text).length <= times) await this.running.nextOutput();
  }

  /** The back-ends that there are. */
  get backEnds(): number[] {
    const { pid } = this.running;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.trim().split(' ').filter(Boolean).map(Number);
  }

  killBackEnd(): void {
    for (const pid of this.backEnds) process.kill(pid, 'SIGKILL');
  }

  /** A front-end gets an answer. */
  async serves(): Promise<void> {
    const client = FrontEndClient.connect({ path: this.socketPath });
    await client.negotiate();
    client.close();
  }
}

function scenario(name: string, body: (t: Test, supervised: Supervised) => Promise<void>): void {
  t.test(name, async (t) => {
    const supervised = new Supervised();
    try {
      await body(t, supervised);
    } finally {
      t.match(await supervised.running.stop(), { signal: null });
      rmSync(supervised.folder, { recursive: true, force: true });
    }
  });
}

scenario('a front-end that connects while there is no back-end is served by the next one', async (t, s) => {
  s.start('--', `--socket-path=${s.socketPath}`);
  await s.logged('listening');
  for (let round = 1; round <= 3; round++) {
    s.killBackEnd();
    await s.serves();
  }
  t.equal(s.backEnds.length, 1);
  const [pid] = s.backEnds;
  t.match(await s.running.stop(), { code: 0, signal: null });
  t.notOk(existsSync(s.socketPath));
  t.notOk(existsSync(`/proc/${pid}`), 'the back-end has gone, too');
});

scenario('the device is taken out and put in again as it was', async (t, s) => {
  const monitor: Monitor = await Monitor.start(
    s.monitorPath,
    machineWithGpu(() => monitor),
  );
  t.teardown(() => monitor.close());
  s.start(`--qmp=${s.monitorPath}`, '--', '--socket-path', s.socketPath);
  await s.logged('listening');
  for (let round = 1; round <= 2; round++) {
    s.killBackEnd();
    await s.logged('plugged in again', round);
    t.same(monitor.asked.splice(0), [OUT, ...IN]);
  }
});

scenario('the guest lets go of the new device, too, before it takes one in', async (t, s) => {
  const monitor: Monitor = await Monitor.start(
    s.monitorPath,
    machineWithGpu(() => monitor),
  );
  t.teardown(() => monitor.close());
  const { answers } = monitor;
  let looks = 0;
  monitor.answers = {
    ...answers,
    'query-pci': () => {
      looks++;
      if (looks === 2) monitor.event('DEVICE_DELETED', { device: 'gpu', path: '/machine/peripheral/gpu' });
      return looks < 3 ? [] : pciWith(looks < 4 ? -1 : 0x1000);
    },
  };
  s.start(`--qmp=${s.monitorPath}`, '--', `--socket-path=${s.socketPath}`);
  await s.logged('listening');
  s.killBackEnd();
  await s.logged('was plugged in again');
  t.same(monitor.asked, [OUT, ...IN, ...IN]);
  t.equal(looks, 4);
  t.notMatch(s.running.output, /does not use/);
});

scenario('it dies while the guest has not let go, and when the device is out', async (t, s) => {
  const monitor: Monitor = await Monitor.start(
    s.monitorPath,
    machineWithGpu(() => monitor),
  );
  t.teardown(() => monitor.close());
  const { answers } = monitor;
  monitor.answers = { ...answers, device_del: () => ({}) };
  s.start(`--qmp=${s.monitorPath}`, '--', `--socket-path=${s.socketPath}`);
  await s.logged('listening');
  s.killBackEnd();
  await monitor.was(OUT);
  await s.logged('listening', 2);
  monitor.answers = {
    ...answers,
    device_del: (args) => {
      answers.device_del?.(args);
      return new Error('Device gpu is already in the process of unplug');
    },
    device_add: () => new Error('the back-end hung up'),
  };
  s.killBackEnd();
  await s.logged('could not be plugged in again');
  t.same(monitor.asked.splice(0), [OUT, OUT, ...IN]);
  // Now QEMU has neither the device nor its socket.
  monitor.answers = {
    ...answers,
    'qom-get': () => new Error("Device '/machine/peripheral/gpu' not found"),
    'chardev-remove': () => new Error("Chardev 'gpu-socket' not found"),
  };
  await s.logged('listening', 3);
  s.killBackEnd();
  await s.logged('was plugged in again');
  t.same(monitor.asked, [...IN]);
});

scenario('devices that can’t be plugged, and a machine that is not there', async (t, s) => {
  s.start(`--qmp=${s.monitorPath}`, '--', `--socket-path=${s.socketPath}`);
  await s.logged('listening');
  s.killBackEnd();
  await s.logged('no machine to plug devices into');
  const monitor: Monitor = await Monitor.start(
    s.monitorPath,
    machineWithGpu(() => monitor),
  );
  t.teardown(() => monitor.close());
  monitor.answers = { ...monitor.answers, device_del: () => new Error('it does not support hotplugging') };
  await s.logged('listening', 2);
  s.killBackEnd();
  await s.logged('it does not support hotplugging');
  t.same(monitor.asked, [OUT]);
  await s.serves();
  monitor.answers = { 'qom-get': () => new Error('not found') };
  s.killBackEnd();
  await s.logged('there is no device gpu');
  await s.serves();
});

scenario('one that dies too often', async (t, s) => {
  s.start('--restarts=2', '--', `--socket-path=${s.socketPath}`);
  for (let round = 1; round <= 3; round++) {
    await s.logged('listening', round);
    s.killBackEnd();
  }
  t.same(await s.running.exited, { code: 1, signal: null });
  t.match(s.running.output, /the back-end dies too often/);
  t.notOk(existsSync(s.socketPath));
});

scenario('one that never starts', async (t, s) => {
  const options = ['--wayland', '--policy=/nonexistent'];
  s.start('--restarts=2', '--', `--socket-path=${s.socketPath}`, ...options);
  t.same(await s.running.exited, { code: 1, signal: null });
  t.equal(s.running.output.split('cannot start').length, 4, 'three attempts');
});

t.test('command lines', async (t) => {
  for (const [args, code, said] of [
    [['--help'], 0, /supervise/],
    [[], 2, /--socket-path/],
    [['--', '--fd=3'], 2, /--socket-path/],
    [['--what', '--', '--socket-path=/s'], 2, /--what/],
    [['--', '--socket-path=/s', '--what'], 2, /--what/],
    [['--', '--socket-path=/s', '--virgl'], 3, /3D/],
    [['--', '--socket-path=/nonexistent/s'], 1, /cannot listen/],
  ] as const) {
    const supervisor = new TestProcess('supervisor', process.execPath, [COMMAND, 'supervise', ...args]);
    t.same(await supervisor.exited, { code, signal: null }, args.join(' '));
    t.match(supervisor.output, said);
  }
});
