/**
 * sway as the host's compositor: the one that is built on wlroots, where programs can be given a keyboard and a pointer
 * (see virtual-seat.ts).
 */
import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompositorProgram, HostCompositor } from './compositor.js';
import { decodePpm, type RgbPicture } from './picture.js';
import { TestProcess } from './processes.js';

export interface SwayOptions {
  /** Of its only output, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Scale of the output; 1.5 is possible. Default 1. */
  readonly scale?: number;
  /** Screenshots show the pointer's image, too. Default false. */
  readonly pointer?: boolean;
}

/** Runs a command of sway(5), as a user would bind to a key. */
export async function swayCommand(compositor: HostCompositor, command: string): Promise<void> {
  await swaymsg(compositor, command);
}

/** What sway knows of a window. */
export interface SwayWindow {
  readonly name: string;
  readonly appId: string;
}

interface SwayNode {
  readonly name: string | null;
  readonly app_id?: string | null;
  readonly pid?: number;
  readonly nodes: readonly SwayNode[];
  readonly floating_nodes: readonly SwayNode[];
}

/** All windows, in the order of their places. */
export async function swayWindows(compositor: HostCompositor): Promise<readonly SwayWindow[]> {
  const tree = JSON.parse(await swaymsg(compositor, '-t', 'get_tree', '--raw')) as SwayNode;
  const windows = (node: SwayNode): SwayWindow[] =>
    node.pid === undefined
      ? [...node.nodes, ...node.floating_nodes].flatMap(windows)
      : [{ name: node.name ?? '', appId: node.app_id ?? '' }];
  return windows(tree);
}

async function swaymsg(compositor: HostCompositor, ...message: readonly string[]): Promise<string> {
  const socket = readdirSync(compositor.runtimeFolder).find((name) => name.startsWith('sway-ipc.'));
  if (socket === undefined) throw new Error(`${compositor.name} has no control socket`);
  const args = ['--socket', join(compositor.runtimeFolder, socket), ...message];
  const program = new TestProcess('swaymsg', 'swaymsg', args, compositor.env);
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`sway does not do "${message.join(' ')}": ${program.output}`);
  return program.output;
}

/** What is seen where no window is. */
export const BACKGROUND = '#204060';

/** sway does not run as root: who is root becomes this user. */
const NOBODY = 65534;

/** Windows are tiled, without borders: the only one fills the output. */
export function sway(options: SwayOptions): CompositorProgram {
  const { width, height, scale = 1, pointer = false } = options;
  const config = [
    `output HEADLESS-1 resolution ${width}x${height} scale ${scale}`,
    `output * bg ${BACKGROUND} solid_color`,
    'default_border none',
    'default_floating_border none',
    'focus_follows_mouse no',
    'xwayland disable',
    // Without a word about seats it locks no pointer.
    'seat * pointer_constraint enable',
    'exec echo sway is ready',
  ];
  return {
    name: 'sway',
    readyOutput: /sway is ready/,
    start: (folder, env) => start(folder, env, config.join('\n')),
    screenshot: (folder, env) => screenshot(pointer ? ['-c'] : [], folder, env),
  };
}

function start(folder: string, env: NodeJS.ProcessEnv, config: string): TestProcess {
  const file = join(folder, 'sway-config');
  writeFileSync(file, `${config}\n`);
  const headless = { WLR_BACKENDS: 'headless', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' };
  const command = ['sway', '--config', file];
  if (process.getuid?.() === 0) {
    chownSync(folder, NOBODY, NOBODY);
    // A change of user would undo what ends the process with us: it comes first.
    const user = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'];
    command.unshift(...user, 'setpriv', '--pdeathsig', 'KILL');
    return new TestProcess('sway', 'setpriv', command, { ...env, ...headless });
  }
  const [program = '', ...args] = command;
  return new TestProcess('sway', program, args, { ...env, ...headless });
}

async function screenshot(
  options: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<RgbPicture> {
  const file = join(folder, 'shot.ppm');
  const grim = new TestProcess('grim', 'grim', [...options, '-t', 'ppm', file], env);
  const { code } = await grim.exited;
  if (code !== 0) throw new Error(`no screenshot (${code}): ${grim.output}`);
  return decodePpm(readFileSync(file));
}
