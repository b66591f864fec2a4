/**
 * The command line: the conventions for vhost-user back-end programs (QEMU's docs/interop/vhost-user.rst,
 * "Backend program conventions", and vhost-user.json) plus our own options.
 */
import { Command, CommanderError, Option } from 'commander';
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from './exit-codes.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './logging.js';
import {
  type OutputMode,
  parseColor,
  parseModes,
  parseName,
  parseRegionSize,
  wholeNumber,
} from './option-values.js';
import { SANDBOX_MODES, type SandboxMode } from './sandbox/mode.js';

/** A longer wait than that could only be for a driver that is not in a hurry. */
const BUSY_WAIT_US_MAX = 1000;

/** Where the front-end comes from. */
export type Endpoint =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

/** Where virtio-input devices are served: paths of sockets, null where there is none. */
export interface InputPaths {
  readonly keyboard: string | null;
  /** One for all outputs, or one for each. */
  readonly tablets: readonly string[];
  readonly mouse: string | null;
  readonly touchscreen: string | null;
}

/** The outputs as windows on the host's compositor. */
export interface WindowOptions {
  readonly title: string;
  readonly appId: string;
  readonly fullscreen: boolean;
  readonly pointer: 'absolute' | 'relative';
}

/** Windows of the guest's applications on the host's compositor. */
export interface ForwardOptions {
  /** What windows and log lines call the VM. */
  readonly label: string;
  /** A file with the firewall's policy; null = the default policy. */
  readonly policyPath: string | null;
  /** Instead of what the policy says; null = as it says. */
  readonly border: 'auto' | 'always' | 'never' | null;
  /** #rrggbb; null = the policy's. */
  readonly borderColor: string | null;
  readonly trace: boolean;
}

/** A checked command line. */
export interface RunOptions {
  readonly endpoint: Endpoint;
  readonly outputs: readonly OutputMode[];
  /** Bytes of the guest's window into the shared region; null = no shared region, so no blob resources. */
  readonly regionBytes: number | null;
  /** Where QEMU finds the shared region as the memory of an ivshmem-plain device. */
  readonly ivshmemPath: string | null;
  readonly contexts: boolean;
  /** QEMU's display is shown the guest's pages as dma-bufs. */
  readonly qemuDmabuf: boolean;
  /** null = nothing is forwarded. */
  readonly forward: ForwardOptions | null;
  /** null = no windows. */
  readonly window: WindowOptions | null;
  readonly inputs: InputPaths;
  readonly limits: {
    readonly maxResources: number;
    readonly maxHostBytes: number;
    readonly maxBackingEntries: number;
  };
  /** Microseconds; see BackEndServer's options. */
  readonly busyWaitUs: number;
  readonly sandbox: SandboxMode;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: 'run'; readonly options: RunOptions }
  | { readonly action: 'print-capabilities' }
  | { readonly action: 'exit'; readonly code: number; readonly message: string };

const MIB = 1024 * 1024;
const OUTPUTS_MAX = 16;

interface RawOptions {
  socketPath?: string;
  fd?: number;
  printCapabilities?: boolean;
  renderNode?: string;
  virgl?: boolean;
  outputs: number;
  resolution: OutputMode[];
  regionSize: number;
  ivshmem?: string;
  contexts?: boolean;
  qemuDmabuf?: boolean;
  wayland?: boolean;
  label?: string;
  policy?: string;
  border?: 'auto' | 'always' | 'never';
  borderColor?: string;
  waylandTrace?: boolean;
  window?: boolean;
  title?: string;
  appId?: string;
  fullscreen?: boolean;
  pointer?: 'absolute' | 'relative';
  keyboardSocket?: string;
  tabletSocket: string[];
  mouseSocket?: string;
  touchSocket?: string;
  maxResources: number;
  maxHostMemory: number;
  maxBackingEntries: number;
  busyWait: number;
  sandbox: SandboxMode;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

function addRegionOptions(command: Command): Command {
  return command
    .option(
      '--region-size <MiB>',
      'memory that guest and host share for blob resources: a power of two up to 1024, 0 = none',
      parseRegionSize,
      256,
    )
    .option(
      '--ivshmem <path>',
      'make the shared memory available to QEMU here, for an ivshmem-plain device (QEMU before 11.1)',
    )
    .option('--contexts', 'offer contexts (cross-domain) to the guest')
    .option(
      '--qemu-dmabuf',
      "let QEMU's display (one with OpenGL; not its screenshots) read the guest's pages as dma-bufs",
    );
}

function addForwardOptions(command: Command): Command {
  return command
    .option(
      '--wayland',
      "let the guest's applications have windows on the host's Wayland compositor, behind a firewall",
    )
    .option('--label <name>', 'what those windows and the log call the VM (default: vm)', parseName)
    .option('--policy <file>', 'what the guest may do there (JSON; the README of src/wayland/firewall)')
    .addOption(
      new Option(
        '--border <when>',
        'draw a border around them; auto: where the compositor has no security contexts (default: never)',
      ).choices(['auto', 'always', 'never']),
    )
    .option('--border-color <#rrggbb>', 'its color (default: #e08000)', parseColor)
    .option('--wayland-trace', 'log each forwarded message, as WAYLAND_DEBUG shows them');
}

function addWindowOptions(command: Command): Command {
  return command
    .option('--window', "show each output as a window on the host's Wayland compositor (WAYLAND_DISPLAY)")
    .option('--title <text>', 'title of the windows (default: Virtual machine)', parseName)
    .option('--app-id <id>', 'app-id of the windows (default: vhost-user-gpu-ts)', parseName)
    .option('--fullscreen', 'start with the windows in fullscreen')
    .addOption(
      new Option(
        '--pointer <mode>',
        'feed the tablet or, after a click, the mouse (default: absolute)',
      ).choices(['absolute', 'relative']),
    )
    .option('--keyboard-socket <path>', 'serve a keyboard for vhost-user-input-pci on this unix socket')
    .addOption(
      new Option(
        '--tablet-socket <path>',
        'serve an absolute pointer there; give it once, or once for each output',
      )
        .argParser((path: string, paths: string[]) => [...paths, path])
        .default([], 'none'),
    )
    .option('--mouse-socket <path>', 'serve a relative pointer there')
    .option('--touch-socket <path>', 'serve a touchscreen there');
}

function createCommand(version: string): Command {
  return addLimitOptions(addForwardOptions(addWindowOptions(addRegionOptions(createBasicCommand(version)))))
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      `
\`vhost-user-gpu-ts supervise\` starts it again when it dies (supervise --help).

Exit codes: 0 ended by SIGTERM or SIGINT, or (--fd) by the front-end's leaving; 1 failure at run time;
2 wrong command line; 3 a feature was asked for that is not there.`,
    )
    .exitOverride();
}

function addLimitOptions(command: Command): Command {
  const count = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  return command
    .option('--max-resources <number>', 'most resources that the guest can hold', count, 16384)
    .option(
      '--max-host-memory <MiB>',
      'most host memory for resources of the guest',
      wholeNumber(1, 2 ** 20),
      512,
    )
    .option('--max-backing-entries <number>', 'most memory ranges behind one resource', count, 262144)
    .option(
      '--busy-wait <us>',
      'longest wait for the next command before sleeping, while commands come that quickly',
      wholeNumber(0, BUSY_WAIT_US_MAX),
      0,
    )
    .addOption(
      new Option(
        '--sandbox <mode>',
        'give up all rights once started; auto: what this system lets go of, with a warning about what it lacks',
      )
        .choices([...SANDBOX_MODES])
        .default('on'),
    )
    .addOption(new Option('--log-level <level>').choices([...LOG_LEVELS]).default('info'))
    .addOption(new Option('--log-format <format>').choices([...LOG_FORMATS]).default('text'));
}

function createBasicCommand(version: string): Command {
  return new Command('vhost-user-gpu-ts')
    .description('A vhost-user GPU device: serves virtio-gpu to one virtual machine.')
    .version(version)
    .usage('(--socket-path=PATH | --fd=FDNUM) [options]')
    .option('--socket-path <path>', 'listen for the front-end (QEMU) on this unix socket')
    .option(
      '--fd <number>',
      'use this inherited unix socket, listening or connected',
      wholeNumber(0, 2 ** 20),
    )
    .option('--print-capabilities', 'print what this back-end can do, as JSON, and exit')
    .addOption(new Option('--render-node <path>', 'refused: there is no 3D yet').hideHelp())
    .addOption(new Option('--virgl', 'refused: there is no 3D yet').hideHelp())
    .option(
      '--outputs <number>',
      'number of outputs (QEMU sets its own on vhost-user-gpu-pci: max_outputs=)',
      wholeNumber(1, OUTPUTS_MAX),
      1,
    )
    .addOption(
      new Option(
        '--resolution <modes>',
        'WIDTHxHEIGHT[@HZ] of each output, separated by commas; the last one holds for the rest. ' +
          "Where QEMU has a display of its own, QEMU's size wins",
      )
        .argParser(parseModes)
        .default([{ width: 1280, height: 800, refreshHz: 60 }], '1280x800'),
    );
}

function outputModes(raw: RawOptions): OutputMode[] {
  const last = raw.resolution.at(-1) as OutputMode;
  return Array.from({ length: raw.outputs }, (_, i) => raw.resolution[i] ?? last);
}

function refuse(code: number, message: string): CommandLine {
  return { action: 'exit', code, message };
}

function windowOptions(raw: RawOptions): WindowOptions | null {
  if (!raw.window) return null;
  return {
    title: raw.title ?? 'Virtual machine',
    appId: raw.appId ?? 'vhost-user-gpu-ts',
    fullscreen: raw.fullscreen ?? false,
    pointer: raw.pointer ?? 'absolute',
  };
}

function forwardOptions(raw: RawOptions): ForwardOptions | null {
  if (!raw.wayland) return null;
  return {
    label: raw.label ?? 'vm',
    policyPath: raw.policy ?? null,
    border: raw.border ?? null,
    borderColor: raw.borderColor ?? null,
    trace: raw.waylandTrace ?? false,
  };
}

/** What is wrong with the options of regions, windows and input together; null when nothing is. */
function windowMistake(raw: RawOptions): string | null {
  const { window, regionSize, tabletSocket, mouseSocket, wayland, ivshmem, contexts, qemuDmabuf } = raw;
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
  if (!window) {
    const { title, appId, fullscreen, pointer } = raw;
    const lost = Object.entries({ title, 'app-id': appId, fullscreen, pointer }).find(
      ([, value]) => value !== undefined,
    );
    if (lost !== undefined) return `--${lost[0]} is about windows: it needs --window.`;
  }
  if (!wayland) {
    const { label, policy, border, borderColor, waylandTrace } = raw;
    const lost = Object.entries({
      label,
      policy,
      border,
      'border-color': borderColor,
      'wayland-trace': waylandTrace,
    }).find(([, value]) => value !== undefined);
    if (lost !== undefined) return `--${lost[0]} is about forwarding: it needs --wayland.`;
  }
  if (tabletSocket.length > 1 && tabletSocket.length !== raw.outputs) {
    return `${tabletSocket.length} tablets for ${raw.outputs} output(s): give one, or one for each.`;
  }
  if (raw.pointer === 'relative' && mouseSocket === undefined) {
    return '--pointer=relative needs a mouse: --mouse-socket.';
  }
  return null;
}

function interpret(raw: RawOptions): CommandLine {
  if (raw.virgl || raw.renderNode !== undefined) {
    const option = raw.virgl ? '--virgl' : '--render-node';
    return refuse(EXIT_UNAVAILABLE, `${option}: this back-end has no 3D acceleration; leave the option out.`);
  }
  const { socketPath, fd } = raw;
  if ((socketPath === undefined) === (fd === undefined)) {
    return refuse(EXIT_USAGE, 'Give exactly one of --socket-path=PATH and --fd=FDNUM (see --help).');
  }
  if (raw.resolution.length > raw.outputs) {
    return refuse(
      EXIT_USAGE,
      `--resolution names ${raw.resolution.length} modes for ${raw.outputs} output(s).`,
    );
  }
  const mistake = windowMistake(raw);
  if (mistake !== null) return refuse(EXIT_USAGE, mistake);
  return {
    action: 'run',
    options: {
      endpoint: fd === undefined ? { kind: 'path', path: socketPath as string } : { kind: 'fd', fd },
      outputs: outputModes(raw),
      regionBytes: raw.regionSize === 0 ? null : raw.regionSize * MIB,
      ivshmemPath: raw.ivshmem ?? null,
      contexts: raw.contexts ?? raw.wayland ?? false,
      qemuDmabuf: raw.qemuDmabuf ?? false,
      forward: forwardOptions(raw),
      window: windowOptions(raw),
      inputs: {
        keyboard: raw.keyboardSocket ?? null,
        tablets: raw.tabletSocket,
        mouse: raw.mouseSocket ?? null,
        touchscreen: raw.touchSocket ?? null,
      },
      limits: {
        maxResources: raw.maxResources,
        maxHostBytes: raw.maxHostMemory * MIB,
        maxBackingEntries: raw.maxBackingEntries,
      },
      busyWaitUs: raw.busyWait,
      sandbox: raw.sandbox,
      logLevel: raw.logLevel,
      logFormat: raw.logFormat,
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
