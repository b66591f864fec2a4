/** The sockets that clients connect to: made here, inherited, or passed by a service manager. */
import { join } from 'node:path';
import { adoptListener, closeFd, listenUnix, lockFile, type UnixListener } from 'vhost-user-native';

export type Endpoint =
  /** A path, or a name in XDG_RUNTIME_DIR; null: the first free of wayland-0 to wayland-32. */
  | { readonly kind: 'socket'; readonly name: string | null }
  /** A descriptor that listens. */
  | { readonly kind: 'fd'; readonly fd: number }
  /** sd_listen_fds(3). */
  | { readonly kind: 'systemd' };

export interface Listening {
  readonly listeners: readonly UnixListener[];
  /** What clients put into WAYLAND_DISPLAY; null when only the one who passed the socket knows. */
  readonly display: string | null;
  close(): void;
}

const FIRST_PASSED_FD = 3;
const PASSED_MAX = 16;
const DISPLAYS_MAX = 32;

/** Opens what the endpoint names; throws when it can't. */
export function listen(endpoint: Endpoint, env: NodeJS.ProcessEnv = process.env): Listening {
  switch (endpoint.kind) {
    case 'socket':
      return endpoint.name === null ? firstFree(env) : named(endpoint.name, env);
    case 'fd':
      return passed([endpoint.fd]);
    case 'systemd':
      return passed(systemdFds(env));
  }
}

function passed(fds: readonly number[]): Listening {
  const listeners = fds.map((fd) => adoptListener(fd));
  return { listeners, display: null, close: () => closeAll(listeners) };
}

function systemdFds(env: NodeJS.ProcessEnv): number[] {
  const count = Number(env.LISTEN_FDS);
  if (env.LISTEN_PID !== String(process.pid) || !Number.isInteger(count) || count < 1 || count > PASSED_MAX) {
    throw new Error('no sockets were passed (LISTEN_PID, LISTEN_FDS)');
  }
  // Not for whatever this process starts.
  delete env.LISTEN_PID;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  return Array.from({ length: count }, (_, index) => FIRST_PASSED_FD + index);
}

function pathOf(name: string, env: NodeJS.ProcessEnv): string {
  if (name.includes('/')) return name;
  const folder = env.XDG_RUNTIME_DIR ?? '';
  if (!folder.startsWith('/')) throw new Error('XDG_RUNTIME_DIR is not set; name the socket by its path');
  return join(folder, name);
}

function named(name: string, env: NodeJS.ProcessEnv): Listening {
  const path = pathOf(name, env);
  const listening = tryPath(path, name);
  if (listening === null) throw new Error(`${path} is in use by another compositor or proxy`);
  return listening;
}

function firstFree(env: NodeJS.ProcessEnv): Listening {
  for (let number = 0; number <= DISPLAYS_MAX; number++) {
    const name = `wayland-${number}`;
    const listening = tryPath(pathOf(name, env), name);
    if (listening !== null) return listening;
  }
  throw new Error(`wayland-0 to wayland-${DISPLAYS_MAX} are all in use`);
}

/** As compositors do it: whoever holds the lock beside the socket may replace the socket. Null when it is in use. */
function tryPath(path: string, display: string): Listening | null {
  const lock = lockFile(`${path}.lock`);
  if (lock === null) return null;
  let listener: UnixListener;
  try {
    listener = listenUnix(path, { backlog: 128 });
  } catch (error) {
    closeFd(lock);
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return null;
    throw error;
  }
  const close = (): void => {
    listener.close();
    closeFd(lock);
  };
  return { listeners: [listener], display, close: once(close) };
}

function closeAll(listeners: readonly UnixListener[]): void {
  for (const listener of listeners) listener.close();
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}
