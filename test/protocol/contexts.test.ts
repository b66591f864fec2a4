/**
 * Contexts behind a real front-end: the sequence of commands that a guest's driver and proxy send, rings in guest memory,
 * blobs in the shared region.
 */
import type { Test } from 'tap';
import { adoptPipe, createPipe, pageSize } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import { SharedRegion } from '../../src/region/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from '../unit/context-support.js';
import * as c from '../unit/gpu-commands.js';
import { until } from '../unit/gpu-socket-fixture.js';
import { type Machine, scenario } from './gpu-machine.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
/** One for all: what is in it must be given back by each. */
const region = SharedRegion.create({ windowBytes: 64 * pageSize, hostBytes: 64 * pageSize });
const QUERY = 1;
const CHANNEL = 2;

/** A guest with one connected context. */
class Guest {
  readonly machine: Machine;
  readonly query: number;
  readonly channel: number;
  private fenceId = 0n;

  constructor(machine: Machine) {
    this.machine = machine;
    this.query = machine.vm.memory.alloc(4096, 4096);
    this.channel = machine.vm.memory.alloc(4096, 4096);
  }

  /** What a driver sends until the proxy's first POLL. */
  async connect(ctxId = 1): Promise<void> {
    await this.machine.all(
      s.createContext(ctxId, 5, 'proxy'),
      c.guestBlob(QUERY, [[this.query, 4096]]),
      s.attachTo(ctxId, QUERY),
      c.guestBlob(CHANNEL, [[this.channel, 4096]]),
      s.attachTo(ctxId, CHANNEL),
      s.submit3d(ctxId, s.init(QUERY, CHANNEL)),
    );
  }

  /** Resolves with the channel ring once the fence is signalled. */
  async poll(ctxId = 1): Promise<Uint8Array> {
    this.fenceId += 1n;
    const fence = { flags: s.RING, ringIdx: 1, fenceId: this.fenceId };
    const response = await this.machine.send(s.submit3d(ctxId, s.POLL, fence));
    if (viewOf(response).getBigUint64(8, true) !== fence.fenceId) throw new Error('another fence');
    return this.machine.vm.memory.read(this.channel, 4096);
  }

  async image(width: number, height: number, format: number): Promise<DataView> {
    const fence = { flags: s.RING, ringIdx: 0, fenceId: 1000n };
    await this.machine.send(s.submit3d(1, s.imageQuery(width, height, format), fence));
    return viewOf(this.machine.vm.memory.read(this.query, 64));
  }
}

function contextScenario(
  name: string,
  run: (t: Test, guest: Guest, channels: s.TestChannels) => Promise<void>,
): void {
  const channels = new s.TestChannels();
  scenario(
    name,
    async (t, machine) => {
      await machine.connect();
      await machine.start();
      await run(t, new Guest(machine), channels);
      machine.disconnect();
      await until(() => !machine.device.status.attached);
      t.match(machine.device.status.contexts, {
        contexts: 0,
        attachments: 0,
        imageTemplates: 0,
        readPipes: 0,
      });
      t.match(region.metrics, { ranges: 0, windowUsedBytes: 0 });
      t.ok(
        channels.opened.every(({ closed }) => closed > 0),
        'all channels are closed',
      );
    },
    { region, contexts: { channels } },
  );
}

const receivedData = (ring: Uint8Array): Uint8Array =>
  ring.slice(352, 352 + viewOf(ring).getUint32(12, true));

contextScenario('a pool of shared memory: from the question to the send', async (t, guest, channels) => {
  const { machine } = guest;
  await guest.connect();
  const channel = channels.last;
  t.equal(channel.owner.name, 'proxy');
  const first = guest.poll();
  const answer = await guest.image(10_000, 1, 0x20203852);
  t.equal(answer.getUint32(0, true), 10_000);
  const size = answer.getUint32(40, true);
  t.equal(size, Math.ceil(10_000 / pageSize) * pageSize);
  const blobId = BigInt(answer.getUint32(48, true));
  await machine.all(c.createBlob(3, { ctxId: 1, blobMem: 2, blobFlags: 3, blobId, size }), s.attachTo(1, 3));
  const offset = 4 * pageSize;
  t.equal(c.typeOf(await machine.send(c.mapBlob(3, offset))), gpu.VIRTIO_GPU_RESP_OK_MAP_INFO);
  await machine.all(
    s.detachFrom(1, 3),
    s.attachTo(1, 3),
    s.submit3d(1, s.sendCommand(s.hex('0100000001000c0002000000'), [[3, 1]])),
    s.detachFrom(1, 3),
  );
  t.match(channel.sent[0]?.items, [
    { kind: 'blob', blob: { resourceId: 3, bytes: size, regionOffset: offset } },
  ]);
  channel.deliver({ data: Uint8Array.of(1, 2, 3, 4), items: [] });
  t.strictSame(receivedData(await first), Uint8Array.of(1, 2, 3, 4));
  await machine.all(c.unref(3));
});

contextScenario('keymaps and pastes', async (t, guest, channels) => {
  const { machine } = guest;
  await guest.connect();
  const channel = channels.last;
  const keymap = Uint8Array.from({ length: 5000 }, (_, i) => i * 11);
  const { reader, writeFd } = createPipe();
  channel.deliver({
    data: Uint8Array.of(9),
    items: [
      { kind: 'file', content: keymap },
      { kind: 'write-pipe', fd: writeFd },
    ],
  });
  const ring = viewOf(await guest.poll());
  t.equal(ring.getUint32(8, true), 2);
  const [file, pipe] = [ring.getUint32(16, true), ring.getUint32(20, true)];
  t.equal(ring.getUint32(240, true), 5000);
  const size = Math.ceil(5000 / pageSize) * pageSize;
  await machine.all(c.createBlob(5, { ctxId: 1, blobMem: 2, blobFlags: 3, blobId: BigInt(file), size }));
  t.equal(c.typeOf(await machine.send(c.mapBlob(5, pageSize))), gpu.VIRTIO_GPU_RESP_OK_MAP_INFO);
  const bytes = new Uint8Array(region.mapping.window(pageSize, size));
  t.strictSame(bytes.slice(0, 5000), keymap);
  t.ok(bytes.subarray(5000).every((byte) => byte === 0));
  const again = await machine.send(
    c.createBlob(6, { ctxId: 1, blobMem: 2, blobFlags: 3, blobId: BigInt(file), size }),
  );
  t.equal(c.typeOf(again), gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
  await machine.all(s.submit3d(1, s.writeCommand(pipe, Buffer.from('from the guest'), 1)));
  const target = new Uint8Array(64);
  t.equal(Buffer.from(target.subarray(0, reader.read(target))).toString(), 'from the guest');
  t.equal(reader.read(target), 0);
  reader.close();

  await machine.all(s.submit3d(1, s.sendCommand(Uint8Array.of(1), [[0x8000_0001, 3]])));
  const item = channel.sent[0]?.items[0];
  if (item?.kind !== 'read-pipe') throw new Error('not a pipe');
  const writer = adoptPipe(item.fd);
  const poll = guest.poll();
  writer.write(Buffer.from('from the host'));
  writer.close();
  t.equal(Buffer.from((await poll).subarray(24, 37)).toString(), 'from the host');
  const end = viewOf(await guest.poll());
  t.strictSame([end.getUint32(0, true), end.getUint32(12, true)], [6, 1]);
});

contextScenario(
  'a machine that is paused keeps its POLL, and gets nothing meanwhile',
  async (t, guest, channels) => {
    const { machine } = guest;
    await guest.connect();
    const channel = channels.last;
    for (let round = 1; round <= 3; round++) {
      const poll = guest.poll();
      let answered = false;
      void poll.then(() => {
        answered = true;
      });
      const { control, cursor } = machine;
      for (const queue of [control, cursor]) await machine.vm.enableQueue(queue, false);
      const bases = [await machine.vm.stopQueue(control), await machine.vm.stopQueue(cursor)];
      channel.deliver({ data: Uint8Array.of(round), items: [] });
      t.equal(channel.inbox.length, 1, 'not even taken from the channel');
      t.equal(answered, false);
      await machine.vm.resumeQueue(control, bases[0] as number);
      await machine.vm.resumeQueue(cursor, bases[1] as number);
      t.strictSame(receivedData(await poll), Uint8Array.of(round));
      t.equal(machine.device.status.heldFences, 0);
    }
    t.equal(c.typeOf(await machine.send(s.destroyContext(1))), OK);
  },
);

contextScenario('a reset ends every context', async (t, guest, channels) => {
  const { machine } = guest;
  await guest.connect();
  guest.poll().catch(() => undefined);
  await until(() => machine.device.status.heldFences === 1);
  await machine.vm.resetDevice();
  t.ok(channels.last.closed > 0);
  t.match(machine.device.status, { heldFences: 0, resources: 0, contexts: { contexts: 0 } });
  await machine.vm.startQueue(0);
  await machine.vm.startQueue(1);
  const next = new Guest(machine);
  await next.connect();
  channels.last.deliver({ data: Uint8Array.of(7), items: [] });
  t.strictSame(receivedData(await next.poll()), Uint8Array.of(7));
});

contextScenario('a guest that goes away in the middle', async (t, guest, channels) => {
  await guest.connect();
  guest.poll().catch(() => undefined);
  await until(() => guest.machine.device.status.heldFences === 1);
  channels.last.inbox.push({ data: Uint8Array.of(1), items: [] });
  t.pass();
});
