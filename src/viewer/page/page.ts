/** The page: its parts, and what of them is to be seen in which state. */
import type { ClientMessage } from '../protocol/index.js';
import { Card } from './card.js';
import { CursorOverlay } from './cursor-overlay.js';
import { element, timer } from './element.js';
import type { Frame } from './frame-assembly.js';
import { FullScreen } from './full-screen.js';
import { Input } from './input.js';
import { Link, type Socket, type SocketEvents } from './link.js';
import { Meter } from './meter.js';
import { Notices } from './notices.js';
import { Painter } from './painter.js';
import { Panel } from './panel.js';
import { saveScreenshot } from './screenshot.js';
import { Session } from './session.js';
import { SettingsForm } from './settings-form.js';
import { Stage } from './stage.js';
import { Statistics } from './statistics.js';
import { type Status, statusOf } from './status-text.js';
import { keptBy } from './storage.js';
import { keepToken, takeToken } from './token.js';
import { ViewTabs } from './view-tabs.js';

/** A window that is being resized has many sizes; the guest gets the last one. */
const RESIZE_DELAY_MS = 300;
const DIMENSION_MIN = 64;
const DIMENSION_MAX = 16_384;

function openSocket({ opened, received, closed }: SocketEvents): Socket {
  const socket = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')));
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', opened);
  socket.addEventListener('message', ({ data }) => received(data));
  socket.addEventListener('close', ({ code }) => closed(code));
  return socket;
}

export class Page {
  private readonly storage = keptBy(() => sessionStorage);
  private token = takeToken({
    hash: location.hash,
    clearHash: () => history.replaceState(null, '', location.pathname + location.search),
    storage: this.storage,
  });
  private readonly canvas = element('screen', HTMLCanvasElement);
  private readonly box = element('stage', HTMLDivElement);
  private readonly screenshot = element('screenshot', HTMLButtonElement);
  private readonly showKeys = element('show-keys', HTMLButtonElement);
  private readonly enterFullScreen = element('full-screen', HTMLButtonElement);
  private readonly leaveFullScreen = element('leave-full-screen', HTMLButtonElement);
  private readonly keys = element('keys', HTMLElement);
  private readonly typing = element('typing', HTMLTextAreaElement);
  private readonly meter = new Meter();
  private readonly notices = new Notices(element('notices', HTMLDivElement));
  private readonly link = new Link({
    open: openSocket,
    token: () => this.token,
    timer,
    now: () => performance.now(),
    chance: Math.random,
    onState: (state) => {
      if (state.kind === 'live') this.wasLive = true;
      else this.disconnected();
      this.session.linkChanged(state);
    },
    onMessage: (message) => this.session.message(message),
    onTile: (data) => this.session.tile(data),
    onRoundTrip: (ms) => this.statistics.roundTrip(ms),
  });
  private readonly session = new Session({
    send: (message) => this.link.send(message),
    changed: () => this.update(),
    frame: (frame) => this.painter.draw(frame),
    cursor: (message) => this.cursor.update(message),
    cursorImage: (message) => void this.cursor.image(message).catch(() => this.link.fail()),
    stats: (stats) => this.statistics.update(stats),
    notice: (notice) => this.notices.show(notice),
  });
  private readonly painter = new Painter(this.canvas, {
    drawn: (frame, drawMs) => this.drawn(frame, drawMs),
    resized: () => this.stage.layOut(),
    failed: (error) => {
      console.error(error);
      this.link.fail();
    },
  });
  private readonly stage = new Stage(this.box, this.canvas, () => this.laidOut());
  private readonly cursor = new CursorOverlay(element('cursor', HTMLCanvasElement), this.stage, this.box);
  private readonly statistics = new Statistics(
    element('statistics', HTMLDListElement),
    this.meter,
    this.stage,
  );
  private readonly tabs = new ViewTabs(element('views', HTMLDivElement), this.box.id, (id) => {
    this.input.release();
    this.session.choose(id);
  });
  private readonly card = new Card({
    retry: () => this.link.hurry(),
    token: (token) => this.useToken(token),
  });
  private readonly input = new Input({
    stage: this.stage,
    cursor: this.cursor,
    input: () => this.session.input,
    send: (message) => this.sendInput(message),
    leave: () => (this.fullScreen.on ? this.leaveFullScreen : this.screenshot).focus(),
  });
  private readonly settings = new SettingsForm(() => this.applySettings());
  private readonly fullScreen = new FullScreen({
    changed: (on) => this.fullScreenChanged(on),
    failed: () => this.notices.show({ level: 'warning', text: 'The browser refuses full screen.' }),
  });
  private wasLive = false;
  /** The view whose picture is on the canvas. */
  private pictureOf: string | null = null;
  private cursorOf: string | null = null;
  private stopResize: () => void = () => undefined;

  start(): void {
    new Panel(element('show-settings', HTMLButtonElement), element('settings', HTMLElement));
    this.screenshot.addEventListener('click', () => saveScreenshot(this.canvas, this.title));
    this.showKeys.addEventListener('click', () => {
      this.settings.change({ keys: this.keys.hidden === true });
    });
    this.enterFullScreen.hidden = !this.fullScreen.offered;
    this.enterFullScreen.addEventListener('click', () => void this.fullScreen.enter());
    this.leaveFullScreen.addEventListener('click', () => void this.fullScreen.leave());
    addEventListener('online', () => this.link.hurry());
    document.addEventListener('visibilitychange', () => this.visibilityChanged());
    this.applySettings();
    this.session.setHidden(document.hidden);
    this.link.connect();
  }

  private get title(): string {
    const { name, current } = this.session;
    return [current?.title, name].filter((part) => part !== undefined && part !== '').join(' – ');
  }

  private useToken(token: string): void {
    this.token = token;
    keepToken(token, this.storage);
    this.link.connect();
  }

  private sendInput(message: ClientMessage): void {
    if (this.session.control && this.session.current !== null) this.link.send(message);
  }

  private disconnected(): void {
    this.painter.forget();
    this.input.release();
  }

  private drawn(frame: Frame, drawMs: number): void {
    this.session.shown(frame.frame);
    this.meter.add({ atMs: performance.now(), tiles: frame.tiles, bytes: frame.bytes, drawMs });
    if (frame.width === 0 || this.pictureOf === frame.view) return;
    this.pictureOf = frame.view;
    this.update();
  }

  private laidOut(): void {
    this.cursor.layOut();
    this.followSize();
  }

  /** Asks for a screen of the size of the page, if that is wanted and possible. */
  private followSize(): void {
    this.stopResize();
    if (!this.settings.value.follow || !this.session.control || !this.session.current?.resizable) return;
    this.stopResize = timer(RESIZE_DELAY_MS, () => {
      const bounded = (size: number): number => Math.min(DIMENSION_MAX, Math.max(DIMENSION_MIN, size & ~1));
      const [width, height] = [bounded(this.stage.room.width), bounded(this.stage.room.height)];
      const { current } = this.session;
      if (current === null || (current.width === width && current.height === height)) return;
      this.sendInput({ type: 'resize', width, height });
    });
  }

  private visibilityChanged(): void {
    if (document.hidden) this.input.release();
    this.session.setHidden(document.hidden);
    if (!document.hidden) this.link.hurry();
  }

  private fullScreenChanged(on: boolean): void {
    document.body.classList.toggle('full-screen', on);
    this.leaveFullScreen.hidden = !on;
    (on && this.session.input.keyboard ? this.canvas : this.enterFullScreen).focus();
  }

  private applySettings(): void {
    const { scale, statistics, pinch } = this.settings.value;
    this.stage.setMode(scale);
    this.statistics.setVisible(statistics);
    this.session.setStats(statistics);
    this.box.classList.toggle('pinch', pinch);
    this.update();
  }

  /** Shows the session's state. */
  private update(): void {
    const { session, pictureOf } = this;
    const { state, machine, current, views } = session;
    const status = statusOf({
      state,
      machine,
      current,
      hadToken: this.token !== null,
      wasLive: this.wasLive,
    });
    this.showStatus(status);
    this.tabs.update(views, current);
    const foreign = status.card !== null && current !== null && pictureOf !== current.id;
    const empty = pictureOf === null || foreign;
    this.box.classList.toggle('empty', empty);
    this.box.classList.toggle('stale', status.card !== null);
    this.screenshot.disabled = empty;
    if (this.cursorOf !== (current?.id ?? null)) {
      this.cursorOf = current?.id ?? null;
      this.cursor.clear();
    }
    this.showInput();
    this.settings.offer({
      follow: session.control && current?.resizable === true,
      pinch: session.input.touch,
    });
  }

  private showStatus(status: Status): void {
    document.body.dataset.tone = status.tone;
    document.title = this.title === '' ? 'Viewer' : this.title;
    element('name', HTMLHeadingElement).textContent = this.session.name || 'Viewer';
    element('state', HTMLSpanElement).textContent = status.label;
    element('access', HTMLSpanElement).hidden = !this.session.live || this.session.control;
    this.card.show(status.card);
  }

  /** The picture is something to type on, or only to look at. */
  private showInput(): void {
    const { canvas, session } = this;
    // What has the focus keeps it until the connection is back.
    if (this.wasLive && !session.live) return;
    const { keyboard } = session.input;
    const title = session.current?.title ?? 'Screen';
    canvas.setAttribute('role', keyboard ? 'application' : 'img');
    canvas.setAttribute('aria-label', keyboard ? `${title}, takes the keyboard` : title);
    if (keyboard) {
      canvas.tabIndex = 0;
      canvas.setAttribute('aria-describedby', 'help');
    } else {
      canvas.removeAttribute('tabindex');
      canvas.removeAttribute('aria-describedby');
    }
    const wanted = this.settings.value.keys ?? matchMedia('(pointer: coarse)').matches;
    this.showKeys.hidden = !keyboard;
    this.keys.hidden = !keyboard || !wanted;
    this.typing.hidden = !keyboard;
    this.showKeys.setAttribute('aria-pressed', String(!this.keys.hidden));
  }
}
