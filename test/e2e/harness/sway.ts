/**
 * sway as the host's compositor: the one that is built on wlroots, where programs can be given a keyboard and a pointer
 * (see virtual-seat.ts). Debian 12's, or a current one out of a cached tree (scripts/sway-tree).
 */
import { execFileSync } from 'node:child_process';
import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompositorProgram, HostCompositor } from './compositor.js';
import { decodePpm, type Place, type RgbPicture } from './picture.js';
import { TestProcess } from './processes.js';
import { until } from './until.js';

export interface SwayOptions {
  /** Default Debian 12's. The current one has security contexts. */
  readonly version?: '1.7' | 'current';
  /** Of its only output, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Scale of the output; 1.5 is possible. Default 1. */
  readonly scale?: number;
  /** Screenshots show the pointer's image, too. Default false. */
  readonly pointer?: boolean;
  /** More lines of its configuration, sway(5). */
  readonly rules?: readonly string[];
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

/** What a current sway knows of the security context that a window came through; null where there is none. */
export interface SwaySandbox {
  readonly engine: string | null;
  readonly appId: string | null;
  readonly instanceId: string | null;
}

interface SwayNode {
  readonly name: string | null;
  readonly app_id?: string | null;
  readonly sandbox_engine?: string | null;
  readonly sandbox_app_id?: string | null;
  readonly sandbox_instance_id?: string | null;
  readonly pid?: number;
  readonly rect: Place;
  readonly nodes: readonly SwayNode[];
  readonly floating_nodes: readonly SwayNode[];
}

/** All windows, in the order of their places. */
export async function swayWindows(compositor: HostCompositor): Promise<readonly SwayWindow[]> {
  const nodes = await windowNodes(compositor);
  return nodes.map((node) => ({ name: node.name ?? '', appId: node.app_id ?? '' }));
}

/** Of all windows, in the same order. */
export async function swaySandboxes(compositor: HostCompositor): Promise<readonly SwaySandbox[]> {
  const nodes = await windowNodes(compositor);
  return nodes.map((node) => ({
    engine: node.sandbox_engine ?? null,
    appId: node.sandbox_app_id ?? null,
    instanceId: node.sandbox_instance_id ?? null,
  }));
}

/** Where all windows are on the output (of scale 1), in the same order. */
export async function swayPlaces(compositor: HostCompositor): Promise<readonly Place[]> {
  return (await windowNodes(compositor)).map(({ rect }) => rect);
}

async function windowNodes(compositor: HostCompositor): Promise<readonly SwayNode[]> {
  const tree = JSON.parse(await swaymsg(compositor, '-t', 'get_tree', '--raw')) as SwayNode;
  const windows = (node: SwayNode): SwayNode[] =>
    node.pid === undefined ? [...node.nodes, ...node.floating_nodes].flatMap(windows) : [node];
  return windows(tree);
}

/** Resolves when there are windows with these titles and no others, in any order. */
export async function untilSwayWindows(compositor: HostCompositor, titles: readonly string[]): Promise<void> {
  const wanted = JSON.stringify([...titles].sort());
  const names = async (): Promise<string[]> => (await swayWindows(compositor)).map(({ name }) => name).sort();
  await until('windows', names, (found) => JSON.stringify(found) === wanted);
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

/** sway 1.7 does not run as root: who is root becomes this user. */
const NOBODY = 65534;

/** Windows are tiled, without borders: the only one fills the output. */
export function sway(options: SwayOptions): CompositorProgram {
  const { version = '1.7', width, height, scale = 1, pointer = false, rules = [] } = options;
  const current = version === 'current';
  const config = [
    `output HEADLESS-1 resolution ${width}x${height} scale ${scale}`,
    `output * bg ${BACKGROUND} solid_color`,
    'default_border none',
    'default_floating_border none',
    'focus_follows_mouse no',
    'xwayland disable',
    // Without a word about seats it locks no pointer.
    'seat * pointer_constraint enable',
    ...rules,
    'exec echo sway is ready',
  ];
  return {
    name: current ? 'sway current' : 'sway',
    // (Not the line that says what is executed.)
    readyOutput: /sway is ready$/m,
    start: (folder, env) => {
      writeFileSync(join(folder, CONFIG), `${config.join('\n')}\n`);
      return current ? startCurrent(folder, env) : startDebian(folder, env);
    },
    screenshot: (folder, env) => screenshot(pointer ? ['-c'] : [], folder, env),
  };
}

const CONFIG = 'sway-config';
const HEADLESS = { WLR_BACKENDS: 'headless', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' };

/** Without --verbose it does not log its clients' protocol errors. */
function argumentsIn(folder: string): string[] {
  return ['--verbose', '--config', join(folder, CONFIG)];
}

function startCurrent(folder: string, env: NodeJS.ProcessEnv): TestProcess {
  const programs = execFileSync('scripts/sway-tree', {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
  const args = argumentsIn(folder);
  return new TestProcess('sway', join(programs, 'sway'), args, { ...env, ...HEADLESS });
}

function startDebian(folder: string, env: NodeJS.ProcessEnv): TestProcess {
  const command = ['sway', ...argumentsIn(folder)];
  if (process.getuid?.() === 0) {
    chownSync(folder, NOBODY, NOBODY);
    // A change of user would undo what ends the process with us: it comes first.
    const user = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'];
    command.unshift(...user, 'setpriv', '--pdeathsig', 'KILL');
    return new TestProcess('sway', 'setpriv', command, { ...env, ...HEADLESS });
  }
  const [program = '', ...args] = command;
  return new TestProcess('sway', program, args, { ...env, ...HEADLESS });
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
