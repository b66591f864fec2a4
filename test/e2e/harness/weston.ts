/** weston as the host's compositor: Debian 12's, or a current one out of a cached tree (scripts/weston-tree). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectToCompositor } from '../../../src/wayland/index.js';
import { type CompositorProgram, DISPLAY } from './compositor.js';
import type { RgbPicture } from './picture.js';
import { decodePng } from './png.js';
import { TestProcess } from './processes.js';
import { shootWeston } from './weston-shot.js';

export type WestonVersion = '10' | 'current';

export interface WestonOptions {
  readonly version: WestonVersion;
  /** Of its only output, in logical pixels: it has `scale` times as many each way. */
  readonly width: number;
  readonly height: number;
  /** Scale of the output, a whole number. Default 1. */
  readonly scale?: number;
  /** 'kiosk' (the default): a window fills the output. 'desktop': windows have the size they want. */
  readonly shell?: 'kiosk' | 'desktop';
  /** For the current one: 'gl' draws with OpenGL on the CPU, which imports dma-bufs. Default 'pixman'. */
  readonly renderer?: 'pixman' | 'gl';
  /** The folder of the current one's programs, where scripts/weston-tree can't be asked. */
  readonly programs?: string;
}

/** Without a seat no window is ever brought to the front, above the panel. */
const CONFIG = '[shell]\npanel-position=none\nstartup-animation=none\n';

export function weston(options: WestonOptions): CompositorProgram {
  const { version, width, height, scale = 1, shell = 'kiosk', renderer = 'pixman' } = options;
  const [programs, backend] =
    version === '10'
      ? ['', ['--backend=headless-backend.so', '--use-pixman', `--shell=${shell}-shell.so`]]
      : [
          `${options.programs ?? westonTree()}/`,
          ['--backend=headless', `--renderer=${renderer}`, `--shell=${shell}`],
        ];
  // --debug opens the interface for screenshots to every client.
  const rest = ['--idle-time=0', '--debug', `--socket=${DISPLAY}`];
  const size = [`--width=${width}`, `--height=${height}`, `--scale=${scale}`];
  const args = [...backend, ...rest, ...size];
  return {
    name: `weston ${version}`,
    // The shell is the last that it loads; its socket is there by then.
    readyOutput: /Loading module '[^']*-shell\.so'/,
    start: (folder, env) => {
      const config = join(folder, 'weston.ini');
      writeFileSync(config, CONFIG);
      return new TestProcess('weston', `${programs}weston`, [...args, `--config=${config}`], env);
    },
    screenshot: (folder, env) =>
      version === '10'
        ? shootWeston(connectToCompositor({ ...env }))
        : screenshot(`${programs}weston-screenshooter`, folder, env),
  };
}

function westonTree(): string {
  return execFileSync('scripts/weston-tree', {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** weston's own program writes a file, with a name of its choice, to the folder it is started in. */
async function screenshot(program: string, folder: string, env: NodeJS.ProcessEnv): Promise<RgbPicture> {
  const into = mkdtempSync(join(folder, 'shot-'));
  const shooter = new TestProcess('weston-screenshooter', program, [], env, into);
  const { code } = await shooter.exited;
  const [name] = readdirSync(into);
  if (code !== 0 || name === undefined) throw new Error(`no screenshot (${code}): ${shooter.output}`);
  const picture = decodePng(readFileSync(join(into, name)));
  rmSync(into, { recursive: true });
  return picture;
}
