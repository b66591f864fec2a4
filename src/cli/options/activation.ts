/** Sockets that a service manager has opened (sd_listen_fds(3)): for the device, and for input devices. */
import type { InputPaths } from './input.js';

const FIRST_FD = 3;
const FDS_MAX = 32;
/** What sockets are for: by their names (FileDescriptorName=), or in this order where all have one name. */
const ROLES = ['gpu', 'keyboard', 'tablet', 'mouse', 'touch'];
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];

export interface PassedSockets {
  readonly gpu: number;
  readonly inputs: InputPaths;
}

function rolesOf(count: number, names: readonly string[]): readonly string[] {
  const shareName = new Set(names).size <= 1;
  const roles = shareName ? ROLES.slice(0, count) : names;
  const stranger = names.find((name) => !shareName && !ROLES.includes(name));
  if (stranger !== undefined) throw new Error(`a socket is named ${stranger}: expected ${ROLES.join(', ')}`);
  if (roles.length < count)
    throw new Error(`${count} sockets with one name: expected ${ROLES.length} at most`);
  return roles;
}

/** What was passed; throws with what is wrong with it. */
export function passedSockets(env: NodeJS.ProcessEnv): PassedSockets {
  const count = /^\d{1,3}$/.test(env.LISTEN_FDS ?? '') ? Number(env.LISTEN_FDS) : 0;
  if (env.LISTEN_PID !== String(process.pid) || count < 1 || count > FDS_MAX) {
    throw new Error('no sockets were passed (LISTEN_PID, LISTEN_FDS)');
  }
  const names = env.LISTEN_FDNAMES === undefined ? [] : env.LISTEN_FDNAMES.split(':');
  const roles = rolesOf(count, names.slice(0, count));
  const fdsOf = (role: string): number[] =>
    roles.flatMap((name, index) => (name === role ? [FIRST_FD + index] : []));
  const [gpu] = fdsOf('gpu');
  if (gpu === undefined) throw new Error('no socket is named gpu');
  const twice = ROLES.find((role) => role !== 'tablet' && fdsOf(role).length > 1);
  if (twice !== undefined) throw new Error(`more than one socket is named ${twice}`);
  const only = (role: string): number | null => fdsOf(role)[0] ?? null;
  return {
    gpu,
    inputs: {
      keyboard: only('keyboard'),
      tablets: fdsOf('tablet'),
      mouse: only('mouse'),
      touchscreen: only('touch'),
    },
  };
}

/** The sockets are taken: not for whatever this process starts. */
export function forgetPassed(env: NodeJS.ProcessEnv): void {
  for (const name of VARIABLES) delete env[name];
}
