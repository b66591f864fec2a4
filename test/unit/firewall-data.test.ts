/** Clipboard, primary selection and drags: directions, types, sizes, questions. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { closeFd, createPipe } from 'vhost-user-native';
import { type Ask, askBy } from '../../src/wayland/index.js';
import { asObject, type StubObject } from '../stub/compositor.js';
import { descriptors, drain, fill, GuestClient, until } from '../stub/guest-client.js';

interface Stage {
  readonly guest: GuestClient;
  readonly manager: number;
  readonly device: number;
  readonly seat: number;
  readonly registry: number;
  readonly host: StubObject;
  /** An input event whose serial the guest may use. */
  readonly serial: number;
}

async function stage(policy: object, ask?: Ask): Promise<Stage> {
  const guest = new GuestClient({ policy, ...(ask === undefined ? {} : { ask }) });
  const registry = await guest.start();
  const manager = guest.bind(registry, 'wl_data_device_manager');
  const seat = guest.bind(registry, 'wl_seat');
  const keyboard = guest.make(seat, 'get_keyboard');
  const device = guest.make(manager, 'get_data_device', [seat]);
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  await guest.sync();
  const { compositor } = guest;
  compositor.send(asObject(compositor.living('wl_keyboard')[0]), 'enter', [
    9,
    asObject(compositor.living('wl_surface')[0]),
    new Uint8Array(),
  ]);
  await guest.event(keyboard, 'enter');
  void surface;
  return {
    guest,
    manager,
    device,
    seat,
    registry,
    host: asObject(compositor.living('wl_data_device')[0]),
    serial: 9,
  };
}

/** An offer of the host's, with these types. */
function offer({ guest, host }: Stage, types: readonly string[]): StubObject {
  const made = guest.compositor.create('wl_data_offer', 3);
  guest.compositor.send(host, 'data_offer', [made]);
  for (const type of types) guest.compositor.send(made, 'offer', [type]);
  return made;
}

t.test('to the guest: types filtered, data through a pipe of ours', async (t) => {
  const s = await stage({});
  const { guest, device } = s;
  const made = offer(s, ['text/plain;charset=utf-8', 'application/x-secret', 'text/plain']);
  guest.compositor.send(s.host, 'selection', [made]);
  const selection = await guest.event(device, 'selection');
  const id = Number(selection.values[0]);
  t.ok(id >= 0xff000000, "an id of the server's");
  t.strictSame(
    guest.events
      .filter(({ object, name }) => object === id && name === 'offer')
      .map(({ values }) => values[0]),
    ['text/plain;charset=utf-8', 'text/plain'],
  );
  const { reader, writeFd } = createPipe();
  guest.request(id, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: writeFd }]);
  await guest.sync();
  const [request] = guest.compositor.all('receive');
  t.equal(request?.values[0], 'text/plain');
  const data = Buffer.alloc(300_000, 'clipboard ');
  const [got] = await Promise.all([drain(reader), fill(guest.compositor.takeFd(request?.values[1]), data)]);
  t.ok(got.equals(data), 'every byte, and the end');

  const refused = createPipe();
  guest.request(id, 'receive', ['application/x-secret', 0], [{ kind: 'read-pipe', fd: refused.writeFd }]);
  t.equal((await drain(refused.reader)).length, 0, 'what was not offered is empty');
  t.equal(guest.compositor.all('receive').length, 1);
  guest.request(id, 'destroy');
  await guest.sync();
  t.equal(made.alive, false);
  guest.close();
});

t.test('the ids of offers are used again, without holes', async (t) => {
  const s = await stage({});
  const ids: number[] = [];
  for (let count = 0; count < 3; count++) {
    s.guest.compositor.send(s.host, 'selection', [offer(s, ['text/plain'])]);
    await until(() => s.guest.events.filter(({ name }) => name === 'selection').length === count + 1);
    const id = Number(s.guest.events.findLast(({ name }) => name === 'selection')?.values[0]);
    ids.push(id);
    s.guest.request(id, 'destroy');
  }
  t.strictSame(ids, [0xff000000, 0xff000000, 0xff000000]);
  s.guest.close();
});

t.test('from the guest: selection, types filtered, data through a pipe of ours, cut off', async (t) => {
  const s = await stage({ clipboard: { direction: 'from-guest', maxBytes: 100_000 } });
  const { guest, manager, device, serial } = s;
  const source = guest.make(manager, 'create_data_source');
  guest.request(source, 'offer', ['text/plain']);
  guest.request(source, 'offer', ['application/x-secret']);
  guest.request(device, 'set_selection', [source, serial]);
  await guest.sync();
  t.strictSame(
    guest.compositor.all('offer').map(({ values }) => values[0]),
    ['text/plain'],
  );
  t.equal(guest.compositor.all('set_selection').length, 1);
  const { reader, writeFd } = createPipe();
  const host = asObject(guest.compositor.living('wl_data_source')[0]);
  guest.compositor.send(host, 'send', ['text/plain', writeFd]);
  closeFd(writeFd);
  const event = await guest.event(source, 'send');
  const [item] = event.items;
  if (item?.kind !== 'write-pipe') throw new Error('no pipe');
  guest.events.splice(guest.events.indexOf(event), 1);
  const data = Buffer.alloc(300_000, 'x');
  const [got] = await Promise.all([drain(reader), fill(item.fd, data)]);
  t.equal(got.length, 100_000, 'as much as the policy allows');
  t.match(guest.log, [/transfer-size: clipboard from-guest: cut off after 100000 bytes/]);

  const other = createPipe();
  guest.compositor.send(host, 'send', ['application/x-secret', other.writeFd]);
  closeFd(other.writeFd);
  t.equal((await drain(other.reader)).length, 0, 'a type that was not offered');

  guest.compositor.send(s.host, 'selection', [offer(s, ['text/plain'])]);
  const selection = await guest.event(device, 'selection');
  t.strictSame(selection.values, [0], 'nothing the other way');
  guest.close();
});

t.test('no direction: the guest keeps to itself', async (t) => {
  const s = await stage({ clipboard: { direction: 'none' }, dragAndDrop: { direction: 'none' } });
  const { guest, manager, device, serial } = s;
  const source = guest.make(manager, 'create_data_source');
  guest.request(source, 'offer', ['text/plain']);
  guest.request(device, 'set_selection', [source, serial]);
  await guest.sync();
  const cancelled = () => guest.events.filter(({ name }) => name === 'cancelled').map(({ object }) => object);
  t.strictSame(cancelled(), [], 'its maker believes that it has the selection');
  const next = guest.make(manager, 'create_data_source');
  guest.request(device, 'set_selection', [next, serial]);
  await guest.event(source, 'cancelled');
  t.strictSame(cancelled(), [source], 'until the next one');
  guest.request(device, 'set_selection', [0, serial]);
  await guest.event(next, 'cancelled');
  const dragged = guest.make(manager, 'create_data_source');
  const surface = guest.make(guest.bind(s.registry, 'wl_compositor'), 'create_surface');
  guest.request(device, 'start_drag', [dragged, surface, 0, serial]);
  await guest.event(dragged, 'cancelled');
  t.equal(guest.compositor.all('set_selection').length + guest.compositor.all('start_drag').length, 0);
  guest.request(device, 'start_drag', [0, surface, 0, serial]);
  await guest.sync();
  t.equal(guest.compositor.all('start_drag').length, 1, 'a drag of its own, without data');

  const made = offer(s, ['text/plain']);
  guest.compositor.send(s.host, 'enter', [
    10,
    asObject(guest.compositor.living('wl_surface')[0]),
    1,
    1,
    made,
  ]);
  guest.compositor.send(s.host, 'motion', [1, 2, 2]);
  guest.compositor.send(s.host, 'drop');
  guest.compositor.send(s.host, 'leave');
  await guest.sync();
  t.notOk(
    guest.events.some(({ object }) => object === device),
    'a drag over its windows goes unnoticed',
  );
  t.equal(made.alive, false);
  guest.close();
});

t.test('a selection needs an input event of this guest', async (t) => {
  const s = await stage({});
  const source = s.guest.make(s.manager, 'create_data_source');
  s.guest.request(s.device, 'set_selection', [source, s.serial + 1]);
  await s.guest.event(source, 'cancelled');
  t.equal(s.guest.compositor.all('set_selection').length, 0);
  s.guest.close();
});

t.test('a drag to the guest: actions, drop, finish at the right time', async (t) => {
  const s = await stage({});
  const { guest, device } = s;
  const made = offer(s, ['text/uri-list']);
  guest.compositor.send(made, 'source_actions', [1]);
  guest.compositor.send(s.host, 'enter', [
    10,
    asObject(guest.compositor.living('wl_surface')[0]),
    1,
    1,
    made,
  ]);
  const enter = await guest.event(device, 'enter');
  const id = Number(enter.values[4]);
  t.ok(
    guest.events.some(
      ({ object, name, values }) => object === id && name === 'source_actions' && values[0] === 1,
    ),
  );
  guest.request(id, 'finish');
  guest.request(id, 'accept', [10, 'text/uri-list']);
  guest.request(id, 'accept', [10, 'text/other']);
  guest.request(id, 'accept', [10, 'text/uri-list']);
  guest.request(id, 'set_actions', [1, 1]);
  guest.compositor.send(made, 'action', [1]);
  guest.compositor.send(s.host, 'drop');
  await guest.event(device, 'drop');
  guest.request(id, 'finish');
  guest.request(id, 'finish');
  await guest.sync();
  t.strictSame(
    guest.compositor.all('accept').map(({ values }) => values[1]),
    ['text/uri-list', null, 'text/uri-list'],
  );
  t.equal(guest.compositor.all('finish').length, 1);
  guest.close();
});

t.test('ask: each transfer after a yes', async (t) => {
  const questions: string[] = [];
  const answers: ((yes: boolean) => void)[] = [];
  const ask: Ask = (question, answer) => {
    questions.push(`${question.kind} ${question.direction} ${question.vm} ${question.mimeType}`);
    answers.push(answer);
  };
  const s = await stage(
    { clipboard: { direction: 'ask' }, ask: { command: ['/bin/true'] }, limits: { transfers: 2 } },
    ask,
  );
  const { guest, device } = s;
  guest.compositor.send(s.host, 'selection', [offer(s, ['text/plain'])]);
  const id = Number((await guest.event(device, 'selection')).values[0]);
  const [first, second] = [createPipe(), createPipe()];
  for (const { writeFd } of [first, second]) {
    guest.request(id, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: writeFd }]);
  }
  await guest.sync();
  t.strictSame(questions, ['clipboard to-guest work text/plain', 'clipboard to-guest work text/plain']);
  t.equal(guest.compositor.all('receive').length, 0, 'not before the answer');
  answers[0]?.(false);
  t.equal((await drain(first.reader)).length, 0);
  answers[1]?.(true);
  await guest.sync();
  t.equal(guest.compositor.all('receive').length, 1);

  const third = createPipe();
  guest.request(id, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: third.writeFd }]);
  await guest.sync();
  const fourth = createPipe();
  guest.request(id, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: fourth.writeFd }]);
  t.match(await guest.error(), { text: /^limit-transfers/ });
  answers[2]?.(true);
  for (const { reader } of [second, third, fourth]) t.equal((await drain(reader)).length, 0, 'all closed');
  guest.close();
});

t.test('the ask command: arguments, exit code, time limit', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ask-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = join(folder, 'ask');
  writeFileSync(
    script,
    `#!/bin/sh\nprintf '%s\\n' "$@" "$FORWARD_VM" > ${folder}/said\n[ "$4" = text/plain ]\n`,
  );
  chmodSync(script, 0o755);
  const run = (command: string[], mimeType: string, timeoutSeconds = 10): Promise<boolean> => {
    const question = { kind: 'clipboard', direction: 'to-guest', vm: 'work', mimeType } as const;
    return new Promise((resolve) => askBy({ command, timeoutSeconds })(question, resolve));
  };
  t.equal(await run([script], 'text/plain'), true);
  t.equal(readFileSync(join(folder, 'said'), 'utf8'), 'clipboard\nto-guest\nwork\ntext/plain\nwork\n');
  t.equal(await run([script], '$(touch x)\n;'), false);
  t.equal(readFileSync(join(folder, 'said'), 'utf8'), 'clipboard\nto-guest\nwork\n$(touch x)\\u{a};\nwork\n');
  t.equal(await run([join(folder, 'missing')], 'text/plain'), false);
  t.equal(await run(['/bin/sh', '-c', 'kill -9 $$'], 'text/plain'), false);
  t.equal(await run(['/bin/sh', '-c', 'exec sleep 1000'], 'text/plain', 1), false);
  const none = await new Promise((resolve) =>
    askBy(null)({ kind: 'drag', direction: 'to-guest', vm: 'a', mimeType: 'b' }, resolve),
  );
  t.equal(none, false, 'nobody to ask');
});

t.test('a source of a manager that is gone: cancelled, and the compositor hears nothing', async (t) => {
  const s = await stage({});
  const { guest, registry, device, serial } = s;
  const late = guest.compositor.addGlobal('wl_data_device_manager', 3);
  await until(() => guest.events.filter(({ values }) => values[1] === 'wl_data_device_manager').length === 2);
  const name = Number(guest.events.findLast(({ name }) => name === 'global')?.values[0]);
  guest.compositor.removeGlobal(late);
  await guest.event(registry, 'global_remove');
  const manager = guest.nextId++;
  guest.request(registry, 'bind', [name, { interface: 'wl_data_device_manager', version: 3, id: manager }]);
  const before = guest.compositor.requests.length;
  const source = guest.make(manager, 'create_data_source');
  guest.request(source, 'offer', ['text/plain']);
  guest.request(device, 'set_selection', [source, serial]);
  await guest.event(source, 'cancelled');
  await guest.sync();
  t.equal(guest.compositor.requests.length, before + 1, 'only the sync');
  t.equal(guest.ended, false);
  guest.close();
});

t.test('descriptors: none is left', async (t) => {
  const before = descriptors();
  const s = await stage({});
  const { guest, device } = s;
  guest.compositor.send(s.host, 'selection', [offer(s, ['text/plain'])]);
  const id = Number((await guest.event(device, 'selection')).values[0]);
  const pipe = createPipe();
  guest.request(id, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: pipe.writeFd }]);
  const unused = createPipe();
  guest.channel.send(new Uint8Array(), [{ kind: 'read-pipe', fd: unused.writeFd }]);
  await guest.sync();
  guest.close();
  for (const { reader } of [pipe, unused]) t.equal((await drain(reader)).length, 0);
  const late = createPipe();
  guest.channel.send(new Uint8Array(), [{ kind: 'read-pipe', fd: late.writeFd }]);
  t.equal((await drain(late.reader)).length, 0, 'after the end, too');
  t.equal(descriptors(), before);
});
