/** Finds the compositor the way every Wayland client does. */
import { isAbsolute, join } from 'node:path';
import { adoptSocket, connectUnix, type UnixSocket } from 'vhost-user-native';
import { WaylandError } from '../errors.js';

/**
 * Connects to WAYLAND_SOCKET (an inherited descriptor, used once and then removed from `env`), else to
 * `compositorPath`. WL_ERR_CONNECTION when nobody is there. `connect`: how to get to a path.
 */
export function connectToCompositor(
  env: NodeJS.ProcessEnv = process.env,
  connect: (path: string) => UnixSocket = connectUnix,
): UnixSocket {
  const inherited = env.WAYLAND_SOCKET;
  if (inherited !== undefined && inherited !== '') {
    delete env.WAYLAND_SOCKET;
    if (!/^[0-9]{1,9}$/.test(inherited)) {
      throw new WaylandError('WL_ERR_CONNECTION', `WAYLAND_SOCKET is no descriptor: ${inherited}`);
    }
    return attempt(`descriptor ${inherited}`, () => adoptSocket(Number(inherited)));
  }
  const path = compositorPath(env);
  return attempt(path, () => connect(path));
}

/**
 * The compositor's socket: WAYLAND_DISPLAY ('wayland-0' when unset), a path or a name in XDG_RUNTIME_DIR.
 * WL_ERR_CONNECTION when that is no place.
 */
export function compositorPath(env: NodeJS.ProcessEnv = process.env): string {
  const display = env.WAYLAND_DISPLAY || 'wayland-0';
  if (isAbsolute(display)) return display;
  const folder = env.XDG_RUNTIME_DIR ?? '';
  if (!isAbsolute(folder)) {
    throw new WaylandError('WL_ERR_CONNECTION', 'XDG_RUNTIME_DIR is not set (nor is WAYLAND_DISPLAY a path)');
  }
  return join(folder, display);
}

function attempt(where: string, connect: () => UnixSocket): UnixSocket {
  try {
    return connect();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WaylandError('WL_ERR_CONNECTION', `no compositor at ${where}: ${reason}`, { cause: error });
  }
}
