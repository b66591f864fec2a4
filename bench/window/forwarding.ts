/** The firewall: how many messages one core gets through it, and how much later a commit arrives because of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { closeFd, createMemfd, Seal, socketPair, type UnixSocket } from 'vhost-user-native';
import { Encoder, INTERFACES, type WireValue } from '../../src/wayland/index.js';
import { StubCompositor } from '../../test/stub/compositor.js';
import { GuestClient, TestBlob } from '../../test/stub/guest-client.js';
import { percentileUs, type Spread, spreadOf } from '../statistics.js';

const SINK = fileURLToPath(new URL('./sink.js', import.meta.url));
const POOL_BYTES = 64 * 64 * 4;
/** Commits between two waits for the compositor. */
const COMMITS_PER_CHUNK = 100;
/** attach, damage_buffer, commit */
const MESSAGES_PER_COMMIT = 3;
/** A guest that does nothing else is allowed more than one that has users. */
const POLICY = { limits: { messagesPerSecond: 10_000_000 } };

export interface FirewallResult {
  readonly surfaces: number;
  readonly commitsPerSecond: Spread;
  /** Messages that one core gets through: CPU time of all of this process, the guest's part included. */
  readonly messagesPerCpuSecond: Spread;
}

/** A guest's client whose compositor is a process of its own. */
class ForwardedGuest {
  readonly guest: GuestClient;
  private readonly sink: ChildProcess;
  private readonly region = {
    fd: createMemfd('bench-region', { size: 1 << 20, seals: Seal.SHRINK | Seal.GROW }),
    bytes: 1 << 20,
  };

  constructor() {
    const [near, far] = socketPair();
    this.sink = spawn(process.execPath, [SINK], { stdio: ['ignore', 'ignore', 'inherit', far.fd] });
    far.close();
    this.guest = new GuestClient({ socket: near, policy: POLICY, region: this.region });
  }

  /** Requests of commits of that many surfaces, one after the other. */
  async commits(surfaces: number): Promise<Uint8Array> {
    const { guest } = this;
    const registry = await guest.start();
    const compositor = guest.bind(registry, 'wl_compositor');
    const shm = guest.bind(registry, 'wl_shm');
    const pool = guest.make(shm, 'create_pool', [0, POOL_BYTES], [new TestBlob(POOL_BYTES, 0).item]);
    const buffer = guest.make(pool, 'create_buffer', [0, 64, 64, 256, 1]);
    const made = Array.from({ length: surfaces }, () => guest.make(compositor, 'create_surface'));
    const requests: Uint8Array[] = [];
    for (let i = 0; i < COMMITS_PER_CHUNK; i++) {
      const surface = made[i % surfaces] ?? 0;
      requests.push(guest.encode(surface, 'attach', [buffer, 0, 0]));
      requests.push(guest.encode(surface, 'damage_buffer', [0, 0, 64, 64]));
      requests.push(guest.encode(surface, 'commit', []));
    }
    await guest.sync();
    return Buffer.concat(requests);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.sink.once('close', resolve));
    this.guest.close();
    this.sink.kill('SIGTERM');
    await ended;
    closeFd(this.region.fd);
  }
}

export async function measureFirewall(
  surfaces: number,
  turns: number,
  turnMs: number,
): Promise<FirewallResult> {
  const forwarded = new ForwardedGuest();
  try {
    const { guest } = forwarded;
    const chunk = await forwarded.commits(surfaces);
    await commitFor(guest, chunk, 2 * turnMs);
    const samples: Awaited<ReturnType<typeof commitFor>>[] = [];
    for (let turn = 0; turn < turns; turn++) samples.push(await commitFor(guest, chunk, turnMs));
    return {
      surfaces,
      commitsPerSecond: spreadOf(samples.map(({ commits, seconds }) => commits / seconds)),
      messagesPerCpuSecond: spreadOf(
        samples.map(({ commits, cpuSeconds }) => (commits * MESSAGES_PER_COMMIT) / cpuSeconds),
      ),
    };
  } finally {
    await forwarded.close();
  }
}

async function commitFor(
  guest: GuestClient,
  chunk: Uint8Array,
  durationMs: number,
): Promise<{ commits: number; seconds: number; cpuSeconds: number }> {
  const start = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const end = start + BigInt(durationMs) * 1_000_000n;
  let commits = 0;
  do {
    guest.channel.send(chunk, []);
    commits += COMMITS_PER_CHUNK;
    await guest.sync();
    // What came for earlier ones is not needed.
    guest.events.length = 0;
    if (guest.ended) throw new Error(`the firewall ended the connection: ${guest.log.join('; ')}`);
  } while (process.hrtime.bigint() < end);
  const used = process.cpuUsage(cpu);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { commits, seconds, cpuSeconds: (used.user + used.system) / 1e6 };
}

export interface DelayResult {
  /** From a client's send to the compositor's receipt, in one process. */
  readonly directP50Us: number;
  readonly directP99Us: number;
  readonly forwardedP50Us: number;
  readonly forwardedP99Us: number;
}

/** A client that speaks to the compositor without anything in between; it knows the ids. */
class DirectClient {
  private readonly socket: UnixSocket;
  private readonly encoder = new Encoder();
  private readonly commitBytes: Uint8Array;
  readonly stub: StubCompositor;

  constructor() {
    const [near, far] = socketPair();
    this.socket = near;
    this.stub = new StubCompositor(far, [['wl_compositor', 6]]);
    this.stub.remembers = false;
    const send = (id: number, type: string, name: string, values: readonly WireValue[]): number =>
      near.send(this.encode(id, type, name, values));
    send(1, 'wl_display', 'get_registry', [2]);
    send(2, 'wl_registry', 'bind', [1, { interface: 'wl_compositor', version: 6, id: 3 }]);
    send(3, 'wl_compositor', 'create_surface', [4]);
    this.commitBytes = this.encode(4, 'wl_surface', 'commit', []);
  }

  commit(): void {
    this.socket.send(this.commitBytes);
  }

  close(): void {
    this.stub.close();
    this.socket.close();
  }

  private encode(id: number, type: string, name: string, values: readonly WireValue[]): Uint8Array {
    const message = INTERFACES.get(type)?.requests.find((each) => each.name === name);
    if (message === undefined) throw new Error(`no ${type}.${name}`);
    return this.encoder.encode(id, message, values).bytes.slice();
  }
}

/** Commits one at a time, each when the one before has arrived: the direct and the forwarded ones in turns. */
export async function measureDelay(commits: number): Promise<DelayResult> {
  const direct = new DirectClient();
  const guest = new GuestClient({ policy: POLICY });
  try {
    const registry = await guest.start();
    const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
    await guest.sync();
    guest.compositor.remembers = false;
    const request = guest.encode(surface, 'commit', []);
    const directNs = new Float64Array(commits);
    const forwardedNs = new Float64Array(commits);
    for (let i = -Math.ceil(commits / 4); i < commits; i++) {
      const plain = await arrival(direct.stub, () => direct.commit());
      const checked = await arrival(guest.compositor, () => guest.channel.send(request, []));
      if (i < 0) continue;
      directNs[i] = plain;
      forwardedNs[i] = checked;
    }
    directNs.sort();
    forwardedNs.sort();
    return {
      directP50Us: percentileUs(directNs, 0.5),
      directP99Us: percentileUs(directNs, 0.99),
      forwardedP50Us: percentileUs(forwardedNs, 0.5),
      forwardedP99Us: percentileUs(forwardedNs, 0.99),
    };
  } finally {
    direct.close();
    guest.close();
  }
}

/** Nanoseconds until the compositor has the commit that `send` sends. */
function arrival(stub: StubCompositor, send: () => void): Promise<number> {
  return new Promise((resolve) => {
    let start = 0n;
    stub.on('wl_surface', 'commit', () => resolve(Number(process.hrtime.bigint() - start)));
    start = process.hrtime.bigint();
    send();
  });
}
