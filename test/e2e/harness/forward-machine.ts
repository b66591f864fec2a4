/**
 * A guest whose Wayland programs have their windows on a compositor of the host: QEMU 11.1's generic device, the guest
 * proxy, and a tree of Debian's programs (guest/clients) in which they run.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { BackEnd, displayDevice } from './back-end.js';
import type { HostCompositor } from './compositor.js';
import type { GuestChannel, GuestResult } from './guest-channel.js';
import { withMachine } from './machine.js';
import { type KernelVersion, Qemu } from './qemu.js';
import { mountShared, sharedFolder, stageApp } from './staged-app.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './window-machine.js';

export interface ForwardOptions {
  readonly compositor: HostCompositor;
  readonly kernel: KernelVersion;
  /** More options for the back-end. */
  readonly options?: readonly string[];
}

export interface ForwardMachine {
  readonly qemu: Qemu;
  readonly backEnd: BackEnd;
  readonly compositor: HostCompositor;
  readonly programs: GuestPrograms;
}

/**
 * The text console draws nothing of its own accord, so that what is copied for it does not count: no cursor, and no
 * complaint about an answer of the device either (a proxy may send to a compositor that has just ended).
 */
const APPEND = 'quiet loglevel=3 vt.global_cursor_default=0';
const PROXY = '/app/bin/node /app/dist/src/wayland/guest/main.js';
const PROXY_LOG = '/tmp/proxy.log';
const RUNTIME = '/run/user';
const DISPLAY = 'wayland-0';
/** Where clients that don't run in the tree find the proxy. */
export const GUEST_DISPLAY = `/clients${RUNTIME}/${DISPLAY}`;
const ENV = `env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 XDG_RUNTIME_DIR=${RUNTIME}`;

/** A program of the tree that was started. */
export interface GuestProgram {
  /** Resolves when it has ended. */
  ended(): Promise<GuestResult>;
  /** What it has written so far. */
  output(): Promise<string>;
  /**
   * Resolves when it has written a line that matches the pattern (of grep -E) as a whole, after the one that was found
   * last. Programs that write to files late are to be started by `stdbuf -oL`.
   */
  line(pattern: string): Promise<string>;
  /** Ends it with a signal, TERM unless told; it may have ended. */
  kill(signal?: string): Promise<void>;
}

/** The Wayland programs in the guest, and the proxy that they are connected to. */
export class GuestPrograms {
  private readonly guest: GuestChannel;
  private started = 0;

  constructor(guest: GuestChannel) {
    this.guest = guest;
  }

  /**
   * Mounts the tree, as Debian's boot would have found it. Somebody keeps the device open: when the last one closes it,
   * the kernel draws its text console anew, and those copies would be counted.
   */
  async prepare(): Promise<void> {
    await mountShared(this.guest, 'app');
    await mountShared(this.guest, 'clients');
    await this.guest.run(`
      set -e
      for folder in run tmp root var/cache/fontconfig; do mount -t tmpfs none /clients/$folder; done
      for folder in dev dev/pts proc sys; do mount -o bind /$folder /clients/$folder; done
      mkdir -m 700 /clients${RUNTIME}
      sleep 100000 <>/dev/dri/renderD128 &`);
  }

  /** Starts the proxy; returns when clients can connect. */
  async startProxy(...options: readonly string[]): Promise<void> {
    await this.guest.run(`
      XDG_RUNTIME_DIR=/clients${RUNTIME} ${PROXY} --socket ${DISPLAY} ${options.join(' ')} >${PROXY_LOG} 2>&1 &
      echo $! >/tmp/proxy.pid
      until grep -q listening ${PROXY_LOG}; do
        kill -0 $! || { cat ${PROXY_LOG}; exit 1; }
        usleep 50000
      done`);
  }

  /** Sends the proxy a signal and waits for its end. */
  async endProxy(signal = 'TERM'): Promise<void> {
    await this.guest.run(`
      pid=$(cat /tmp/proxy.pid)
      kill -${signal} $pid
      while [ -e /proc/$pid ]; do usleep 20000; done`);
  }

  /** What the proxy counts of its clients: one line each, of which the last is returned. */
  proxyReport(): Promise<string> {
    const lines = `grep ' client client=' ${PROXY_LOG}`;
    return this.guest.run(`
      before=$(${lines} | wc -l)
      kill -USR2 $(cat /tmp/proxy.pid)
      until [ $(${lines} | wc -l) -gt $before ]; do usleep 20000; done
      ${lines} | tail -n1`);
  }

  /** What the proxy wrote, and then the kernel. */
  log(): Promise<string> {
    return this.guest.run(`cat ${PROXY_LOG}; dmesg | tail -n 20`);
  }

  /** Runs a command of the tree, which must succeed; returns its output. */
  run(command: string): Promise<string> {
    return this.guest.run(inTree(command));
  }

  /** Starts a command in the background. */
  async start(command: string): Promise<GuestProgram> {
    const at = `/tmp/program-${++this.started}`;
    const pid = await this.guest.run(`
      (${inTree(command)} & echo $! >${at}.pid; wait $!; echo $? >${at}.status) >${at}.log 2>&1 &
      until [ -s ${at}.pid ]; do usleep 10000; done
      cat ${at}.pid`);
    let lines = 0;
    return {
      line: async (pattern) => {
        const found = await this.guest.run(`
          until found=$(tail -n +${lines + 1} ${at}.log | grep -nxE -m1 '${pattern}'); do
            [ ! -s ${at}.status ] || { cat ${at}.log; exit 1; }
            usleep 20000
          done
          echo "$found"`);
        const [, number = '', text = ''] = /^(\d+):(.*)/.exec(found) ?? [];
        lines += Number(number);
        return text;
      },
      ended: async () => {
        const status = await this.guest.run(
          `until [ -s ${at}.status ]; do usleep 20000; done; cat ${at}.status`,
        );
        return { status: Number(status), output: await this.guest.run(`cat ${at}.log`) };
      },
      output: () => this.guest.run(`cat ${at}.log`),
      kill: async (signal = 'TERM') => {
        await this.guest.run(`kill -${signal} ${pid} || [ ! -e /proc/${pid} ]`);
      },
    };
  }
}

/** A command of the tree, as one for the guest's shell. */
export function inTree(command: string, display = DISPLAY): string {
  return `chroot /clients ${ENV} WAYLAND_DISPLAY=${display} sh -c 'exec ${command.replaceAll("'", "'\\''")}'`;
}

/** The folder of the tree on this machine. */
export function clientsTree(): string {
  return execFileSync('guest/clients', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** Bytes of pixels that the back-end has copied so far, by what it did that for. */
export interface HostCopies {
  readonly transferBytes: number;
  readonly shadowBytes: number;
  readonly swapBytes: number;
}

export async function hostCopies({ backEnd }: ForwardMachine): Promise<HostCopies> {
  const { transferBytes = NaN, shadowBytes = NaN, swapBytes = NaN } = (await backEnd.status()).device ?? {};
  return { transferBytes, shadowBytes, swapBytes };
}

export type ForwardCheck = (t: Test, machine: ForwardMachine) => Promise<void>;

/** Each as a subtest, up to the first that fails: what it leaves behind would be in the way of the others. */
export async function runChecks(
  t: Test,
  machine: ForwardMachine,
  checks: Readonly<Record<string, ForwardCheck>>,
): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    if (!t.passing()) return;
    await t.test(name, (t) => check(t, machine));
  }
}

/**
 * Runs `body` with the booted machine, its proxy running; shows the logs of all that took part when it failed. Whatever
 * it does, the back-end copies no pixel, and the compositor has no objection to what the firewall lets through.
 */
export async function withForwardMachine(
  t: Test,
  options: ForwardOptions,
  body: (machine: ForwardMachine) => Promise<void>,
): Promise<void> {
  const { compositor, kernel } = options;
  const app = mkdtempSync(join(tmpdir(), 'forward-'));
  const clients = clientsTree();
  stageApp(app);
  const backEnd = await BackEnd.startIn(compositor.env, () => ['--wayland', ...(options.options ?? [])]);
  const device = [
    ...sharedFolder(app, 'app'),
    ...sharedFolder(clients, 'clients'),
    ...displayDevice(backEnd.socketPath, GENERIC_DEVICE, GENERIC_PROPERTIES),
  ];
  let finished = false;
  try {
    await withMachine(t, Qemu.boot({ qemu: '11.1', kernel, device, append: APPEND }), async (qemu) => {
      const programs = new GuestPrograms(qemu.guest);
      try {
        await programs.prepare();
        await programs.startProxy();
        const machine = { qemu, backEnd, compositor, programs };
        const before = await hostCopies(machine);
        await body(machine);
        t.strictSame(
          await hostCopies(machine),
          { ...before, shadowBytes: 0, swapBytes: 0 },
          'nothing was copied',
        );
        t.notMatch(backEnd.process.output, /the compositor reports an error|: internal: /);
        finished = true;
      } finally {
        if (!finished || !t.passing()) t.comment(`in the guest:\n${await programs.log()}`);
      }
    });
  } finally {
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
    if (!finished || !t.passing()) {
      t.comment(`back-end:\n${backEnd.process.output}\n${compositor.name}:\n${compositor.output}`);
    }
    rmSync(app, { recursive: true, force: true });
  }
}
