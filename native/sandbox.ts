/** Confinement of the process and its broker, as the addon sees them (src/sandbox.cc, src/broker). */
import type { UnixSocket } from './types.js';

/** What the running kernel lets this process do to itself. */
export interface SandboxSupport {
  /** Version of landlock's interface; 0 when there is none, or none that this process may use (containers). */
  readonly landlockAbi: number;
  /** System calls can be filtered in all threads, and there is a list of them for this architecture. */
  readonly seccomp: boolean;
}

export interface Confinement {
  readonly landlock: boolean;
  readonly seccomp: boolean;
  /** Others of the same user may look into the process (ptrace, /proc/PID/fd). There are no core dumps either way. */
  readonly dumpable: boolean;
}

/** What a broker may be asked for: everything else it does not do. */
export interface BrokerPlan {
  /** Paths of sockets. */
  readonly connect: readonly string[];
  /** Removed on request or, at the latest, when this process is gone, if they are still what they were at the start. */
  readonly remove: readonly string[];
  /** Run for each question, with the question's words as its last arguments. */
  readonly ask: { readonly command: readonly string[]; readonly timeoutSeconds: number } | null;
}

/** A broker at work. It ends with this process. */
export interface BrokerLink {
  /**
   * A socket connected to number `index` of the plan. Throws the system's error of that attempt, EPIPE or ECONNRESET
   * when the broker is gone, ETIMEDOUT when it does not answer (the link is closed then).
   */
  connect(index: number): UnixSocket;
  /** Removes what the plan says, now. */
  remove(): void;
  /** Idempotent. The broker ends, and removes what the plan says. */
  close(): void;
}

/** The command line of a broker (src/broker/broker.h). */
export function brokerArguments({ connect, remove, ask }: BrokerPlan): string[] {
  return [
    ...connect.flatMap((path) => ['--connect', path]),
    ...remove.flatMap((path) => ['--remove', path]),
    ...(ask === null ? [] : ['--ask', String(ask.timeoutSeconds), ...ask.command]),
  ];
}

/** Number of words of a question, and bytes that each may have (src/broker/broker.h). */
export const QUESTION_WORDS = 4;
export const QUESTION_WORD_BYTES_MAX = 1024;
const QUESTION_HEADER_BYTES = 4 + 2 * QUESTION_WORDS;
export const VERDICT_BYTES = 8;

/** A question as the broker reads it. RangeError when the words are not as many, or too long, or can't be arguments. */
export function encodeQuestion(id: number, words: readonly string[]): Uint8Array {
  const encoded = words.map((word) => Buffer.from(word));
  const fits = (word: Buffer): boolean => word.length <= QUESTION_WORD_BYTES_MAX && !word.includes(0);
  if (words.length !== QUESTION_WORDS || !encoded.every(fits)) throw new RangeError('not a question');
  const header = Buffer.alloc(QUESTION_HEADER_BYTES);
  header.writeUInt32LE(id, 0);
  for (const [index, { length }] of encoded.entries()) header.writeUInt16LE(length, 4 + 2 * index);
  return Buffer.concat([header, ...encoded]);
}
