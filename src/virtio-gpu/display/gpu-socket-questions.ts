/**
 * The questions that QEMU is asked over the display socket, and its answers. No I/O here: the sink sends what
 * `next` returns and passes on what comes back.
 *
 * Nothing is asked before `setReady(true)`: QEMU hands the socket over while it still starts the device, and
 * answers only after that, so whoever waits for an answer then waits for ever (and QEMU for him). Nothing here
 * waits: a question is a promise, null after a second.
 *
 * One question is on the way at a time. Answers come in the order of the questions, but carry no number, and
 * QEMU leaves some questions unanswered (the EDID of a scanout it does not have). So after a question that got
 * no answer in time, GET_PROTOCOL_FEATURES is asked, which is always answered: when that answer is here, the
 * other one is not going to come. The first question on each connection is that one too.
 */
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';
import { type DisplayModes, parseDisplayInfo, parseEdid } from './display-answers.js';
import {
  decodeProtocolFeatures,
  encodeGetDisplayInfo,
  encodeGetEdid,
  encodeGetProtocolFeatures,
  encodeSetProtocolFeatures,
  VHOST_USER_GPU_GET_DISPLAY_INFO,
  VHOST_USER_GPU_GET_EDID,
  VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
  VHOST_USER_GPU_PROTOCOL_F_EDID,
} from './gpu-socket-wire.js';

/** Calls back once after `delayMs` unless the function that it returns is called before. */
export type StartTimer = (callback: () => void, delayMs: number) => () => void;

/** An ordinary timer that does not keep the process alive. */
export const startTimer: StartTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** How long an answer is waited for, from the asking on, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 1000;

/** Questions that wait to be sent. One for each scanout and the modes is all that a guest needs at once. */
const QUESTIONS_MAX = 32;

const EDID_FEATURE = 1n << BigInt(VHOST_USER_GPU_PROTOCOL_F_EDID);

type Answer = DisplayModes | Uint8Array | null;

/** Names a question: its message, and the scanout for GET_EDID. */
interface Topic {
  readonly key: string;
  readonly request: number;
  readonly encode: () => Uint8Array;
  readonly parse: (payload: Uint8Array) => Answer;
}

interface Question {
  readonly topic: Topic;
  readonly promise: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly cancelTimer: () => void;
  settled: boolean;
}

const DISPLAY_INFO: Topic = {
  key: 'display-info',
  request: VHOST_USER_GPU_GET_DISPLAY_INFO,
  encode: encodeGetDisplayInfo,
  parse: parseDisplayInfo,
};

const EDIDS: readonly Topic[] = Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, (_, scanoutId) => ({
  key: `edid-${scanoutId}`,
  request: VHOST_USER_GPU_GET_EDID,
  encode: () => encodeGetEdid(scanoutId),
  parse: parseEdid,
}));

export class Questions {
  private readonly startTimer: StartTimer;
  private readonly onWork: () => void;
  private readonly usedFeatures: bigint;
  private connected = false;
  private ready = false;
  /** Where GET_PROTOCOL_FEATURES is: to be asked, asked, or answered since the last doubt. */
  private sync: 'due' | 'asked' | 'done' = 'due';
  /** What the peer offers; null before its first answer on this connection. */
  private features: bigint | null = null;
  private announceFeatures = false;
  private readonly waiting: Question[] = [];
  /** Sent and not answered. Its askers may have given up. */
  private asked: Question | null = null;
  /** The last thing that happened is that an answer did not come in time: don't wait for another. */
  private late = false;
  /** Questions whose answers are still good for new askers. */
  private readonly current = new Map<string, Question>();
  private readonly answers = new Map<string, Answer>();

  /**
   * `onWork` is called when `next` may have something new. It must not throw. `features` are those that we use besides
   * EDID where they are offered.
   */
  constructor(options: {
    readonly startTimer: StartTimer;
    readonly onWork: () => void;
    readonly features?: bigint;
  }) {
    this.usedFeatures = EDID_FEATURE | (options.features ?? 0n);
    this.startTimer = options.startTimer;
    this.onWork = options.onWork;
  }

  /** What the peer offers; null as long as it has not said so on this connection. */
  get offered(): bigint | null {
    return this.features;
  }

  connect(): void {
    this.disconnect();
    this.connected = true;
    this.onWork();
  }

  /** Whoever waits gets null. */
  disconnect(): void {
    this.connected = false;
    this.giveUpAll();
    this.asked = null;
    this.sync = 'due';
    this.features = null;
    this.announceFeatures = false;
    this.late = false;
    this.answers.clear();
  }

  /** Whether the peer can answer now. When it can't any more, whoever waits gets null. */
  setReady(ready: boolean): void {
    this.ready = ready;
    if (ready) {
      this.late = false;
      this.onWork();
      return;
    }
    this.giveUpAll();
    if (this.asked !== null) this.doubt();
  }

  /** The modes of the 16 scanouts; null when the peer does not tell. At once when they are known. */
  displayInfo(): DisplayModes | null | Promise<DisplayModes | null> {
    return this.ask(DISPLAY_INFO) as DisplayModes | null | Promise<DisplayModes | null>;
  }

  /** The EDID of a scanout, 128 to 1024 bytes, not to be changed; null when the peer does not tell. */
  edid(scanoutId: number): Uint8Array | null | Promise<Uint8Array | null> {
    const topic = EDIDS[scanoutId];
    if (topic === undefined || (this.features !== null && (this.features & EDID_FEATURE) === 0n)) return null;
    return this.ask(topic) as Uint8Array | null | Promise<Uint8Array | null>;
  }

  /** Forgets all answers. Those on the way still go to whoever asked for them before. */
  invalidate(): void {
    this.answers.clear();
    this.current.clear();
  }

  /** The next message to send, which counts as sent; null when there is none for now. */
  next(): Uint8Array | null {
    if (!this.connected || !this.ready || this.sync === 'asked') return null;
    if (this.sync === 'due') {
      this.sync = 'asked';
      return encodeGetProtocolFeatures();
    }
    if (this.announceFeatures) {
      this.announceFeatures = false;
      return encodeSetProtocolFeatures((this.features ?? 0n) & this.usedFeatures);
    }
    if (this.asked !== null) return null;
    this.asked = this.waiting.shift() ?? null;
    return this.asked?.topic.encode() ?? null;
  }

  /** Takes an answer of the right size; returns what is wrong with it, or null. */
  answer(request: number, payload: Uint8Array): string | null {
    if (request === VHOST_USER_GPU_GET_PROTOCOL_FEATURES) {
      if (this.sync !== 'asked') return 'nobody asked for protocol features';
      this.synchronized(decodeProtocolFeatures(payload));
    } else {
      const question = this.asked;
      if (question?.topic.request !== request) return `nobody asked question ${request}`;
      this.asked = null;
      this.finish(question, question.topic.parse(payload));
    }
    this.late = false;
    this.onWork();
    return null;
  }

  private ask(topic: Topic): Answer | Promise<Answer> {
    if (!this.connected) return null;
    const known = this.answers.get(topic.key);
    if (known !== undefined) return known;
    const shared = this.current.get(topic.key);
    if (shared !== undefined && !shared.settled) return shared.promise;
    if (this.late || this.waiting.length >= QUESTIONS_MAX) return null;
    const question = this.createQuestion(topic);
    this.waiting.push(question);
    this.current.set(topic.key, question);
    this.onWork();
    return question.promise;
  }

  private createQuestion(topic: Topic): Question {
    let resolve: (answer: Answer) => void = () => undefined;
    const promise = new Promise<Answer>((settle) => {
      resolve = settle;
    });
    const cancelTimer = this.startTimer(() => this.timedOut(question), ANSWER_TIMEOUT_MS);
    const question: Question = { topic, promise, resolve, cancelTimer, settled: false };
    return question;
  }

  private timedOut(question: Question): void {
    if (question.settled) return;
    this.settle(question, null);
    this.late = true;
    const index = this.waiting.indexOf(question);
    if (index >= 0) {
      this.waiting.splice(index, 1);
      this.forget(question);
    }
    this.doubt();
  }

  /** It is not known whether the peer still answers, and what: find out. */
  private doubt(): void {
    if (this.sync === 'done') this.sync = 'due';
    this.onWork();
  }

  /** Every question before this one was answered, or is not going to be. */
  private synchronized(features: bigint): void {
    this.sync = 'done';
    const lost = this.asked;
    this.asked = null;
    if (lost !== null) this.finish(lost, null);
    if (this.features !== null) return;
    this.features = features;
    this.announceFeatures = true;
    if ((features & EDID_FEATURE) !== 0n) return;
    for (const question of this.waiting.filter(({ topic }) => topic.request === VHOST_USER_GPU_GET_EDID)) {
      this.waiting.splice(this.waiting.indexOf(question), 1);
      this.finish(question, null);
    }
  }

  /** The answer is here: for whoever still waits and, unless it was called stale meanwhile, for later. */
  private finish(question: Question, answer: Answer): void {
    if (this.current.get(question.topic.key) === question) this.answers.set(question.topic.key, answer);
    this.forget(question);
    this.settle(question, answer);
  }

  private forget(question: Question): void {
    if (this.current.get(question.topic.key) === question) this.current.delete(question.topic.key);
  }

  private settle(question: Question, answer: Answer): void {
    if (question.settled) return;
    question.settled = true;
    question.cancelTimer();
    question.resolve(answer);
  }

  private giveUpAll(): void {
    for (const question of this.waiting.splice(0)) this.settle(question, null);
    if (this.asked !== null) this.settle(this.asked, null);
    this.current.clear();
  }
}
