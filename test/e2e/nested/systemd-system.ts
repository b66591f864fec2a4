/**
 * Runs as root in a guest whose first process is systemd (harness/system-guest), after the socket of the machine `work` was
 * enabled: what comes of QEMU's coming, a crash, a hang and the end.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { END, Machine, Manager, report, rightsOf, STATE, statOf } from './systemd-machine.js';

/** Programs that a process has started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** Namespaces of a process that are not those of this one. */
function namespacesOf(pid: number): string[] {
  const link = (whose: number | 'self', name: string): string => readlinkSync(`/proc/${whose}/ns/${name}`);
  return ['ipc', 'mnt', 'net', 'user'].filter((name) => link(pid, name) !== link('self', name));
}

function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

const manager = new Manager('system');
const [service, socket] = ['vhost-user-gpu-ts@work.service', 'vhost-user-gpu-ts@work.socket'];
const path = '/run/vhost-user-gpu/work.sock';
let machine: Machine;
const connect = async (seed: number): Promise<string> => {
  machine = await Machine.start(path, { shown: true });
  return machine.show(seed);
};
await report({
  waiting: async () => ({ socket: statOf(path), ...manager.show(service, ...STATE) }),
  started: async () => {
    const picture = await connect(1);
    const pid = manager.pid(service);
    return {
      picture,
      ...manager.show(service, ...STATE),
      process: rightsOf(pid),
      children: childrenOf(pid).length,
      namespaces: namespacesOf(pid),
      devices: openFiles(pid).filter((name) => /^\/dev\/(?!null)/.test(name)),
      log: manager.log(service),
    };
  },
  killed: async () => {
    // For the next one, and for what comes then.
    const folder = `/run/systemd/system/${service}.d`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'watchdog.conf'), '[Service]\nWatchdogSec=10\n');
    manager.control(['daemon-reload']);
    process.kill(manager.pid(service), 'SIGKILL');
    await machine.vm.closed;
    machine.close();
    const picture = await connect(2);
    return { picture, ...manager.show(service, ...STATE) };
  },
  hung: async () => {
    process.kill(manager.pid(service), 'SIGSTOP');
    await machine.vm.closed;
    machine.close();
    const picture = await connect(3);
    return { picture, ...manager.show(service, ...STATE), log: manager.log(service) };
  },
  stopped: async () => {
    manager.control(['stop', service]);
    await machine.vm.closed;
    machine.close();
    // (What is known of a service is forgotten when nothing refers to it any more.)
    const ended = manager.show(service, ...END);
    const { ActiveState: listens = '' } = manager.show(socket, 'ActiveState');
    const left = existsSync(path);
    manager.control(['disable', '--now', socket]);
    return { ...ended, socket: listens, left, leftBySocket: existsSync(path) };
  },
});
