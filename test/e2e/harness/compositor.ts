/**
 * A compositor of the host for windows of ours: headless, in a runtime folder of its own, with screenshots of what it
 * shows. It can be killed and started again in the same place. Clients that broke the protocol fail the test at its end.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnixSocket } from 'vhost-user-native';
import { connectToCompositor, Display } from '../../../src/wayland/index.js';
import { difference, type RgbPicture, savePicture } from './picture.js';
import type { TestProcess } from './processes.js';

const SHOT_INTERVAL_MS = 50;
const PICTURE_TIMEOUT_MS = 30_000;

/** WAYLAND_DISPLAY of all of them (the name that sway gives itself): one can take another's place. */
export const DISPLAY = 'wayland-1';

/** What libwayland logs when it ends a client because of what that client sent, or did not read. */
const COMPLAINT = /error in client communication|Data too big for buffer/;

/** What one needs to know to run a compositor. */
export interface CompositorProgram {
  /** For people. */
  readonly name: string;
  /** Starts it. `folder` is its XDG_RUNTIME_DIR, `env` its environment. */
  start(folder: string, env: NodeJS.ProcessEnv): TestProcess;
  /** Its output when clients can connect. */
  readonly readyOutput: RegExp;
  /** One picture of its whole output. */
  screenshot(folder: string, env: NodeJS.ProcessEnv): Promise<RgbPicture>;
}

export class HostCompositor {
  /** Environment of its clients. */
  readonly env: NodeJS.ProcessEnv;
  private program: CompositorProgram;
  private readonly folder: string;
  private process: TestProcess | null = null;
  /** Of each process that there was. */
  private readonly complaints: (readonly string[])[] = [];
  private expected = 0;

  constructor(program: CompositorProgram) {
    this.program = program;
    this.folder = mkdtempSync(join(tmpdir(), 'compositor-'));
    // (What tap sets for Node.js is of no use to other programs.)
    const { NODE_OPTIONS: _, WAYLAND_SOCKET: __, ...env } = process.env;
    this.env = { ...env, XDG_RUNTIME_DIR: this.folder, WAYLAND_DISPLAY: DISPLAY };
  }

  static async start(program: CompositorProgram): Promise<HostCompositor> {
    const compositor = new HostCompositor(program);
    await compositor.start();
    return compositor;
  }

  get name(): string {
    return this.program.name;
  }

  /** XDG_RUNTIME_DIR of its clients. */
  get runtimeFolder(): string {
    return this.folder;
  }

  /** What it wrote since it was started (last). */
  get output(): string {
    return this.process?.output ?? '';
  }

  /** Starts it (again) and waits until clients can connect. */
  async start(): Promise<void> {
    const { WAYLAND_DISPLAY: _, ...env } = this.env;
    this.process = this.program.start(this.folder, env);
    this.complaints.push(this.process.collect(COMPLAINT));
    try {
      await this.process.waitForOutput(this.program.readyOutput);
    } catch (error) {
      if (this.process.exit?.code !== 127) throw error;
      throw new Error(`${this.name} is not installed; scripts/setup does it`);
    }
    // It runs its event loop now. (sway loses a SIGTERM that comes before.)
    const display = new Display(this.connect());
    await display.sync();
    display.close();
  }

  /** Resolves when it has complained of a client's protocol error, which the test has then expected. */
  async complaint(): Promise<void> {
    while (this.complaints.flat().length <= this.expected) {
      if (this.process === null) throw new Error(`${this.name} was not started`);
      await this.process.nextOutput();
    }
    this.expected++;
  }

  /** Kills it: its clients see their connections end. */
  async kill(): Promise<void> {
    await this.process?.stop('SIGKILL');
    // Another one may run as another user, who could not take over what is left.
    for (const name of [DISPLAY, `${DISPLAY}.lock`]) rmSync(join(this.folder, name), { force: true });
  }

  /** Kills it and starts another one in the same place. */
  async become(program: CompositorProgram): Promise<void> {
    await this.kill();
    this.program = program;
    await this.start();
  }

  connect(): UnixSocket {
    return connectToCompositor({ ...this.env });
  }

  screenshot(): Promise<RgbPicture> {
    return this.program.screenshot(this.folder, this.env);
  }

  /** Takes screenshots until one equals `expected`; on failure both are written to out/. */
  async waitForScreen(name: string, expected: RgbPicture): Promise<void> {
    let shot: RgbPicture | null = null;
    try {
      await this.waitForShot((actual) => {
        shot = actual;
        return difference(actual, expected);
      });
    } catch (error) {
      const paths = [savePicture(`${name}-expected`, expected)];
      if (shot !== null) paths.push(savePicture(`${name}-actual`, shot));
      throw new Error(`${name}: ${(error as Error).message}; see ${paths.join(' and ')}`);
    }
  }

  /**
   * Takes screenshots until `look` returns null; rejects with what it returned last when that takes too long.
   * (A compositor tells nobody when it has drawn.)
   */
  async waitForShot(look: (shot: RgbPicture) => string | null): Promise<RgbPicture> {
    const deadline = Date.now() + PICTURE_TIMEOUT_MS;
    for (;;) {
      const shot = await this.screenshot();
      const complaint = look(shot);
      if (complaint === null) return shot;
      if (Date.now() > deadline) throw new Error(`${this.name}: ${complaint}\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, SHOT_INTERVAL_MS));
    }
  }

  /** Ends it and removes its folder; rejects when a client broke the protocol without the test's having expected it. */
  async close(): Promise<void> {
    await this.process?.stop('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
    const unexpected = this.complaints.flat().slice(this.expected);
    if (unexpected.length > 0) throw new Error(`${this.name} complains:\n${unexpected.join('\n')}`);
  }
}
