/**
 * A back-end in this process, for tests of guests: the same object graph as the command's, with a control client on it.
 * Not for guests that are not trusted: a process that belongs to a test has no sandbox.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackEndServer } from 'vhost-user-ts';
import { createLogger } from '../cli/logging.js';
import { parseCommandLine } from '../cli/options.js';
import { HostAccess } from '../cli/sandbox/host-access.js';
import { Service } from '../cli/service.js';
import { ControlClient } from '../control/index.js';

export interface BackEndOptions {
  /** Options of the command, besides its sockets': '--outputs=2', '--log-level=debug'. */
  readonly options?: readonly string[];
  /** Input devices to serve, besides the display. Default: keyboard and tablet. */
  readonly inputs?: readonly ('keyboard' | 'tablet' | 'mouse' | 'touch')[];
}

export interface BackEnd {
  /** Where QEMU connects for the display. */
  readonly socketPath: string;
  /** Where it connects for input devices, by kind. */
  readonly inputPaths: Readonly<Record<string, string>>;
  readonly control: ControlClient;
  /** Where browsers look on, without the token; null without the option `--viewer`. */
  readonly viewerAddress: string | null;
  /** Ends it and removes its sockets. Idempotent. */
  close(): void;
}

/** Starts one, in a new folder. Rejects with an Error that says what is wrong with the options, or the system's. */
export async function startBackEnd({
  options = [],
  inputs = ['keyboard', 'tablet'],
}: BackEndOptions = {}): Promise<BackEnd> {
  const folder = mkdtempSync(join(tmpdir(), 'vhost-user-gpu-'));
  const [socketPath, controlPath] = [join(folder, 'gpu'), join(folder, 'control')];
  const inputPaths = Object.fromEntries(inputs.map((kind) => [kind, join(folder, kind)]));
  const sockets = Object.entries(inputPaths).map(([kind, path]) => `--${kind}-socket=${path}`);
  const parts: { close(): void }[] = [{ close: () => rmSync(folder, { recursive: true, force: true }) }];
  const close = (): void => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) part.close();
  };
  try {
    const own = [`--socket-path=${socketPath}`, `--control-socket=${controlPath}`, ...sockets];
    const line = parseCommandLine([...own, '--log-level=warn', ...options], '');
    if (line.action !== 'run') throw new Error(line.action === 'exit' ? line.message : line.action);
    const { logLevel, logFormat, busyWaitUs } = line.options;
    const log = createLogger(logLevel, logFormat);
    const service = await Service.create(line.options, new HostAccess(), log);
    parts.push(service);
    const onDisconnected = (): void => service.machineLeft();
    const { rate } = service;
    const server = { log, rate, busyWaitUs, onDisconnected };
    parts.push(new BackEndServer(service.device, { path: socketPath }, server));
    const control = new ControlClient(controlPath);
    parts.push(control);
    return { socketPath, inputPaths, control, viewerAddress: service.viewerAddress, close };
  } catch (error) {
    close();
    throw error;
  }
}
