/** The command line of `vhost-user-gpu-ts supervise`. */
import { Command, CommanderError } from 'commander';
import { EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { wholeNumber } from '../options/values.js';
import { parseCommandLine, type RunOptions } from '../options.js';

export interface SuperviseOptions {
  /** QEMU's monitor; null = back-ends are started again, and nothing else. */
  readonly qmpPath: string | null;
  /** Ids of QEMU's devices that the back-end serves, in the order in which they are plugged in again. */
  readonly devices: readonly string[];
  /** Most deaths within a minute. */
  readonly restartsMax: number;
  /** Where front-ends connect. */
  readonly socketPath: string;
  /** The back-end's own command line, without its socket. */
  readonly backEndArgs: readonly string[];
  readonly backEnd: RunOptions;
}

export type SuperviseLine =
  | { readonly action: 'supervise'; readonly options: SuperviseOptions }
  | { readonly action: 'exit'; readonly code: number; readonly message: string };

interface RawOptions {
  qmp?: string;
  device?: string[];
  restarts: number;
}

export function createSuperviseCommand(): Command {
  return new Command('vhost-user-gpu-ts supervise')
    .description(
      'Runs the back-end and starts it again when it dies. With --qmp, its devices are then taken out of the ' +
        'running machine and plugged in again: the guest gets its display back.',
    )
    .usage('[--qmp PATH] [--device ID]… -- --socket-path=PATH [options of the back-end]')
    .option('--qmp <path>', "QEMU's monitor (-qmp unix:PATH,server=on,wait=off)")
    .option(
      '--device <id>',
      'a device of QEMU that the back-end serves, on a port where it can be unplugged (default: gpu)',
      (id: string, ids: string[] = []) => [...ids, id],
    )
    .option('--restarts <number>', 'most deaths of back-ends within a minute', wholeNumber(0, 1000), 5)
    .argument('[options...]', "the back-end's options, behind --")
    .exitOverride();
}

/** Without `--socket-path=PATH` and `--socket-path PATH`. */
function withoutSocket(args: readonly string[]): string[] {
  return args.filter((arg, i) => !/^--socket-path(=|$)/.test(arg) && args[i - 1] !== '--socket-path');
}

/** Parses what follows `supervise`. Never throws, never exits. */
export function parseSuperviseLine(args: readonly string[], version: string): SuperviseLine {
  let message = '';
  const command = createSuperviseCommand().configureOutput({
    writeErr: (text) => {
      message += text;
    },
  });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { action: 'exit', code: error.exitCode === 0 ? EXIT_OK : EXIT_USAGE, message: message.trim() };
  }
  const backEnd = parseCommandLine(command.args, version);
  if (backEnd.action === 'exit') return backEnd;
  if (backEnd.action !== 'run' || backEnd.options.endpoint.kind !== 'path') {
    return { action: 'exit', code: EXIT_USAGE, message: 'A supervised back-end needs --socket-path=PATH.' };
  }
  const { qmp, device, restarts } = command.opts<RawOptions>();
  return {
    action: 'supervise',
    options: {
      qmpPath: qmp ?? null,
      devices: device ?? ['gpu'],
      restartsMax: restarts,
      socketPath: backEnd.options.endpoint.path,
      backEndArgs: withoutSocket(command.args),
      backEnd: backEnd.options,
    },
  };
}
