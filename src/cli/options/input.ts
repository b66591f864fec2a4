/** Options: where virtio-input devices are served. */
import { type Command, Option } from 'commander';

/** A path to listen on, or the descriptor of a socket that listens. */
export type InputPlace = string | number;

/** Where they are served, null where they are not. */
export interface InputPaths {
  readonly keyboard: InputPlace | null;
  /** One for all outputs, or one for each. */
  readonly tablets: readonly InputPlace[];
  readonly mouse: InputPlace | null;
  readonly touchscreen: InputPlace | null;
}

/** All that are there. */
export function inputPlaces({ keyboard, tablets, mouse, touchscreen }: InputPaths): InputPlace[] {
  return [keyboard, ...tablets, mouse, touchscreen].filter((place) => place !== null);
}

export interface RawInputOptions {
  keyboardSocket?: string;
  tabletSocket: string[];
  mouseSocket?: string;
  touchSocket?: string;
}

export function addInputOptions(command: Command): Command {
  return command
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

export function inputMistake({ tabletSocket }: RawInputOptions, outputs: number): string | null {
  if (tabletSocket.length <= 1 || tabletSocket.length === outputs) return null;
  return `${tabletSocket.length} tablets for ${outputs} output(s): give one, or one for each.`;
}

export function readInputs(raw: RawInputOptions): InputPaths {
  return {
    keyboard: raw.keyboardSocket ?? null,
    tablets: raw.tabletSocket,
    mouse: raw.mouseSocket ?? null,
    touchscreen: raw.touchSocket ?? null,
  };
}
