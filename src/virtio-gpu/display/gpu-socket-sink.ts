/**
 * Sends the pictures to QEMU's display, over the socket that QEMU hands to a vhost-user GPU
 * (VHOST_USER_GPU_SET_SOCKET; QEMU, docs/interop/vhost-user-gpu).
 *
 * QEMU closes the socket whenever the device stops (reset, reboot, pause) and makes another at the next start,
 * so each new one gets the complete picture. That is sent at once: QEMU takes messages in any order and needs no
 * negotiation for those that are used here. Only questions wait (gpu-socket-questions.ts).
 *
 * Nothing blocks and nothing queues up. Of each scanout there is a size and a short list of damaged rectangles,
 * of each cursor the latest picture and place; the pixels are read when they can be sent. A slow display so
 * gets fewer pictures, but new ones. One message is on its way at a time, sent straight from the pixels'
 * memory where they have the right format.
 *
 * We close the socket only when the peer broke the protocol: QEMU reads a socket without another end again and
 * again until the device stops.
 */
import { READABLE, type UnixSocket, WRITABLE } from 'vhost-user-native';
import type { Logger } from 'vhost-user-ts';
import type { CursorImage, DisplaySink, Rect, ScanoutSource } from '../display-sink.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import { BandMessages, type GpuSocketMetrics } from './band-messages.js';
import { CursorPainter } from './cursor-image.js';
import { CursorState } from './cursor-state.js';
import type { DisplayModes } from './display-answers.js';
import { DMABUF2_FEATURE, DmabufScanouts } from './dmabuf-scanouts.js';
import { Questions, type StartTimer, startTimer } from './gpu-socket-questions.js';
import { AnswerReader, type ReadResult } from './gpu-socket-reader.js';
import {
  CURSOR_UPDATE_MESSAGE_BYTES,
  encodeDmabufOff,
  encodeScanoutOff,
  VHOST_USER_GPU_DMABUF_UPDATE,
} from './gpu-socket-wire.js';
import { MessageWriter } from './gpu-socket-writer.js';
import { ScanoutQueue, type ScanoutStep } from './scanout-queue.js';

/**
 * Most bytes of pixels in one message. Cursor and other scanouts wait for the message that is on its way: QEMU
 * takes 4 MiB in 2 to 4 ms, well below a frame. Smaller messages would only cost more system calls.
 */
export const BAND_BYTES_DEFAULT = 4 * 1024 * 1024;
/** A row of the widest buffer that any limits allow, since a row is not divided. */
export const BAND_BYTES_MIN = 32768 * BYTES_PER_PIXEL;

/**
 * Bytes that the kernel keeps for QEMU to read. With the 208 KiB that are usual both sides sleep and wake up more often
 * than they copy; with some megabytes the pixels are out of the processor's caches before QEMU reads them.
 */
const SEND_BUFFER_BYTES = 512 * 1024;

export interface GpuSocketSinkOptions {
  readonly log: Logger;
  /** At least BAND_BYTES_MIN; BAND_BYTES_DEFAULT when absent. */
  readonly maxBandBytes?: number;
  /** Whether QEMU's display is known to draw dma-bufs, which then replace pixels where they can; false when absent. */
  readonly dmabuf?: boolean;
  /** For tests: the clock behind the second that an answer may take. */
  readonly startTimer?: StartTimer;
}

/** Calls back in a microtask. (queueMicrotask takes three times as long: it makes each callback a resource of its own.) */
const settled = Promise.resolve();

interface Output {
  readonly scanout: ScanoutQueue;
  readonly cursor: CursorState;
}

function isConnectionLost(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ENOTCONN';
}

export class GpuSocketSink implements DisplaySink {
  readonly metrics: GpuSocketMetrics = {
    bytesSent: 0,
    bytesStaged: 0,
    updatesSent: 0,
    damageMerged: 0,
    messages: 0,
    dmabufScanouts: 0,
    dmabufUpdates: 0,
  };

  private readonly log: Logger;
  private readonly maxBandBytes: number;
  private readonly painter = new CursorPainter();
  private outputs: readonly Output[] = this.createOutputs();
  private readonly questions: Questions;
  private readonly dmabufs: DmabufScanouts;
  private readonly reader = new AnswerReader();
  private readonly writer = new MessageWriter();
  private readonly bands: BandMessages;
  /** Filled when a cursor's message begins. */
  private readonly cursorMessage = new Uint8Array(CURSOR_UPDATE_MESSAGE_BYTES);
  private socket: UnixSocket | null = null;
  private watched = 0;
  /** Sending is due in a microtask: all commands of one kick then go into the same messages. */
  private scheduled = false;
  /** Where the round of scanouts goes on. */
  private nextScanout = 0;
  /** The scanout that had a message last. */
  private lastScanout = 0;
  /** One line for each connection says that pixels can't be read. */
  private unreadableLogged = false;
  /** The last message was a cursor's: let a scanout have the next one. */
  private cursorHadTurn = false;

  /** RangeError when `maxBandBytes` is not an integer of at least BAND_BYTES_MIN. */
  constructor(options: GpuSocketSinkOptions) {
    const { maxBandBytes = BAND_BYTES_DEFAULT } = options;
    if (!Number.isSafeInteger(maxBandBytes) || maxBandBytes < BAND_BYTES_MIN) {
      throw new RangeError(`maxBandBytes ${maxBandBytes}: at least ${BAND_BYTES_MIN}`);
    }
    this.log = options.log;
    this.maxBandBytes = maxBandBytes;
    this.bands = new BandMessages(maxBandBytes, this.metrics, (err) => this.noteUnreadable(err));
    this.questions = new Questions({
      startTimer: options.startTimer ?? startTimer,
      onWork: () => this.schedule(),
      features: options.dmabuf ? DMABUF2_FEATURE : 0n,
    });
    this.dmabufs = new DmabufScanouts({
      enabled: options.dmabuf ?? false,
      offered: () => this.questions.offered,
      metrics: this.metrics,
    });
  }

  /** Takes the socket over. It replaces the one before, and everything is sent anew. */
  attachSocket(socket: UnixSocket): void {
    this.detachSocket();
    this.socket = socket;
    for (const { scanout, cursor } of this.outputs) {
      scanout.setReading(true);
      scanout.restart();
      cursor.restart();
    }
    this.cursorHadTurn = false;
    this.unreadableLogged = false;
    this.log.debug({}, 'display socket attached');
    this.questions.connect();
    try {
      socket.setSendBuffer(SEND_BUFFER_BYTES);
      this.watch(READABLE);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Closes the socket, if there is one; whoever waits for an answer gets null. */
  detachSocket(): void {
    const { socket } = this;
    this.socket = null;
    this.watched = 0;
    this.reader.reset();
    this.writer.drop();
    for (const { scanout } of this.outputs) scanout.setReading(false);
    this.questions.disconnect();
    socket?.close();
    this.dmabufs.disconnect();
  }

  /** Gives back everything that is held: socket, pixel buffers, timers, memory. As if new after that. */
  close(): void {
    this.detachSocket();
    for (const { scanout } of this.outputs) scanout.close();
    this.outputs = this.createOutputs();
    this.writer.close();
    this.bands.close();
    this.painter.close();
  }

  /** Whether both queues run, so that QEMU is able to answer. No question is asked before. */
  setReady(ready: boolean): void {
    this.questions.setReady(ready);
  }

  /**
   * What QEMU's display wants the 16 scanouts to be, at once when it is known. Null without a socket, when QEMU
   * does not tell within a second, or what it tells makes no sense.
   */
  displayInfo(): DisplayModes | null | Promise<DisplayModes | null> {
    return this.questions.displayInfo();
  }

  /** The EDID that QEMU has for a scanout, 128 to 1024 bytes, not to be changed; null as for `displayInfo`. */
  edid(scanoutId: number): Uint8Array | null | Promise<Uint8Array | null> {
    return this.questions.edid(scanoutId);
  }

  /** QEMU's answers may be out of date: ask again next time. */
  invalidate(): void {
    this.questions.invalidate();
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    const isEmpty = source === null || source.rect.width === 0 || source.rect.height === 0;
    this.outputs[scanoutId]?.scanout.show(isEmpty ? null : source);
    if (isEmpty) this.dmabufs.giveUp(scanoutId);
    this.schedule();
  }

  damage(scanoutId: number, rect: Rect): void {
    if (this.socket === null) return; // the next one gets everything anyway
    this.metrics.damageMerged += this.outputs[scanoutId]?.scanout.damage(rect) ?? 0;
    this.schedule();
  }

  whenShown(scanoutId: number, done: () => void): void {
    const { scanout } = this.outputs[scanoutId] ?? {};
    const source = scanout?.shown ?? null;
    // Who gets pixels has a copy of its own.
    const isDmabuf = this.socket !== null && source !== null && this.dmabufs.exportOf(source) !== null;
    if (isDmabuf) this.dmabufs.whenDrawn(scanoutId, scanout?.hasWork ?? false, done);
    else done();
  }

  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void {
    try {
      this.outputs[scanoutId]?.cursor.set(x, y, image);
    } catch (err) {
      this.noteUnreadable(err);
    }
    this.schedule();
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.outputs[scanoutId]?.cursor.move(x, y);
    this.schedule();
  }

  private createOutputs(): Output[] {
    return Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, (_, scanoutId) => ({
      scanout: new ScanoutQueue(),
      cursor: new CursorState(scanoutId, this.painter),
    }));
  }

  private readonly runScheduled = (): void => {
    this.scheduled = false;
    this.pump();
  };

  /** Sends soon, unless the socket is full: then its becoming writable does that. */
  private schedule(): void {
    if (this.scheduled || this.socket === null || (this.watched & WRITABLE) !== 0) return;
    this.scheduled = true;
    settled.then(this.runScheduled);
  }

  private watch(events: number): void {
    const { socket } = this;
    if (socket === null || events === this.watched) return;
    socket.watch(events, (ready) => {
      if (this.socket !== socket) return;
      if ((ready & READABLE) !== 0) this.readAnswers(socket);
      if ((ready & WRITABLE) !== 0) this.pump();
    });
    this.watched = events;
  }

  private readAnswers(socket: UnixSocket): void {
    let result: ReadResult;
    try {
      result = this.reader.read(socket, (request, payload) => this.takeAnswer(request, payload));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (result.kind === 'more-later') return;
    if (result.kind === 'end') this.noteClosed();
    else this.log.warn({ why: result.why }, 'display socket closed: QEMU broke its protocol');
    this.detachSocket();
  }

  private takeAnswer(request: number, payload: Uint8Array): string | null {
    if (request !== VHOST_USER_GPU_DMABUF_UPDATE) return this.questions.answer(request, payload);
    const wrong = this.dmabufs.answered();
    this.schedule();
    return wrong;
  }

  /**
   * Sends what there is until the socket is full, or a band's worth has gone: the event loop then has its turn.
   */
  private pump(): void {
    let budget = this.maxBandBytes;
    try {
      while (this.socket !== null) {
        if (!this.writer.busy && !this.beginNext()) {
          this.watch(READABLE);
          return;
        }
        const taken = this.writeSome(this.socket);
        if (taken > 0) {
          this.metrics.bytesSent += taken;
          budget -= taken;
        }
        if (taken < 0) this.dropUnsentFd();
        if (taken < 0 || budget <= 0) {
          this.watch(READABLE | WRITABLE);
          return;
        }
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** Nobody keeps a descriptor for us until the socket has room: that message is made again then. */
  private dropUnsentFd(): void {
    if (!this.writer.hasUnsentFd) return;
    this.writer.drop();
    this.outputs[this.lastScanout]?.scanout.retryDmabuf();
  }

  /** Writes once; turns to black pixels when those of the message can't be read. */
  private writeSome(socket: UnixSocket): number {
    try {
      return this.writer.write(socket);
    } catch (err) {
      if (isConnectionLost(err) || socket.closed || !this.writer.canBlank) throw err;
      this.noteUnreadable(err);
      this.writer.useBlank();
      return this.writer.write(socket);
    }
  }

  private noteUnreadable(err: unknown): void {
    if (this.unreadableLogged) return;
    this.unreadableLogged = true;
    this.log.warn({ err }, 'pixels can not be read: black ones are shown, or no cursor');
  }

  /** Happens whenever the device stops: a guest that resets it all the time must not fill the log. */
  private noteClosed(): void {
    this.log.debug({}, 'QEMU closed the display socket');
  }

  /** The socket is broken. */
  private fail(err: unknown): void {
    if (isConnectionLost(err)) this.noteClosed();
    else this.log.warn({ err }, 'display socket closed: it failed');
    this.detachSocket();
  }

  /**
   * Begins the next message; false when there is none. Questions come first, since a guest waits for them; then
   * cursors, which people see lag, but in turns with scanouts, which else might never come when QEMU is slow.
   */
  private beginNext(): boolean {
    const question = this.questions.next();
    if (question !== null) {
      this.begin(question);
      return true;
    }
    if (this.cursorHadTurn) {
      this.cursorHadTurn = false;
      if (this.beginScanout()) return true;
    }
    return this.beginCursor() || this.beginScanout();
  }

  private begin(message: Uint8Array, fd: number | null = null): void {
    this.writer.begin(message, fd);
    this.metrics.messages += 1;
  }

  private beginCursor(): boolean {
    const output = this.outputs.find(({ cursor }) => cursor.hasWork);
    if (output === undefined) return false;
    const length = output.cursor.take(this.cursorMessage);
    this.begin(this.cursorMessage.subarray(0, length));
    this.cursorHadTurn = true;
    return true;
  }

  private beginScanout(): boolean {
    const { outputs } = this;
    for (let i = 0; i < outputs.length; i++) {
      const scanoutId = (this.nextScanout + i) % outputs.length;
      const step = outputs[scanoutId]?.scanout.take(this.maxBandBytes, this.dmabufs) ?? null;
      if (step === null) continue;
      this.nextScanout = (scanoutId + 1) % outputs.length;
      this.lastScanout = scanoutId;
      this.beginStep(scanoutId, step);
      return true;
    }
    return false;
  }

  private beginStep(scanoutId: number, step: ScanoutStep): void {
    const { dmabufs } = this;
    switch (step.kind) {
      case 'dmabuf':
        this.begin(dmabufs.scanout(scanoutId, step.source, step.dmabuf), step.dmabuf.fd);
        return;
      case 'dmabuf-update':
        this.begin(dmabufs.update(scanoutId, step.rect));
        return;
    }
    dmabufs.giveUp(scanoutId);
    if (step.kind === 'dmabuf-off') this.begin(encodeDmabufOff(scanoutId));
    else if (step.kind === 'off') this.begin(encodeScanoutOff(scanoutId));
    else this.bands.begin(this.writer, scanoutId, step);
  }
}
