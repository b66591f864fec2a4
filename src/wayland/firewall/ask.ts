/**
 * The ask command: a program of the host's user that decides about one transfer. It is run without a shell, with
 * the question as its last arguments and the same in the environment; exit code 0 means yes, everything else, a
 * signal and silence mean no.
 *
 * Arguments: kind ('clipboard', 'primary' or 'drag'), direction ('to-guest' or 'from-guest'), VM, MIME type. The
 * last one is text of an application: printable ASCII, at most 256 characters.
 */
import { spawn } from 'node:child_process';
import type { AskPolicy } from './policy/policy.js';
import { printable } from './trace.js';

export interface Question {
  readonly kind: 'clipboard' | 'primary' | 'drag';
  readonly direction: 'to-guest' | 'from-guest';
  readonly vm: string;
  readonly mimeType: string;
}

export type Ask = (question: Question, answer: (yes: boolean) => void) => void;

/** Without a command the answer is always no. */
export function askBy(policy: AskPolicy | null): Ask {
  return (question, answer) => {
    if (policy === null) setImmediate(() => answer(false));
    else run(policy, question, answer);
  };
}

/** The question as the command's last arguments. */
export function questionWords({ kind, direction, vm, mimeType }: Question): readonly string[] {
  return [kind, direction, vm, printable(mimeType).slice(0, 256)];
}

function run(policy: AskPolicy, question: Question, answer: (yes: boolean) => void): void {
  const [program = '', ...args] = policy.command;
  const words = questionWords(question);
  const [kind, direction, vm, mimeType] = words;
  let open = true;
  const once = (yes: boolean): void => {
    if (open) answer(yes);
    open = false;
  };
  const child = spawn(program, [...args, ...words], {
    stdio: 'ignore',
    shell: false,
    timeout: policy.timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      FORWARD_KIND: kind,
      FORWARD_DIRECTION: direction,
      FORWARD_VM: vm,
      FORWARD_MIME_TYPE: mimeType,
    },
  });
  child.once('error', () => once(false));
  child.once('exit', (code) => once(code === 0));
}
