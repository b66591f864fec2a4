/** The command line of the guest proxy. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CLIENTS_MAX, WINDOW_BYTES_MAX } from './limits.js';
import type { Endpoint } from './server/listen.js';
import { LOG_LEVELS, type LogLevel } from './server/log.js';

const MIB = 1 << 20;

export interface ProxyOptions {
  readonly endpoint: Endpoint;
  /** A render node, or null for the first that will do. */
  readonly device: string | null;
  readonly dmabuf: 'auto' | 'on' | 'off';
  readonly clientsMax: number;
  readonly windowBytesMax: number;
  readonly logLevel: LogLevel;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: 'run'; readonly options: ProxyOptions }
  | { readonly action: 'exit'; readonly code: number };

const EXIT_OK = 0;
const EXIT_USAGE = 2;

interface RawOptions {
  socket?: string;
  fd?: number;
  systemd?: boolean;
  device?: string;
  dmabuf: 'auto' | 'on' | 'off';
  maxClients: number;
  maxWindowMemory: number;
  logLevel: LogLevel;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

function createCommand(version: string): Command {
  return new Command('wayland-guest-proxy')
    .description("Runs in a virtual machine: shows its Wayland clients' windows on the host's desktop.")
    .version(version)
    .option(
      '--socket <name>',
      'socket for the clients, a path or a name in XDG_RUNTIME_DIR (default: first free)',
    )
    .option('--fd <number>', 'use this inherited socket, which listens', wholeNumber(0, 2 ** 20))
    .option('--systemd', 'use the sockets that systemd passes (socket activation)')
    .option('--device <path>', 'the virtual GPU (default: the first render node that will do)')
    .addOption(
      new Option('--dmabuf <when>', "offer linux-dmabuf for the virtual GPU's own buffers")
        .choices(['auto', 'on', 'off'])
        .default('auto', 'auto: when the host says that it makes dma-bufs'),
    )
    .option('--max-clients <number>', 'clients at one time', wholeNumber(1, 1024), CLIENTS_MAX)
    .option(
      '--max-window-memory <MiB>',
      "most of the host's window that one client may occupy",
      wholeNumber(1, 2048),
      WINDOW_BYTES_MAX / MIB,
    )
    .addOption(new Option('--log-level <level>').choices([...LOG_LEVELS]).default('info'))
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      `
SIGUSR2 logs what each client has copied. Exit codes: 0 ended by SIGTERM or SIGINT; 1 failure at run time;
2 wrong command line.`,
    )
    .exitOverride();
}

function endpointOf(raw: RawOptions): Endpoint | null {
  const given = [raw.socket, raw.fd, raw.systemd].filter((value) => value !== undefined);
  if (given.length > 1) return null;
  if (raw.fd !== undefined) return { kind: 'fd', fd: raw.fd };
  if (raw.systemd === true) return { kind: 'systemd' };
  return { kind: 'socket', name: raw.socket ?? null };
}

/** Prints help, version and complaints itself. */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  const command = createCommand(version);
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { action: 'exit', code: error.exitCode === 0 ? EXIT_OK : EXIT_USAGE };
  }
  const raw = command.opts<RawOptions>();
  const endpoint = endpointOf(raw);
  if (endpoint === null) {
    process.stderr.write('error: only one of --socket, --fd and --systemd can be given\n');
    return { action: 'exit', code: EXIT_USAGE };
  }
  return {
    action: 'run',
    options: {
      endpoint,
      device: raw.device ?? null,
      dmabuf: raw.dmabuf,
      clientsMax: raw.maxClients,
      windowBytesMax: raw.maxWindowMemory * MIB,
      logLevel: raw.logLevel,
    },
  };
}
