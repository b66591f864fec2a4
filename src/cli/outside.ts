/**
 * What looks at the device from outside and drives it: the control API and the viewer, with one screen for both. Loaded where
 * they are asked for.
 */
import type { Logger } from 'vhost-user-ts';
import type { Screen } from '../control/index.js';
import type { DisplaySink } from '../virtio-gpu/index.js';
import type { ControlPart } from './control/control-part.js';
import type { ControlledParts } from './control/target.js';
import type { RunOptions } from './options.js';
import type { HostAccess } from './sandbox/host-access.js';
import type { ViewerPart } from './viewer/viewer-part.js';

type Asked = Pick<RunOptions, 'controlPath' | 'viewer' | 'forward' | 'window'>;

async function loadControl(path: string, screen: Screen, log: Logger): Promise<ControlPart> {
  const { ControlPart } = await import('./control/control-part.js');
  return new ControlPart({ path, screen, log });
}

async function openViewer(
  viewer: NonNullable<Asked['viewer']>,
  name: string,
  screen: Screen,
  log: Logger,
): Promise<ViewerPart> {
  const { ViewerPart } = await import('./viewer/viewer-part.js');
  return ViewerPart.listen({ ...viewer, name, screen, log });
}

export class Outside {
  private readonly screen: Screen;
  private readonly control: ControlPart | null;
  private readonly viewer: ViewerPart | null;

  /** Resolves with null where nothing is asked for; rejects with what is wrong. */
  static async open(asked: Asked, host: HostAccess, log: Logger): Promise<Outside | null> {
    const { controlPath, viewer, forward, window } = asked;
    if (controlPath === null && viewer === null) return null;
    const { Screen } = await import('../control/index.js');
    const screen = new Screen();
    const control = controlPath === null ? null : await loadControl(controlPath, screen, log);
    if (controlPath !== null) host.removeAtEnd(controlPath);
    if (viewer?.address.kind === 'unix') host.removeAtEnd(viewer.address.path);
    const name = window?.title ?? forward?.label ?? 'Virtual machine';
    // The last of all: it listens, and nobody is to come before there is something to see.
    const viewing = viewer === null ? null : await openViewer(viewer, name, screen, log);
    return new Outside(screen, control, viewing);
  }

  private constructor(screen: Screen, control: ControlPart | null, viewer: ViewerPart | null) {
    this.screen = screen;
    this.control = control;
    this.viewer = viewer;
  }

  /** To be shown what the device shows. */
  get sink(): DisplaySink {
    return this.screen.sink;
  }

  /** Counters for the service's status. */
  get viewerStatus(): Readonly<Record<string, unknown>> | null {
    return this.viewer === null ? null : { ...this.viewer.status };
  }

  /** Without the token; null where there is no viewer. */
  get viewerAddress(): string | null {
    return this.viewer?.address ?? null;
  }

  /** Serves from now on. Throws the system's error when it can't. */
  serve(parts: ControlledParts): void {
    this.control?.serve(parts);
    this.viewer?.serve(parts);
  }

  /** The machine left. */
  machineLeft(): void {
    this.viewer?.refresh();
  }

  /** Idempotent. */
  close(): void {
    this.viewer?.close();
    this.control?.close();
  }
}
