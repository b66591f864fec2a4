/** What the control API drives: declared here, put together by src/cli. */
import type { View } from '../capture/index.js';
import type { DisplayModes, OutputOptions } from '../virtio-gpu/index.js';

/** Where input for one output goes. Coordinates: 0 to 1 of the output. */
export interface ControlledInput {
  key(code: number, pressed: boolean): void;
  button(code: number, pressed: boolean): void;
  moveTo(x: number, y: number): void;
  moveBy(dx: number, dy: number): void;
  scroll(axis: 'vertical' | 'horizontal', v120: number): void;
  touch(slot: number, x: number, y: number): void;
  touchUp(slot: number): void;
  frame(): void;
  releaseAll(): void;
}

export type InputKind = 'keyboard' | 'tablet' | 'mouse' | 'touchscreen';

/** A device as far as its driver is concerned. */
export interface InputReadiness {
  /** The guest's driver takes events. */
  readonly live: boolean;
  /** Presses and releases that it has not taken yet. */
  readonly waitingTransitions: number;
}

/** A window of a forwarded application, as the host sees it. */
export interface ForwardedWindow extends View {
  /** From 1; never another window's. */
  readonly id: number;
  readonly kind: 'window' | 'popup';
  /** The window that a popup belongs to. */
  readonly parent: number | null;
  /** The connection that it belongs to, for people. */
  readonly client: string;
  readonly title: string;
  readonly appId: string;
  /** 0 while it shows nothing. */
  readonly logicalSize: { readonly width: number; readonly height: number };
}

/** What is wrong with a policy, for whoever sent it. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused';
}

export interface ControlTarget {
  readonly version: string;
  /** A front-end is connected. */
  readonly machine: boolean;
  /** QEMU says what outputs there are: ours are not asked. */
  readonly qemuDecides: boolean;
  /** Our outputs, all sixteen. */
  readonly outputModes: DisplayModes;
  /** How many of them there are. */
  readonly outputCount: number;
  /** See GpuDevice.setOutput. */
  setOutput(id: number, changes: Partial<OutputOptions>): Promise<boolean>;
  input(output: number): ControlledInput;
  /** Null when there is no such device. */
  readiness(kind: InputKind, output: number): InputReadiness | null;
  /** Counters of all parts, see Service.status. */
  status(): Readonly<Record<string, unknown>>;
  /** Null when nothing is forwarded. */
  windows(): readonly ForwardedWindow[] | null;
  /** Null when there is none of that number. */
  window(id: number): ForwardedWindow | null;
  /** Throws PolicyRefused. */
  setPolicy(document: unknown): void;
}
