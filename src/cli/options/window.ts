/** Options: the outputs as windows on the host's compositor. */
import { type Command, Option } from 'commander';
import { firstGiven, parseName } from './values.js';

export interface WindowOptions {
  readonly title: string;
  readonly appId: string;
  readonly fullscreen: boolean;
  readonly pointer: 'absolute' | 'relative';
}

export interface RawWindowOptions {
  window?: boolean;
  title?: string;
  appId?: string;
  fullscreen?: boolean;
  pointer?: 'absolute' | 'relative';
}

export function addWindowOptions(command: Command): Command {
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
    );
}

export function windowMistake(raw: RawWindowOptions): string | null {
  if (raw.window) return null;
  const { title, appId, fullscreen, pointer } = raw;
  const lost = firstGiven({ title, 'app-id': appId, fullscreen, pointer });
  return lost === null ? null : `--${lost} is about windows: it needs --window.`;
}

/** null = no windows. */
export function readWindow(raw: RawWindowOptions): WindowOptions | null {
  if (!raw.window) return null;
  return {
    title: raw.title ?? 'Virtual machine',
    appId: raw.appId ?? 'vhost-user-gpu-ts',
    fullscreen: raw.fullscreen ?? false,
    pointer: raw.pointer ?? 'absolute',
  };
}
