/** The command takes its rights away, once everything that it needs is open. */
import {
  confine,
  prepareConfinement,
  restartWithoutIoUring,
  sandboxSupport,
  usesIoUring,
} from 'vhost-user-native';
import type { Logger } from 'vhost-user-ts';
import type { HostAccess } from './host-access.js';
import type { SandboxMode } from './mode.js';

/** Something that the sandbox consists of is not to be had, and the mode does not allow to go without. */
export class SandboxError extends Error {}

/** What there is of the sandbox, and what is missing, as a person would look for it. */
function findLayers(): { landlockAbi: number; seccomp: boolean; missing: string[] } {
  const { landlockAbi, seccomp } = sandboxSupport();
  const ring = seccomp && usesIoUring();
  const missing = [
    ...(landlockAbi > 0 ? [] : ['landlock (CONFIG_SECURITY_LANDLOCK, lsm=landlock, Linux 5.13)']),
    ...(seccomp ? [] : ['seccomp (CONFIG_SECCOMP_FILTER, on x86-64 or arm64)']),
    ...(ring ? ['seccomp (a process without io_uring)'] : []),
  ];
  return { landlockAbi, seccomp: seccomp && !ring, missing };
}

/**
 * Node.js 22 and newer batch epoll_ctl() in rings that can't be given back: the process starts again, once, without.
 * `fds`: inherited, and needed later. To be called before anything is there.
 */
export function leaveIoUring(mode: SandboxMode, fds: readonly number[]): void {
  if (mode === 'off' || !sandboxSupport().seccomp || !usesIoUring()) return;
  const words = [...process.execArgv, ...process.argv.slice(1)];
  try {
    restartWithoutIoUring(process.execPath, words, [0, 1, 2, ...fds]);
  } catch {
    // It is among what is missing, then.
  }
}

/** To be asked before anything is there: later a process that is confined in part could not clean up. */
export function checkSandbox(mode: SandboxMode): void {
  if (mode !== 'on') return;
  const { missing } = findLayers();
  if (missing.length === 0) return;
  throw new SandboxError(
    `this system lacks ${missing.join(' and ')} for the sandbox; --sandbox=auto goes without what is missing`,
  );
}

export interface SandboxOptions {
  readonly mode: SandboxMode;
  /** Others of the same user have to get at this process's descriptors in /proc. */
  readonly dumpable: boolean;
}

/**
 * Confines the process. Throws a SandboxError when the mode is `on` and a layer is missing, and the system's error when
 * one that is there does not work: the process must end then.
 */
export function enterSandbox({ mode, dumpable }: SandboxOptions, host: HostAccess, log: Logger): void {
  if (mode === 'off') return;
  checkSandbox(mode);
  const { landlockAbi, seccomp, missing } = findLayers();
  prepareConfinement();
  host.delegate();
  confine({ landlock: landlockAbi > 0, seccomp, dumpable });
  if (missing.length > 0) {
    log.warn({ missing }, 'the sandbox is incomplete');
  }
  log.info({ landlock: landlockAbi, seccomp }, 'sandboxed');
}
