/** Where the guest's questions about its outputs are answered. */
import type { DisplayModes } from '../display/display-answers.js';

export interface DisplayInfoSource {
  /** Scanout ids below this one exist (1..16). */
  readonly scanoutCount: number;
  /** Answers exactly once, at once or later. */
  modes(answer: (modes: DisplayModes) => void): void;
  /** The same with the EDID of an existing scanout, 128 to 1024 bytes. */
  edid(scanoutId: number, answer: (edid: Uint8Array) => void): void;
  /** What there is to say without asking anybody. */
  ownModes(): DisplayModes;
  ownEdid(scanoutId: number): Uint8Array;
}
