/** A trace of commands that is played into another device shows the same pictures; a damaged one says so. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FrameCapture } from '../../src/capture/index.js';
import { hashes, print, replay } from '../../src/cli/replay/main.js';
import { TraceError } from '../../src/cli/replay/trace-file.js';
import { TraceOutput } from '../../src/cli/trace-output.js';
import { SharedRegion } from '../../src/region/index.js';
import { CommandTrace, VIRTIO_GPU_CMD_UPDATE_CURSOR } from '../../src/virtio-gpu/index.js';
import * as c from '../unit/gpu-commands.js';
import { TestLogger } from '../unit/gpu-harness.js';
import { Framebuffer } from './framebuffer.js';
import { Machine, show } from './gpu-machine.js';

/** A machine whose commands are traced, the file, and what its outputs showed after each change. */
class Traced {
  readonly folder = mkdtempSync(join(tmpdir(), 'trace-'));
  readonly path = join(this.folder, 'trace');
  readonly log = new TestLogger();
  readonly seen: string[] = [];
  readonly machine: Machine;
  readonly capture: FrameCapture = new FrameCapture((event) => {
    if (event !== 'cursor') this.seen.push(...hashes(this.capture));
  });
  private readonly region = SharedRegion.create({ windowBytes: 1 << 20, hostBytes: 0 });
  private readonly output: TraceOutput;

  constructor(bytesMax = 1 << 30) {
    this.output = new TraceOutput(this.path, bytesMax, this.log);
    const trace = new CommandTrace(this.output.write);
    this.machine = new Machine({ sinks: [this.capture], region: this.region, trace });
  }

  async played(each = false): Promise<string[]> {
    const lines: string[] = [];
    await replay(this.path, { each }, (line) => lines.push(line));
    return lines;
  }

  close(): void {
    this.machine.close();
    this.output.close();
    this.region.close();
    rmSync(this.folder, { recursive: true });
  }
}

function scenario(name: string, run: (t: Test, traced: Traced) => Promise<void>, bytesMax?: number): void {
  t.test(name, async (t) => {
    const traced = new Traced(bytesMax);
    try {
      await traced.machine.connect();
      await traced.machine.start();
      await run(t, traced);
    } finally {
      traced.close();
    }
  });
}

/** Everything that was shown, one after the other, was shown again. */
async function shownAgain(t: Test, traced: Traced): Promise<void> {
  const lines = await traced.played(true);
  const told = lines.map((line) => line.replace(/^\d+ ms /, ''));
  const last = hashes(traced.capture);
  t.same(told.slice(told.length - last.length), last, 'the end');
  t.ok(last.length > 0 || told.length > 0);
  for (const line of new Set(traced.seen)) t.ok(told.includes(line), line);
}

scenario('2D resources: parts, modes, several outputs, refused commands', async (t, traced) => {
  const { machine } = traced;
  const framebuffer = await show(machine, 64, 48);
  framebuffer.paint(1);
  const part = c.rect(8, 4, 20, 30);
  await machine.all(c.transfer(1, part, (4 * 64 + 8) * 4), c.flush(1, part));
  // From somewhere else in its backing: what counts is what was copied.
  framebuffer.paint(2);
  await machine.all(c.transfer(1, c.rect(0, 0, 10, 10), 64 * 4), c.flush(1, c.rect(0, 0, 10, 10)));
  await machine.send(c.transfer(1, c.rect(60, 0, 10, 1)));
  await machine.send(c.setScanout(0, 99, c.rect(1, 1)));
  await machine.all(c.setScanout(0, 1, c.rect(3, 5, 40, 40)));
  const second = new Framebuffer(machine.vm, 30, 20);
  second.paint(3);
  await machine.all(c.create2d(7, 30, 20, 1), c.attach(7, second.pages), c.transfer(7, second.all));
  await machine.all(c.setScanout(0, 7, second.all), c.flush(7, second.all), c.unref(1));
  await machine.cursor.request(c.cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 7, x: 3, y: 4 }), 24);
  await shownAgain(t, traced);
  const lines: string[] = [];
  print(traced.path, (line) => lines.push(line.replace(/^\d+\.\d{3} s /, '')));
  t.equal(lines[0], 'reset');
  for (const line of [
    'RESOURCE_CREATE_2D resourceId=1 format=2 width=64 height=48',
    'TRANSFER_TO_HOST_2D r=20x30+8+4 offset=1056 resourceId=1 (600 pixels)',
    'TRANSFER_TO_HOST_2D r=10x1+60+0 offset=0 resourceId=1 REFUSED',
    'UPDATE_CURSOR pos=(scanoutId=0 x=3 y=4) resourceId=7 hotX=0 hotY=0',
  ]) {
    t.ok(lines.includes(line), line);
  }
});

scenario('blobs: what they showed at each flush', async (t, traced) => {
  const { machine } = traced;
  const [width, height] = [32, 16];
  const framebuffer = new Framebuffer(machine.vm, width, height);
  const make = (id: number) => c.guestBlob(id, framebuffer.pages);
  framebuffer.paint(1);
  await machine.all(make(5), c.setScanoutBlob(0, 5, { width, height }));
  await machine.all(c.flush(5, framebuffer.all));
  framebuffer.paint(2);
  await machine.all(c.flush(5, framebuffer.all));
  await machine.all(c.setScanoutBlob(0, 5, { width: 16, height: 8, stride: width * 4, offset: 64 }));
  await machine.all(c.flush(5, c.rect(32, 32)));
  await shownAgain(t, traced);
});

scenario('one machine after the other', async (t, traced) => {
  const { machine } = traced;
  (await show(machine, 20, 20)).paint(1);
  machine.disconnect();
  await machine.connect();
  await machine.start();
  const framebuffer = await show(machine, 30, 10);
  framebuffer.paint(4);
  await machine.all(c.transfer(1, framebuffer.all), c.flush(1, framebuffer.all));
  await shownAgain(t, traced);
});

scenario(
  'the limit is kept',
  async (t, traced) => {
    const { machine, log, path } = traced;
    const framebuffer = await show(machine, 64, 48);
    for (let i = 0; i < 3; i++)
      await machine.all(c.transfer(1, framebuffer.all), c.flush(1, framebuffer.all));
    t.match(log.warnings, [{ reason: /--trace-limit/ }]);
    t.ok(statSync(path).size <= 30_000);
    t.match(await traced.played(), [/^output 0 64x48 /], 'as far as it goes');
  },
  30_000,
);

scenario('damaged traces', async (t, traced) => {
  const { machine, path } = traced;
  await show(machine, 16, 16);
  const good = readFileSync(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.throws(() => new TraceOutput(path, 1, traced.log), { code: 'EEXIST' }, 'nothing is overwritten');
  const broken = async (change: (bytes: Buffer) => Uint8Array): Promise<unknown> => {
    writeFileSync(path, change(Buffer.from(good)));
    return traced.played().then(
      () => null,
      (error: unknown) => error,
    );
  };
  t.type(await broken(() => Buffer.from('hello')), TraceError);
  t.type(await broken((bytes) => bytes.fill(0xff, 8, 12)), TraceError, 'a length');
  t.type(await broken((bytes) => bytes.fill(0, 8, 12)), TraceError, 'no length');
  t.equal(await broken((bytes) => bytes.subarray(0, bytes.length - 1)), null, 'the last record is cut off');
  for (let at = 8; at < 200; at += 17) {
    const error = await broken((bytes) => bytes.fill((bytes[at] as number) ^ 0x41, at, at + 1));
    if (error !== null && !(error instanceof TraceError)) t.fail(`byte ${at}: ${error}`);
  }
});
