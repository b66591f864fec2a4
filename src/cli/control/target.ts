/** What the control API and the viewer drive: the device, its outputs, its input devices and the firewall. */
import {
  type ControlledInput,
  type ControlTarget,
  type ForwardedWindow,
  type InputKind,
  type InputReadiness,
  PolicyRefused,
} from '../../control/index.js';
import type { InputDevice } from '../../input/index.js';
import type { GpuDevice } from '../../virtio-gpu/index.js';
import type { FirewallPolicy, WaylandFirewall } from '../../wayland/index.js';
import type { InputDevices } from '../input/input-devices.js';
import type { OutputPlace } from '../input/output-input.js';
import { packageVersion } from '../version.js';

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

export class Target implements ControlTarget {
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
    return this.parts.firewall?.windows.all ?? null;
  }

  window(id: number): ForwardedWindow | null {
    return this.parts.firewall?.windows.find(id) ?? null;
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
