/**
 * What the parts of the service do on the host while they run: connect to sockets, run the ask command, remove their
 * paths at the end. Directly, until a broker does it for a process that no longer can.
 */
import { type BrokerLink, checkReserve, connectUnix, startBroker, type UnixSocket } from 'vhost-user-native';
import type { Ask, AskPolicy, Question } from '../../wayland/index.js';
import { Questions } from './questions.js';

/** How a question is asked: here, and as words for the broker. */
interface Asking {
  readonly direct: Ask;
  readonly words: (question: Question) => readonly string[];
}

export class HostAccess {
  private readonly targets: string[] = [];
  private readonly paths: string[] = [];
  private policy: AskPolicy | null = null;
  private asking: Asking | null = null;
  private broker: { readonly link: BrokerLink; readonly questions: Questions } | null = null;

  /** `connect` will be called for that path. */
  allow(path: string): void {
    this.targets.push(path);
  }

  /** The path, which is there by the time of `delegate`, goes when the process does. */
  removeAtEnd(...paths: readonly string[]): void {
    this.paths.push(...paths);
  }

  /** `ask` will be called. (Its parts are loaded only where applications are forwarded.) */
  allowAsk(policy: AskPolicy | null, asking: Asking): void {
    this.policy = policy;
    this.asking = asking;
  }

  /** Throws the system's error; EACCES for a path that was not announced to the broker, EMFILE for the head-room. */
  readonly connect = (path: string): UnixSocket => {
    const socket = this.open(path);
    try {
      checkReserve(socket.fd);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  };

  private open(path: string): UnixSocket {
    if (this.broker === null) return connectUnix(path);
    const index = this.targets.indexOf(path);
    if (index < 0) {
      throw Object.assign(new Error(`EACCES: ${path} is outside of the sandbox`), { code: 'EACCES' });
    }
    return this.broker.link.connect(index);
  }

  readonly ask: Ask = (question, answer) => {
    const { asking, broker } = this;
    if (asking === null) setImmediate(() => answer(false));
    else if (broker === null) asking.direct(question, answer);
    else broker.questions.ask(asking.words(question), answer);
  };

  /** From here on a broker does it. Throws the system's error when it can't be started. */
  delegate(): void {
    const { targets, paths, policy } = this;
    if (targets.length === 0 && paths.length === 0 && policy === null) return;
    const { link, questions } = startBroker({ connect: targets, remove: paths, ask: policy });
    this.broker = { link, questions: new Questions(questions) };
  }

  /**
   * Removes the paths, if a broker has to: while what listens there is still open, so that nobody takes them for
   * left-overs, puts something of theirs there and has that removed.
   */
  removePaths(): void {
    this.broker?.link.remove();
  }

  /** Idempotent. */
  close(): void {
    this.broker?.questions.close();
    this.broker?.link.close();
  }
}
