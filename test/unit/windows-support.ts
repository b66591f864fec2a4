/** What the tests of the windows share: a desktop in this process, content that does as it is told, seen input. */
import { setTimeout as wait } from 'node:timers/promises';
import { closeFd, createMemfd, socketPair, type UnixSocket } from 'vhost-user-native';
import {
  type Display,
  type HostWindow,
  type Rect,
  type ShownInfo,
  type WindowContent,
  type WindowFrame,
  type WindowInput,
  type WindowOptions,
  WindowSystem,
} from '../../src/wayland/index.js';
import { DESKTOP_GLOBALS, StubDesktop, type StubWindow } from '../stub/desktop.js';
import { until } from './wayland-support.js';

/** Waits for what takes a timer. */
export async function later(holds: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 2000; round++) {
    if (holds()) return;
    await wait(10);
  }
  throw new Error(`waited in vain for ${what}`);
}

export const POOL_BYTES = 8 << 20;

export interface TestFrame extends WindowFrame {
  readonly name: string;
}

/** Content that hands out the frames that a test puts into it. */
export class TestContent implements WindowContent {
  /** What happened, in order: 'take', 'released a', 'shown a', 'dropped a'. */
  readonly events: string[] = [];
  readonly infos: ShownInfo[] = [];
  next: TestFrame | null = null;
  /** The arguments of takeFrame. */
  readonly whole: boolean[] = [];
  onTake: () => void = () => undefined;

  takeFrame(whole: boolean): WindowFrame | null {
    this.whole.push(whole);
    this.onTake();
    const frame = this.next;
    this.next = null;
    if (frame !== null) this.events.push(`take ${frame.name}`);
    return frame;
  }

  /** A frame that lies at a place of the pool. */
  frame(name: string, options: FrameOptions = {}): TestFrame {
    const { width = 64, height = 48, poolOffset = 0, damage = [], format = 1 } = options;
    return {
      name,
      width,
      height,
      damage,
      source: { kind: 'shm', poolOffset, strideBytes: options.strideBytes ?? width * 4, format },
      released: () => this.events.push(`released ${name}`),
      shown: (info) => {
        if (info !== null) this.infos.push(info);
        this.events.push(`${info === null ? 'dropped' : 'shown'} ${name}`);
      },
    };
  }

  count(event: string): number {
    return this.events.filter((one) => one === event).length;
  }
}

export interface FrameOptions {
  readonly width?: number;
  readonly height?: number;
  readonly poolOffset?: number;
  readonly strideBytes?: number;
  readonly format?: number;
  readonly damage?: readonly Rect[];
}

/** Input as text: 'key 30 1', 'move 0.5 0.5', 'frame', ... */
export class SeenInput implements WindowInput {
  readonly seen: string[] = [];
  pointer: 'absolute' | 'relative' = 'absolute';

  key(code: number, pressed: boolean): void {
    this.seen.push(`key ${code} ${pressed ? 1 : 0}`);
  }
  button(code: number, pressed: boolean): void {
    this.seen.push(`button ${code} ${pressed ? 1 : 0}`);
  }
  moveTo(x: number, y: number): void {
    this.seen.push(`at ${x} ${y}`);
  }
  moveBy(dx: number, dy: number): void {
    this.seen.push(`by ${dx} ${dy}`);
  }
  scroll(axis: 'vertical' | 'horizontal', v120: number): void {
    this.seen.push(`scroll ${axis} ${v120}`);
  }
  touch(slot: number, x: number, y: number): void {
    this.seen.push(`touch ${slot} ${x} ${y}`);
  }
  touchUp(slot: number): void {
    this.seen.push(`lift ${slot}`);
  }
  frame(): void {
    this.seen.push('frame');
  }
  releaseAll(): void {
    this.seen.push('release all');
  }
  lockedModifiers(caps: boolean, num: boolean): void {
    this.seen.push(`locked ${caps ? 1 : 0} ${num ? 1 : 0}`);
  }

  /** What was seen since the last call. */
  take(): string[] {
    return this.seen.splice(0);
  }
}

export interface SceneOptions {
  readonly globals?: readonly (readonly [string, number])[];
  readonly formats?: readonly number[];
  readonly objectsMax?: number;
  readonly window?: Partial<WindowOptions>;
  readonly firstConfigure?: StubDesktop['firstConfigure'];
}

/** A window system, its desktops (a new one for each connection), and one window. */
export class WindowScene {
  readonly system: WindowSystem;
  readonly desktops: StubDesktop[] = [];
  readonly content = new TestContent();
  readonly input = new SeenInput();
  readonly sizes: string[] = [];
  readonly logged: string[] = [];
  readonly states: (Display | null)[] = [];
  readonly window: HostWindow;
  closes = 0;
  /** While false, nobody listens. */
  available = true;
  attempts = 0;
  private readonly poolFd = createMemfd('windows-test', { size: POOL_BYTES });
  private readonly options: SceneOptions;

  constructor(options: SceneOptions = {}) {
    this.options = options;
    this.system = new WindowSystem({
      connect: () => this.connect(),
      pool: { fd: this.poolFd, bytes: POOL_BYTES },
      appId: 'windows.test',
      log: {
        info: (message) => this.logged.push(message),
        warn: (message) => this.logged.push(message),
      },
      ...(options.objectsMax === undefined ? {} : { display: { objectsMax: options.objectsMax } }),
      onStateChange: (display) => this.states.push(display),
    });
    this.window = this.system.createWindow({
      title: 'a window',
      content: this.content,
      input: this.input,
      onResize: (width, height) => this.sizes.push(`${width}x${height}`),
      onClose: () => this.closes++,
      ...options.window,
    });
  }

  get desktop(): StubDesktop {
    const desktop = this.desktops.at(-1);
    if (desktop === undefined) throw new Error('no desktop');
    return desktop;
  }

  get shown(): StubWindow {
    return this.desktop.window;
  }

  /** The window is there, with a first frame that was shown, is called back and still held. */
  async open(options: FrameOptions = {}): Promise<StubWindow> {
    this.content.next = this.content.frame('first', options);
    await until(() => this.desktops.length > 0 && this.desktop.windows.length > 0, 'a window');
    this.window.damaged();
    await until(() => this.shown.surface.buffer !== null, 'a picture');
    const { shown } = this;
    shown.surface.presented();
    shown.surface.done();
    await until(() => this.content.count('shown first') === 1, 'shown');
    return shown;
  }

  /** Both sides have handled all that was sent so far. */
  async settle(): Promise<void> {
    const { display } = this.system;
    if (display !== null) await display.sync();
    const before = this.desktop.stub.requests.length;
    await until(() => true);
    if (display !== null && !display.closed) await display.sync();
    if (this.desktop.stub.requests.length > before + 1) await this.settle();
  }

  /** Gives the window a frame and waits until it is committed. */
  async show(name: string, options: FrameOptions = {}): Promise<void> {
    const commits = this.shown.surface.commits;
    this.content.next = this.content.frame(name, options);
    this.window.damaged();
    await until(() => this.shown.surface.commits > commits, `a commit of ${name}`);
  }

  close(): void {
    this.system.close();
    for (const desktop of this.desktops) desktop.stub.close();
    closeFd(this.poolFd);
  }

  private connect(): UnixSocket {
    this.attempts++;
    if (!this.available) throw new Error('nobody listens');
    const [near, far] = socketPair();
    const desktop = new StubDesktop(far, this.options.globals ?? DESKTOP_GLOBALS, this.options.formats);
    if (this.options.firstConfigure !== undefined) desktop.firstConfigure = this.options.firstConfigure;
    this.desktops.push(desktop);
    return near;
  }
}
