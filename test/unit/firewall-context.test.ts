/** Security contexts: made once per compositor, named after the VM, every client inside. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  adoptListener,
  createMemfd,
  socketPair,
  type UnixListener,
  type UnixSocket,
} from 'vhost-user-native';
import { type ForwardedClient, policyFrom, WaylandFirewall } from '../../src/wayland/index.js';
import { StubCompositor } from '../stub/compositor.js';
import { descriptors, until } from '../stub/guest-client.js';

const GLOBALS = [
  ['wl_compositor', 4],
  ['wp_security_context_manager_v1', 1],
] as const;

/** A compositor with security contexts: what comes through one gets to see less. */
class Host {
  readonly plain: StubCompositor[] = [];
  readonly inside: StubCompositor[] = [];
  readonly contexts = new Map<string, unknown>();
  listener: UnixListener | null = null;
  private readonly hasContexts: boolean;

  constructor(hasContexts: boolean) {
    this.hasContexts = hasContexts;
  }

  connect(): UnixSocket {
    const [near, far] = socketPair();
    const compositor = new StubCompositor(far, this.hasContexts ? GLOBALS : [['wl_compositor', 4]]);
    this.plain.push(compositor);
    compositor.on('wp_security_context_manager_v1', 'create_listener', ({ values }) => {
      this.listener = adoptListener(compositor.takeFd(values[1]));
    });
    for (const name of ['set_sandbox_engine', 'set_app_id', 'set_instance_id']) {
      compositor.on('wp_security_context_v1', name, ({ values }) => this.contexts.set(name, values[0]));
    }
    compositor.on('wp_security_context_v1', 'commit', () => {
      this.listener?.watch(() => {
        const socket = this.listener?.accept();
        if (socket) this.inside.push(new StubCompositor(socket, [['wl_compositor', 4]]));
      });
    });
    return near;
  }

  close(): void {
    for (const compositor of [...this.plain, ...this.inside]) compositor.close();
    this.listener?.close();
    this.listener = null;
  }
}

function firewall(host: Host, policy: object, log: string[]): { firewall: WaylandFirewall; fd: number } {
  const fd = createMemfd('region', { size: 4096 });
  const note = (line: string): void => {
    log.push(line);
  };
  return {
    fd,
    firewall: new WaylandFirewall({
      vm: 'work vm',
      policy: policyFrom(policy),
      region: { fd, bytes: 4096 },
      connect: () => host.connect(),
      log: { info: note, warn: note },
    }),
  };
}

function open(wall: WaylandFirewall): { client: ForwardedClient; state: { ended: boolean } } {
  const state = { ended: false };
  const client = wall.open({
    name: 'x',
    ready: () => {
      for (let message = client.receive(); message !== null; message = client.receive()) {
        if (message === 'end') state.ended = true;
      }
    },
  });
  return { client, state };
}

t.test('every client is inside, and again after the compositor came back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  const { XDG_RUNTIME_DIR: previous } = process.env;
  process.env.XDG_RUNTIME_DIR = folder;
  t.teardown(() => {
    if (previous === undefined) delete process.env.XDG_RUNTIME_DIR;
    else process.env.XDG_RUNTIME_DIR = previous;
    rmSync(folder, { recursive: true });
  });
  const host = new Host(true);
  const log: string[] = [];
  const { firewall: wall } = firewall(host, {}, log);
  const first = open(wall);
  const second = open(wall);
  await until(() => host.inside.length === 2);
  t.equal(host.plain.length, 1, 'one connection outside');
  t.strictSame([...host.contexts.keys()], ['set_sandbox_engine', 'set_app_id', 'set_instance_id']);
  t.equal(host.contexts.get('set_app_id'), 'work_vm');
  t.match(log, ['security context for work vm: in use']);
  t.equal(readdirSync(folder).length, 1);
  await until(() => first.client.metrics.events > 2 && second.client.metrics.events > 2);

  host.close();
  await until(() => first.state.ended && second.state.ended);
  t.equal(readdirSync(folder).length, 1, 'the socket is for the next context, too');
  t.equal(wall.clientCount, 0);
  const third = open(wall);
  await until(() => host.inside.length === 3 && third.client.metrics.events > 2);
  wall.close();
  t.equal(readdirSync(folder).length, 0);
  host.close();
});

t.test('a compositor without: plain connections, or none when the policy requires it', async (t) => {
  const host = new Host(false);
  const log: string[] = [];
  const { firewall: wall } = firewall(host, {}, log);
  const { client } = open(wall);
  await until(() => client.metrics.events > 2);
  t.match(log, ['security context for work vm: the compositor has none']);
  wall.close();
  const strict = firewall(host, { securityContext: 'require' }, log).firewall;
  const refused = open(strict);
  await until(() => refused.state.ended);
  t.match(log.at(-1), /which the policy requires/);
  strict.close();
  const careless = firewall(host, { securityContext: 'off' }, log).firewall;
  const before = host.plain.length;
  const plain = open(careless);
  await until(() => plain.client.metrics.events > 2);
  t.equal(host.plain.length, before + 1, 'no look at the globals first');
  careless.close();
  host.close();
});

t.test('no compositor, then one', async (t) => {
  const before = descriptors();
  const host = new Host(true);
  const log: string[] = [];
  let there = false;
  const wall = new WaylandFirewall({
    vm: 'work',
    policy: policyFrom({}),
    region: { fd: 0, bytes: 4096 },
    connect: () => {
      if (!there) throw new Error('nobody listens');
      return host.connect();
    },
    log: { info: (line) => log.push(line), warn: (line) => log.push(line) },
  });
  const early = open(wall);
  await until(() => early.state.ended);
  t.match(log, [/no compositor: nobody listens/]);
  there = true;
  const late = open(wall);
  await until(() => late.client.metrics.events > 2);
  const closing = open(wall);
  wall.close();
  wall.close();
  closing.client.close();
  host.close();
  await until(() => descriptors() <= before, 'all descriptors to be closed');
  t.pass('nothing is left');
});
