/** The command line of `vhost-user-gpu-ts run`. */
import { Command, CommanderError, Option } from 'commander';
import { EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { type OutputMode, parseModes, parseName, wholeNumber } from '../options/values.js';
import { parseCommandLine, type RunOptions } from '../options.js';
import type { Wish } from './complete.js';

const OUTPUTS_MAX = 16;

export interface VmOptions {
  readonly wish: Wish;
  /** QEMU as it was written behind `--`: the program, and its arguments. */
  readonly qemu: readonly [program: string, ...args: string[]];
  /** Names of the input devices that the back-end is to serve. */
  readonly inputs: readonly string[];
  /** The back-end's options, without its sockets. */
  readonly backEndArgs: readonly string[];
  /** Print what would be run. */
  readonly dryRun: boolean;
}

export type VmLine =
  | { readonly action: 'run'; readonly options: VmOptions }
  | { readonly action: 'exit'; readonly code: number; readonly message: string };

interface RawOptions {
  screen?: boolean;
  window?: boolean;
  vga?: boolean;
  display?: 'wayland' | 'viewer' | 'none';
  outputs: number;
  resolution?: OutputMode[];
  label?: string;
  policy?: string;
  wayland?: boolean;
  dryRun?: boolean;
}

/** Input devices of windows; the names are those of the back-end's options. */
const INPUTS = ['keyboard', 'tablet', 'mouse', 'touch'];
/** What browsers feed. */
const VIEWER_INPUTS = ['keyboard', 'tablet', 'touch'];
/** Any free port. */
const VIEWER_ADDRESS = '127.0.0.1:0';

export function createVmCommand(): Command {
  return new Command('vhost-user-gpu-ts run')
    .description(
      "Runs a QEMU command with this GPU: starts the back-end, adds what the command lacks, and ends with QEMU's exit " +
        'status. What the command says itself stays as it is.',
    )
    .usage('[options] [options of the back-end] -- qemu-system-x86_64 …')
    .option('--screen', "the guest's screen is shown by QEMU (the default)")
    .option(
      '--window',
      "each screen is a window of the host's Wayland desktop, with its own input (QEMU 11.1 or newer)",
    )
    .addOption(
      new Option(
        '--display <where>',
        'where screens are shown: on the desktop, in browsers, or nowhere (default: on the desktop)',
      ).choices(['wayland', 'viewer', 'none']),
    )
    .option('--vga', 'with --screen: a picture before the driver of the guest loads, too (vhost-user-vga)')
    .option('--outputs <number>', 'number of outputs', wholeNumber(1, OUTPUTS_MAX), 1)
    .addOption(
      new Option(
        '--resolution <modes>',
        'WIDTHxHEIGHT[@HZ] of each output, separated by commas; the last one holds for the rest',
      ).argParser(parseModes),
    )
    .option(
      '--wayland',
      "let the guest's applications have windows of their own, behind a firewall (needs --window)",
    )
    .option('--label <name>', 'what windows and the log call the VM', parseName)
    .option('--policy <file>', 'what those applications may do (JSON); implies --wayland')
    .option('--dry-run', 'print what would be run')
    .argument('[options...]', 'options of the back-end, such as --log-level=debug')
    .addHelpText(
      'after',
      '\nExit code: that of QEMU (128 + n for signal n), or that of a back-end that did not start.',
    )
    .allowUnknownOption()
    .exitOverride();
}

function modeText({ width, height, refreshHz }: OutputMode): string {
  return `${width}x${height}@${refreshHz}`;
}

/** The back-end's options that say what was asked for here. */
function backEndArguments(raw: RawOptions, others: readonly string[]): string[] {
  const { label, policy, resolution } = raw;
  const forward = raw.wayland === true || policy !== undefined;
  const windows = raw.window === true && (raw.display ?? 'wayland') === 'wayland';
  const viewer = raw.display === 'viewer' && !others.some((option) => /^--viewer(=|$)/.test(option));
  return [
    `--outputs=${raw.outputs}`,
    ...(resolution === undefined ? [] : [`--resolution=${resolution.map(modeText).join()}`]),
    ...(windows ? ['--window'] : []),
    ...(windows && label !== undefined ? [`--title=${label}`] : []),
    ...(viewer ? [`--viewer=${VIEWER_ADDRESS}`] : []),
    ...(forward ? ['--wayland'] : []),
    ...(forward && label !== undefined ? [`--label=${label}`] : []),
    ...(policy === undefined ? [] : [`--policy=${policy}`]),
    // QEMU and its guest may use the same terminal.
    ...(others.some((option) => /^--log-level\b/.test(option)) ? [] : ['--log-level=warn']),
    ...others,
  ];
}

/** What is wrong with the options together; null when nothing is. */
function mistakeIn(raw: RawOptions): string | null {
  if (raw.screen && raw.window) return 'Give --screen or --window, not both.';
  if (raw.window) return raw.vga ? '--vga goes with --screen.' : null;
  if (raw.display === 'wayland')
    return "--display=wayland goes with --window: with --screen, QEMU's -display decides.";
  if (raw.wayland || raw.policy !== undefined) return "Windows of the guest's applications need --window.";
  if (raw.label !== undefined) return '--label is about windows: it needs --window.';
  return null;
}

/** The options that are the back-end's are checked as it would do it. */
function checkBackEnd(args: readonly string[], version: string): RunOptions | VmLine {
  const own = args.find((arg) => /^--(socket-path|fd|(keyboard|tablet|mouse|touch)-socket)\b/.test(arg));
  if (own !== undefined) return refuse(`${own}: run makes the sockets by itself.`);
  const line = parseCommandLine(['--socket-path=gpu', ...args], version);
  if (line.action === 'run') return line.options;
  if (line.action === 'exit') return line;
  return refuse('--print-capabilities is of no use here.');
}

/** Input devices, where something feeds them: windows, viewers, the control API where QEMU has no window of its own. */
function inputsFor(
  { window: windowMode, display }: RawOptions,
  { window, controlPath, viewer }: RunOptions,
): string[] {
  if (windowMode && window !== null) return INPUTS;
  if (controlPath !== null && (windowMode || display === 'none')) return INPUTS;
  return viewer === null ? [] : VIEWER_INPUTS;
}

function refuse(message: string): VmLine {
  return { action: 'exit', code: EXIT_USAGE, message };
}

function interpret(
  raw: RawOptions,
  others: readonly string[],
  qemu: readonly string[],
  version: string,
): VmLine {
  const [program, ...args] = qemu;
  if (program === undefined)
    return refuse('Put the QEMU command behind --, such as: run -- qemu-system-x86_64 …');
  const mistake = mistakeIn(raw);
  if (mistake !== null) return refuse(mistake);
  const backEndArgs = backEndArguments(raw, others);
  const checked = checkBackEnd(backEndArgs, version);
  if ('action' in checked) return checked;
  const [first] = raw.resolution ?? [];
  return {
    action: 'run',
    options: {
      wish: {
        mode: raw.window ? 'window' : 'screen',
        vga: raw.vga ?? false,
        qemuDisplay: (raw.display ?? 'wayland') === 'wayland',
        outputs: raw.outputs,
        size: first ?? null,
      },
      qemu: [program, ...args],
      inputs: inputsFor(raw, checked),
      backEndArgs,
      dryRun: raw.dryRun ?? false,
    },
  };
}

/** Parses what follows `run`. Never throws, never exits. */
export function parseVmLine(args: readonly string[], version: string): VmLine {
  const end = args.indexOf('--');
  const [own, qemu] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)];
  let message = '';
  const command = createVmCommand().configureOutput({
    writeErr: (text) => {
      message += text;
    },
  });
  try {
    command.parse([...own], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { action: 'exit', code: error.exitCode === 0 ? EXIT_OK : EXIT_USAGE, message: message.trim() };
  }
  return interpret(command.opts<RawOptions>(), command.args, qemu, version);
}
