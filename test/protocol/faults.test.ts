/**
 * The fault matrix: what can go wrong around the command, as a real process, is made to go wrong again and again. It may
 * not crash, keep a descriptor, a mapping or anything of a guest's, and the next machine works at once. The table of it
 * is at the end of the output. FAULT_ROUNDS=1000 makes it a long run, FAULTS=display only that of some of its rows.
 */
import { ftruncateSync } from 'node:fs';
import t, { type Test } from 'tap';
import { connectUnix, type UnixSocket } from 'vhost-user-native';
import { FrontEndClient } from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { until } from '../stub/guest-client.js';
import * as c from '../unit/gpu-commands.js';
import { settle } from '../unit/gpu-socket-fixture.js';
import type { Census } from './command-process.js';
import type { Vm } from './fault-vm.js';
import { World } from './fault-world.js';

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 0);
/** The rows whose names match. */
const CHOSEN = new RegExp(process.env.FAULTS ?? '');
const HUNG_UP = 'hung up';
const MIB = 2 ** 20;

interface Fault {
  readonly name: string;
  readonly rounds: number;
  /** How connections may end besides by hanging up. */
  readonly ends?: readonly string[];
  /** Makes it go wrong once; no machine is connected afterwards. */
  inflict(world: World, round: number): Promise<void>;
}

/** A socket that calls back when the front-end sends its message number `last`, of which only `part` is sent. */
function cutting(path: string, last: number, part: number, onCut: () => void): UnixSocket {
  const socket = connectUnix(path);
  const send = socket.send.bind(socket);
  let count = 0;
  const cut: typeof send = (data, fds = []) => {
    count++;
    if (count < last) return send(data, fds);
    if (count > last) return data.length;
    send(data.subarray(0, Math.ceil(data.length * part)), fds);
    queueMicrotask(onCut);
    return data.length;
  };
  return Object.defineProperty(socket, 'send', { value: cut });
}

/** At least as many messages as a whole start has; what is cut after more than it has is not cut at all. */
const START_MESSAGES = 26;

async function cutStart(world: World, round: number, part: number): Promise<void> {
  let vm: Vm | null = null;
  const last = (round % START_MESSAGES) + 1;
  const socket = cutting(world.command.socketPath, last, part, () => vm?.kill());
  vm = world.connect({ socket });
  await vm.start({ display: true }).catch(() => undefined);
  vm.kill();
}

/** Kills the machine right after it sent a command, or a little later. */
async function cutLife(world: World, round: number): Promise<void> {
  const vm = world.connect();
  await vm.start();
  vm.framebuffer.paint(round);
  const { life } = vm;
  const last = round % life.length;
  for (const step of life.slice(0, last)) await step();
  life[last]?.().catch(() => undefined);
  if (round % 2 === 1) await settle(1);
  vm.kill();
}

/** The file behind the guest's memory ends: at once, behind the picture's first page, or where the rings begin. */
async function truncate(world: World, round: number): Promise<void> {
  const vm = await world.running();
  const { memory, queues } = vm.client;
  const [control] = queues.values();
  if (control === undefined) throw new Error('no queue');
  await vm.talkToCompositor();
  if (round % 2 === 1) vm.send(vm.poll).catch(() => undefined);
  const rings = control.driver.descAddress - memory.guestAddress;
  ftruncateSync(memory.fd, [0, 4096, rings][round % 3] as number);
  // The answer to what is held has to go where no memory is, in other rounds that of a command.
  if (round % 2 === 1) for (const { stub } of world.compositor.desktops) stub.addGlobal('wl_output', 4);
  control.kickFd.signal();
  await vm.client.closed;
  vm.kill();
}

/** Sockets that the front-end gave away end. */
async function closeDescriptors(world: World, round: number): Promise<void> {
  const vm = await world.running();
  const display = await vm.giveDisplay();
  (await vm.client.setBackEndSocket()).close();
  if (round % 2 === 1) await until(() => display.messages.length > 0);
  display.socket.close();
  await world.showsFrame(vm);
  vm.kill();
}

/** The windows come back with what they show, and the guest did not have to wait. */
async function killCompositor(world: World, round: number): Promise<void> {
  const vm = await world.running();
  await vm.talkToCompositor();
  if (round % 2 === 1) world.compositor.hang();
  for (let frame = 0; frame < 3; frame++) await vm.frame(frame);
  world.compositor.kill();
  for (let frame = 0; frame < 3; frame++) await vm.frame(frame);
  world.compositor.start();
  await until(() => world.compositor.windows === 1);
  await world.showsFrame(vm);
  vm.kill();
}

/** QEMU's display takes nothing while many more pictures come than a socket holds. */
async function stallDisplay(world: World, round: number): Promise<void> {
  const vm = world.connect();
  await vm.start();
  const display = await vm.giveDisplay({ reading: false });
  await world.shows(vm);
  for (let frame = 0; frame < 100; frame++) await vm.frame(frame);
  if (round % 2 === 0) {
    const expected = await vm.frame(round);
    display.startReading();
    await until(() => Buffer.compare(display.surfaces.get(0)?.bgrx ?? Buffer.alloc(0), expected) === 0);
  }
  vm.kill();
}

async function askSilentDisplay(world: World): Promise<void> {
  const vm = world.connect();
  await vm.start();
  const display = await vm.giveDisplay();
  display.answers.clear();
  vm.send(c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO)).catch(() => undefined);
  await until(() => display.messages.length > 0);
  vm.kill();
}

const SPARE_DESCRIPTORS = 24;

/** A machine wants more descriptors than the process may have. */
async function runOutOfDescriptors(world: World, round: number): Promise<void> {
  const { command } = world;
  const spare = round % SPARE_DESCRIPTORS;
  await command.ending(world.connections);
  command.limitDescriptors(spare);
  const refused = command.count('accepting a front-end failed, trying again');
  const vm = world.connect();
  const lived = (async () => {
    await vm.start({ display: true });
    await vm.show(round);
    await vm.talkToCompositor();
  })().catch(() => undefined);
  if (spare === 0) await command.logged('accepting a front-end failed, trying again', refused + 1);
  else await lived;
  vm.kill();
  await lived;
  command.limitDescriptors(null);
}

/** A machine has more memory than the process has address space. */
async function runOutOfMemory(world: World): Promise<void> {
  world.command.limitMemory(64 * MIB);
  const vm = world.connect({ memory: { bytes: 256 * MIB } });
  const refused = await vm.start().then(
    () => false,
    () => true,
  );
  vm.kill();
  if (!refused) throw new Error('there was room for it');
  world.command.limitMemory(null);
}

/** A keyboard's front-end comes and goes beside the machine's. */
async function killKeyboard(world: World, round: number): Promise<void> {
  const vm = await world.running();
  let client: FrontEndClient | null = null;
  const socket = cutting(world.keyboardPath, round + 1, 1, () => client?.close());
  client = FrontEndClient.connect({ socket });
  const start = async (keyboard: FrontEndClient): Promise<void> => {
    await keyboard.negotiate();
    await keyboard.shareMemory();
    await keyboard.startQueue(0);
  };
  await start(client).catch(() => undefined);
  client.close();
  await world.showsFrame(vm);
  vm.kill();
}

/** While one machine is served, another one waits. */
async function waitInLine(world: World): Promise<void> {
  const first = await world.running();
  const second = world.connect();
  const started = second.start();
  await world.showsFrame(first);
  first.kill();
  await started;
  await world.shows(second);
  second.kill();
}

const FAULTS: readonly Fault[] = [
  {
    name: 'front-end killed after each message of a start',
    rounds: START_MESSAGES,
    inflict: (world, round) => cutStart(world, round, 1),
  },
  {
    name: 'front-end killed inside each message of a start',
    rounds: START_MESSAGES,
    ends: ['VHOST_ERR_BAD_MESSAGE'],
    inflict: (world, round) => cutStart(world, round, 0.5),
  },
  { name: 'front-end killed at each command, frames under way', rounds: 50, inflict: cutLife },
  {
    name: 'front-end killed while it is to map the window',
    rounds: 10,
    inflict: async (world) => {
      const vm = world.connect({ onMap: () => vm.kill() });
      await vm.start();
      await vm.talkToCompositor();
      await vm.mapPicture().catch(() => undefined);
    },
  },
  { name: "guest's memory truncated", rounds: 12, ends: ['VHOST_ERR_MEMORY_GONE'], inflict: truncate },
  { name: 'display and back-end channel closed', rounds: 10, inflict: closeDescriptors },
  { name: 'compositor killed, every second time after it hung', rounds: 4, inflict: killCompositor },
  { name: "QEMU's display reads nothing", rounds: 6, inflict: stallDisplay },
  { name: "QEMU's display answers nothing", rounds: 10, inflict: askSilentDisplay },
  {
    name: 'out of descriptors',
    rounds: SPARE_DESCRIPTORS,
    ends: ['VHOST_ERR_BAD_FDS', 'VHOST_ERR_CONNECTION', 'VHOST_ERR_BAD_STATE'],
    inflict: runOutOfDescriptors,
  },
  { name: 'out of address space', rounds: 10, ends: ['VHOST_ERR_BAD_MEMORY_TABLE'], inflict: runOutOfMemory },
  { name: "a keyboard's front-end killed", rounds: 20, inflict: killKeyboard },
  { name: 'another machine waits in line', rounds: 10, inflict: waitInLine },
];

/** One row of the table. */
interface Row {
  readonly name: string;
  readonly rounds: number;
  readonly ends: string;
  readonly before: Census;
  readonly after: Census;
  readonly residentMib: readonly [before: number, after: number];
}

function tally(words: readonly string[]): string {
  const kinds = [...new Set(words)].sort();
  return kinds.map((kind) => `${words.filter((word) => word === kind).length} ${kind}`).join(', ');
}

function tableOf(rows: readonly Row[]): string {
  const sum = (text: string): number =>
    [...text.matchAll(/(?:^|, )(\d+) /g)].reduce((total, [, n]) => total + Number(n), 0);
  const lines = rows.map(({ name, rounds, ends, before, after, residentMib }) => [
    name,
    String(rounds),
    `${sum(before.fds)} > ${sum(after.fds)}`,
    `${sum(before.mappings)} > ${sum(after.mappings)}`,
    residentMib.join(' > '),
    ends,
  ]);
  const table = [['fault', 'rounds', 'descriptors', 'mappings', 'MiB', 'connections ended'], ...lines];
  const widths = table[0]?.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0))) ?? [];
  return table
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Inflicts a fault again and again, each time with a machine after it that works. */
async function suffer(t: Test, world: World, fault: Fault): Promise<Row> {
  const { command } = world;
  const rounds = Math.max(fault.rounds, ROUNDS);
  await world.works();
  const before = await world.census();
  const residentBefore = command.residentMib;
  const endsBefore = command.ends.length;
  for (let round = 0; round < rounds; round++) {
    await fault.inflict(world, round);
    await world.works();
  }
  const after = await world.census(before);
  t.same(after, before, 'nothing is left');
  // Each round's last one is the machine that worked.
  const ends = command.ends.slice(endsBefore);
  const allowed = [HUNG_UP, ...(fault.ends ?? [])];
  t.same(
    [...new Set(ends)].filter((end) => !allowed.includes(end)),
    [],
    'no other end',
  );
  const residentMib = [residentBefore, command.residentMib] as const;
  return { name: fault.name, rounds, ends: tally(ends), before, after, residentMib };
}

/** Each look at the wall clock finds it years away from the look before. */
const JUMPING_CLOCK = `data:text/javascript,${encodeURIComponent(`
  const now = Date.now;
  let looks = 0;
  globalThis.Date = class extends Date {
    constructor(...args) { super(...(args.length === 0 ? [Date.now()] : args)); }
    static now() { return now() + (looks++ % 3 - 1) * 5e11; }
  };
`)}`;

t.test('the fault matrix', async (t) => {
  const rows: Row[] = [];
  const inWorld = async (preload: string | null, faults: readonly Fault[]): Promise<void> => {
    const world = new World(preload);
    try {
      await world.command.logged('listening');
      for (const fault of faults.filter(({ name }) => CHOSEN.test(name))) {
        await t.test(fault.name, async (t) => void rows.push(await suffer(t, world, fault)));
      }
    } finally {
      world.compositor.kill();
      t.equal(await world.command.stop(), 'exit code 0');
    }
  };
  await inWorld(null, FAULTS);
  const waiting = { name: 'the wall clock jumps, back and forth', rounds: 10, inflict: waitInLine };
  await inWorld(JUMPING_CLOCK, [waiting]);
  t.comment(`\n${tableOf(rows)}`);
});
