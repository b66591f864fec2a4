/** `vhost-user-gpu-ts replay`: plays a trace of commands into a device, and tells what it shows. */
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { BackEndServer } from 'vhost-user-ts';
import { encodePng, FrameCapture } from '../../capture/index.js';
import { GpuDevice, VIRTIO_GPU_MAX_SCANOUTS } from '../../virtio-gpu/index.js';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { commandText } from './command-text.js';
import { Player } from './player.js';
import { readTrace, TraceError } from './trace-file.js';

interface ReplayOptions {
  readonly each?: boolean;
  readonly text?: boolean;
  readonly screenshots?: string;
}

/** More than any guest could have had in the first place. */
const HOST_BYTES_MAX = 8 * 2 ** 30;

/** One line for each output that shows something: its number, its size, and the hash that the control API gives. */
export function hashes(capture: FrameCapture): string[] {
  return capture.shown.flatMap((id) => {
    const picture = capture.snapshot(id);
    if (picture === null) return [];
    const sha256 = createHash('sha256').update(picture.rgba).digest('hex');
    return [`output ${id} ${picture.width}x${picture.height} ${sha256}`];
  });
}

/** Tells each command of the file as a line. */
export function print(path: string, tell: (line: string) => void): void {
  const fd = openSync(path, 'r');
  try {
    for (const command of readTrace(fd)) tell(commandText(command));
  } finally {
    closeSync(fd);
  }
}

/** Plays the file; `tell` gets a line after each change (`each`) and one for each output at the end. */
export async function replay(
  path: string,
  options: ReplayOptions,
  tell: (line: string) => void,
): Promise<void> {
  const fd = openSync(path, 'r');
  const folder = mkdtempSync(join(tmpdir(), 'replay-'));
  let changed = false;
  const capture = new FrameCapture((event) => {
    changed ||= event !== 'cursor';
  });
  const device = new GpuDevice({
    outputs: Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, () => ({ width: 1280, height: 800 })),
    limits: { maxHostBytes: HOST_BYTES_MAX, maxResources: 2 ** 20 },
    sinks: [capture],
  });
  const server = new BackEndServer(device, { path: join(folder, 'gpu') });
  try {
    const player = await Player.connect(join(folder, 'gpu'));
    try {
      for (const command of readTrace(fd)) {
        changed = false;
        await player.play(command);
        if (changed && options.each === true)
          for (const line of hashes(capture)) tell(`${command.atMs} ms ${line}`);
      }
      for (const line of hashes(capture)) tell(line);
      if (options.screenshots !== undefined) savePictures(capture, options.screenshots);
    } finally {
      player.close();
    }
  } finally {
    server.close();
    device.close();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

function savePictures(capture: FrameCapture, folder: string): void {
  for (const id of capture.shown) {
    const picture = capture.snapshot(id);
    if (picture === null) continue;
    const { width, height, rgba } = picture;
    writeFileSync(join(folder, `output-${id}.png`), encodePng(width, height, rgba));
  }
}

export function createReplayCommand(): Command {
  return new Command('vhost-user-gpu-ts replay')
    .description(
      'Plays a trace (--trace-file) into a device, and tells the hash of what each output shows in the end.',
    )
    .argument('<file>', 'the trace')
    .option('--each', 'tell it after each command that changes a picture, too')
    .option('--text', 'only print the commands, a line each')
    .option('--screenshots <folder>', 'write what is shown in the end there, as PNG files')
    .exitOverride();
}

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const command = createReplayCommand();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  const [path = ''] = command.args;
  try {
    const options = command.opts<ReplayOptions>();
    const tell = (line: string): boolean => process.stdout.write(`${line}\n`);
    if (options.text === true) print(path, tell);
    else await replay(path, options, tell);
    return EXIT_OK;
  } catch (error) {
    const known = error instanceof TraceError || (error as NodeJS.ErrnoException).code !== undefined;
    if (!known) throw error;
    process.stderr.write(`${path}: ${(error as Error).message}\n`);
    return EXIT_FAILURE;
  }
}
