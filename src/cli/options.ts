/**
 * The command line: the conventions for vhost-user back-end programs (QEMU's docs/interop/vhost-user.rst,
 * "Backend program conventions", and vhost-user.json) plus our own options. Each topic of those has a module in
 * `options/`: what the options are called, what is wrong with them by themselves, and what they come to.
 */
import { Command, CommanderError, Option } from 'commander';
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from './exit-codes.js';
import { type PassedSockets, passedSockets } from './options/activation.js';
import {
  addControlOptions,
  type ControlOptions,
  type RawControlOptions,
  readControl,
} from './options/control.js';
import {
  addInputOptions,
  type InputPaths,
  inputMistake,
  type RawInputOptions,
  readInputs,
} from './options/input.js';
import { addLimitOptions, type LimitOptions, type RawLimitOptions, readLimits } from './options/limits.js';
import { addOutputOptions, outputMistake, type RawOutputOptions, readOutputs } from './options/output.js';
import {
  addProcessOptions,
  type ProcessOptions,
  type RawProcessOptions,
  readProcess,
} from './options/process.js';
import { addRegionOptions, type RawRegionOptions, type RegionOptions, readRegion } from './options/region.js';
import { type OutputMode, wholeNumber } from './options/values.js';
import {
  addViewerOptions,
  type RawViewerOptions,
  readViewer,
  type ViewerOptions,
  viewerMistake,
} from './options/viewer.js';
import {
  addForwardOptions,
  type ForwardOptions,
  forwardMistake,
  type RawForwardOptions,
  readForward,
} from './options/wayland.js';
import {
  addWindowOptions,
  type RawWindowOptions,
  readWindow,
  type WindowOptions,
  windowMistake,
} from './options/window.js';

/** Where the front-end comes from. */
export type Endpoint =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

/** A checked command line. */
export interface RunOptions extends RegionOptions, ControlOptions, LimitOptions, ProcessOptions {
  readonly endpoint: Endpoint;
  readonly outputs: readonly OutputMode[];
  /** null = nothing is forwarded. */
  readonly forward: ForwardOptions | null;
  /** null = no windows. */
  readonly window: WindowOptions | null;
  /** null = no viewer. */
  readonly viewer: ViewerOptions | null;
  readonly inputs: InputPaths;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: 'run'; readonly options: RunOptions }
  | { readonly action: 'print-capabilities' }
  | { readonly action: 'exit'; readonly code: number; readonly message: string };

/** What is there before the topics: the endpoint, and what the conventions want. */
interface RawBasicOptions {
  socketPath?: string;
  fd?: number;
  systemd?: boolean;
  printCapabilities?: boolean;
  renderNode?: string;
  virgl?: boolean;
}

type RawOptions = RawBasicOptions &
  RawOutputOptions &
  RawRegionOptions &
  RawWindowOptions &
  RawInputOptions &
  RawForwardOptions &
  RawControlOptions &
  RawViewerOptions &
  RawLimitOptions &
  RawProcessOptions;

/** In the order in which `--help` shows them. */
const TOPICS: readonly ((command: Command) => Command)[] = [
  addOutputOptions,
  addRegionOptions,
  addWindowOptions,
  addInputOptions,
  addForwardOptions,
  addControlOptions,
  addViewerOptions,
  addLimitOptions,
  addProcessOptions,
];

/** The declarations of the command itself. */
export function createCommand(version: string): Command {
  const command = createBasicCommand(version);
  for (const add of TOPICS) add(command);
  return command
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      `
\`vhost-user-gpu-ts run\` runs a QEMU command with it (run --help),
\`vhost-user-gpu-ts supervise\` starts it again when it dies (supervise --help),
\`vhost-user-gpu-ts doctor\` says what this host lacks (doctor --help),
\`vhost-user-gpu-ts install-descriptor\` makes it known to libvirt (install-descriptor --help).

Exit codes: 0 ended by SIGTERM or SIGINT, or (--fd) by the front-end's leaving; 1 failure at run time;
2 wrong command line; 3 a feature was asked for that is not there.`,
    )
    .exitOverride();
}

function createBasicCommand(version: string): Command {
  return new Command('vhost-user-gpu-ts')
    .description('A vhost-user GPU device: serves virtio-gpu to one virtual machine.')
    .version(version)
    .usage('(--socket-path=PATH | --fd=FDNUM | --systemd) [options]')
    .option('--socket-path <path>', 'listen for the front-end (QEMU) on this unix socket')
    .option(
      '--fd <number>',
      'use this inherited unix socket, listening or connected',
      wholeNumber(0, 2 ** 20),
    )
    .option(
      '--systemd',
      'use the sockets that systemd passes: gpu, keyboard, tablet, mouse and touch, by name or in this order',
    )
    .option('--print-capabilities', 'print what this back-end can do, as JSON, and exit')
    .addOption(new Option('--render-node <path>', 'refused: there is no 3D yet').hideHelp())
    .addOption(new Option('--virgl', 'refused: there is no 3D yet').hideHelp());
}

function refuse(code: number, message: string): CommandLine {
  return { action: 'exit', code, message };
}

/** What is wrong with the shared region together with what needs it. */
function regionMistake(raw: RawOptions): string | null {
  const { window, regionSize, wayland, ivshmem, contexts, qemuDmabuf } = raw;
  if (regionSize === 0) {
    const needy = [
      window && '--window',
      ivshmem && '--ivshmem',
      contexts && '--contexts',
      wayland && '--wayland',
    ].find(Boolean);
    if (needy) return `${needy} needs shared memory: --region-size must not be 0.`;
  }
  if (window && qemuDmabuf) return "--qemu-dmabuf is about QEMU's display: it does not go with --window.";
  return null;
}

/** What is wrong with windows together with what feeds them. */
function pointerMistake({ pointer, mouseSocket, systemd }: RawOptions): string | null {
  if (pointer !== 'relative' || mouseSocket !== undefined || systemd) return null;
  return '--pointer=relative needs a mouse: --mouse-socket.';
}

/** The first mistake; null when there is none. */
function mistakeIn(raw: RawOptions): string | null {
  return (
    outputMistake(raw) ??
    regionMistake(raw) ??
    windowMistake(raw) ??
    forwardMistake(raw) ??
    viewerMistake(raw) ??
    inputMistake(raw, raw.outputs) ??
    pointerMistake(raw)
  );
}

/** Where front-ends come from, and the sockets that were passed; or what is wrong. */
function endpointOf(raw: RawOptions): { endpoint: Endpoint; passed: PassedSockets | null } | string {
  const { socketPath, fd, systemd } = raw;
  if ([socketPath, fd, systemd].filter((given) => given !== undefined).length !== 1) {
    return 'Give exactly one of --socket-path=PATH, --fd=FDNUM and --systemd (see --help).';
  }
  if (socketPath !== undefined) return { endpoint: { kind: 'path', path: socketPath }, passed: null };
  if (fd !== undefined) return { endpoint: { kind: 'fd', fd }, passed: null };
  const { keyboardSocket, tabletSocket, mouseSocket, touchSocket } = raw;
  if (keyboardSocket ?? tabletSocket[0] ?? mouseSocket ?? touchSocket) {
    return 'With --systemd the sockets of input devices are passed, too.';
  }
  try {
    const passed = passedSockets(process.env);
    return { endpoint: { kind: 'fd', fd: passed.gpu }, passed };
  } catch (error) {
    return `--systemd: ${(error as Error).message}`;
  }
}

function interpret(raw: RawOptions): CommandLine {
  if (raw.virgl || raw.renderNode !== undefined) {
    const option = raw.virgl ? '--virgl' : '--render-node';
    return refuse(EXIT_UNAVAILABLE, `${option}: this back-end has no 3D acceleration; leave the option out.`);
  }
  const places = endpointOf(raw);
  if (typeof places === 'string') return refuse(EXIT_USAGE, places);
  const mistake = mistakeIn(raw);
  if (mistake !== null) return refuse(EXIT_USAGE, mistake);
  return {
    action: 'run',
    options: {
      endpoint: places.endpoint,
      outputs: readOutputs(raw),
      ...readRegion(raw, raw.wayland ?? false),
      forward: readForward(raw),
      window: readWindow(raw),
      viewer: readViewer(raw),
      inputs: places.passed?.inputs ?? readInputs(raw),
      ...readControl(raw),
      ...readLimits(raw),
      ...readProcess(raw),
    },
  };
}

/**
 * Parses the arguments after the program's name. Never throws and never exits: `--help`, `--version` and
 * mistakes come back as `exit` (help and version are printed by then, mistakes carry their message).
 */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  // `--print-capabilities` wins over whatever else is there, even over mistakes (vhost-user.rst).
  if (args.includes('--print-capabilities')) return { action: 'print-capabilities' };
  let message = '';
  const command = createCommand(version).configureOutput({
    writeErr: (text) => {
      message += text;
    },
  });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return refuse(error.exitCode === 0 ? EXIT_OK : EXIT_USAGE, message.trim());
  }
  return interpret(command.opts<RawOptions>());
}
