/** `vhost-user-gpu-ts ctl`: the control API from a shell. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { ControlClient, ControlError, type RouteName, WAIT_MS_MAX } from '../../control/index.js';
import { EXIT_FAILURE, EXIT_IN_VAIN, EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { createCtlCommand, type OutputOptions, type Request, type RequestParts } from './command.js';
import type { Operation } from './operations.js';

const TIMEOUT_MS_DEFAULT = 10_000;

type Answer = Readonly<Record<string, unknown>>;

/** One object on a line: a=1 b.c=2. */
function line(value: unknown, path = ''): string {
  if (typeof value !== 'object' || value === null) {
    const text =
      typeof value === 'string' && !/^[^\s"]+$/.test(value) ? JSON.stringify(value) : String(value);
    return path === '' ? text : `${path}=${text}`;
  }
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  return Object.entries(value)
    .map(([name, item]) => line(item, at(name)))
    .join(' ');
}

/** An answer as a person reads it: a list is a line for each of its items. */
function text(answer: Answer): string {
  const [only, ...others] = Object.values(answer);
  const lines = others.length === 0 && Array.isArray(only) ? only.map((item) => line(item)) : [line(answer)];
  return lines.map((each) => `${each}\n`).join('');
}

class UsageError extends Error {}

/** Writes an answer where it was asked for. */
function deliver({ answer, enclosed }: Operation, carried: unknown, output: OutputOptions): void {
  if (answer.kind === 'none') return;
  if (answer.kind === 'bytes') {
    if (output.to !== undefined) writeFileSync(output.to, carried as Uint8Array);
    else process.stdout.write(carried as Uint8Array);
    return;
  }
  const value = carried as Answer;
  if (enclosed === null) {
    process.stdout.write(output.json ? `${JSON.stringify(value)}\n` : text(value));
    return;
  }
  const { [enclosed]: file, ...others } = value;
  if (typeof file === 'string' && output.enclosed !== undefined)
    writeFileSync(output.enclosed, Buffer.from(file, 'base64'));
  process.stdout.write(output.json ? `${JSON.stringify(value)}\n` : text(others));
}

function bodyOf({ file: kind }: Operation, { file, body }: RequestParts): unknown {
  if (file === null) return body;
  const bytes = readFileSync(file);
  if (kind === 'bytes') return bytes;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new UsageError(`${file}: not JSON`);
  }
}

/** Asks once, or, of a wait, until it was of use or its time is over. */
async function ask(control: ControlClient, operation: Operation, request: RequestParts): Promise<unknown> {
  const { params, query } = request;
  const body = bodyOf(operation, request);
  const call = (more: object): Promise<unknown> =>
    // The declaration of the route is what the parts were read by.
    control.call(operation.route, { params, query: { ...query, ...more }, body } as Parameters<
      typeof control.call<RouteName>
    >[1]);
  if (operation.met === null) return call({});
  let left = Number(query.timeoutMs ?? TIMEOUT_MS_DEFAULT);
  for (;;) {
    const timeoutMs = Math.min(left, WAIT_MS_MAX);
    const answer = (await call({ timeoutMs })) as Answer;
    left -= timeoutMs;
    if (answer[operation.met] === true || left <= 0) return answer;
  }
}

/** Runs a command; resolves with its exit status. */
function run([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(EXIT_FAILURE);
    });
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? EXIT_FAILURE) : 128 + constants.signals[signal]),
    );
  });
}

async function perform(control: ControlClient, request: Request): Promise<number> {
  switch (request.kind) {
    case 'route': {
      const { operation, output } = request;
      if (operation.answer.kind === 'bytes' && output.to === undefined && process.stdout.isTTY) {
        const isText = operation.answer.mediaType.startsWith('text/');
        if (!isText) throw new UsageError('that is no text for a terminal: --to FILE');
      }
      const answer = await ask(control, operation, request.request);
      deliver(operation, answer, output);
      return operation.met === null || (answer as Answer)[operation.met] === true ? EXIT_OK : EXIT_IN_VAIN;
    }
    case 'click':
      await control.click(request.x, request.y, request.options);
      return EXIT_OK;
    case 'record': {
      let status = EXIT_OK;
      const film = await control.record(async () => {
        status = await run(request.command);
      }, request.place);
      writeFileSync(request.film, film);
      return status;
    }
  }
}

/** What is wrong with the command line, as an exit code; or what it asks for. */
function parse(args: readonly string[]): Request | number {
  let asked: Request | null = null;
  const command = createCtlCommand((request) => {
    asked = request;
  });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  return asked ?? EXIT_USAGE;
}

/** `args` is what follows the word: the socket first. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [socket = '', ...rest] = args;
  const isOption = socket === '' || socket.startsWith('-');
  const request = parse(isOption ? args : rest);
  if (typeof request === 'number') return request;
  if (isOption) {
    process.stderr.write('error: the socket comes first: vhost-user-gpu-ts ctl SOCKET COMMAND\n');
    return EXIT_USAGE;
  }
  const control = new ControlClient(socket);
  try {
    return await perform(control, request);
  } catch (error) {
    const known = error instanceof ControlError || error instanceof UsageError || 'code' in (error as object);
    if (!known) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  } finally {
    control.close();
  }
}
