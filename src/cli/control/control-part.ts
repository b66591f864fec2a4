/**
 * The control API's place in the object graph: what it drives is the device, its outputs, its input devices and the
 * firewall. Loaded only where it is asked for.
 */
import type { Logger } from 'vhost-user-ts';
import {
  type ControlledInput,
  ControlServer,
  type ControlTarget,
  type ForwardedWindow,
  type InputKind,
  type InputReadiness,
  PolicyRefused,
  Screen,
} from '../../control/index.js';
import type { InputDevice } from '../../input/index.js';
import type { DisplaySink, GpuDevice } from '../../virtio-gpu/index.js';
import type { FirewallPolicy, WaylandFirewall } from '../../wayland/index.js';
import type { InputDevices } from '../input/input-devices.js';
import type { OutputPlace } from '../input/output-input.js';
import { packageVersion } from '../version.js';

export interface ControlPartOptions {
  /** Of the socket. */
  readonly path: string;
  readonly log: Logger;
}

/** What there is to drive. */
export interface ControlledParts {
  readonly device: GpuDevice;
  readonly outputCount: number;
  readonly inputs: InputDevices;
  placeOf(output: number): OutputPlace;
  status(): Readonly<Record<string, unknown>>;
  /** Null when nothing is forwarded. */
  readonly firewall: WaylandFirewall | null;
  /** Reads a policy, with what the command line said of it; throws an error that says what is wrong. */
  readPolicy(document: unknown): FirewallPolicy;
}

function readinessOf(device: InputDevice | null): InputReadiness | null {
  if (device === null) return null;
  const { live, waitingTransitions } = device.status;
  return { live, waitingTransitions };
}

class Target implements ControlTarget {
  readonly version = packageVersion();
  readonly outputCount: number;
  private readonly parts: ControlledParts;

  constructor(parts: ControlledParts) {
    this.parts = parts;
    this.outputCount = parts.outputCount;
  }

  get machine(): boolean {
    return this.parts.device.status.attached;
  }

  get qemuDecides(): boolean {
    return this.parts.device.qemuDecides;
  }

  get outputModes(): ControlTarget['outputModes'] {
    return this.parts.device.outputModes;
  }

  setOutput(...change: Parameters<GpuDevice['setOutput']>): Promise<boolean> {
    return this.parts.device.setOutput(...change);
  }

  input(output: number): ControlledInput {
    const { inputs, placeOf } = this.parts;
    return inputs.forOutput(output, () => placeOf(output), 'absolute');
  }

  readiness(kind: InputKind, output: number): InputReadiness | null {
    const { keyboard, tablets, mouse, touchscreen } = this.parts.inputs;
    const tablet = tablets[output] ?? tablets[0] ?? null;
    return readinessOf({ keyboard, tablet, mouse, touchscreen }[kind]);
  }

  status(): Readonly<Record<string, unknown>> {
    return this.parts.status();
  }

  windows(): readonly ForwardedWindow[] | null {
    return this.parts.firewall?.windows ?? null;
  }

  setPolicy(document: unknown): void {
    const { firewall, readPolicy } = this.parts;
    if (firewall === null) throw new PolicyRefused('no applications are forwarded: start with --wayland');
    try {
      firewall.setPolicy(readPolicy(document));
    } catch (error) {
      throw new PolicyRefused((error as Error).message);
    }
  }
}

export class ControlPart {
  private readonly options: ControlPartOptions;
  private readonly screen = new Screen();
  private server: ControlServer | null = null;

  constructor(options: ControlPartOptions) {
    this.options = options;
  }

  /** To be shown what the device shows. */
  get sink(): DisplaySink {
    return this.screen.sink;
  }

  /** Listens from now on. Throws the system's error when it can't. */
  serve(parts: ControlledParts): void {
    const { path, log } = this.options;
    this.server = new ControlServer({ path, target: new Target(parts), screen: this.screen, log });
  }

  /** Idempotent. */
  close(): void {
    this.server?.close();
    this.server = null;
  }
}
