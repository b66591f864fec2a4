/** What a context is to the device, whatever its type. */

import type { HostBlobOrigin } from '../resource/host-blob.js';
import { BAD_CONTEXT_TYPE, NO_RENDERER, type Refusal } from '../result.js';

export interface GpuContext {
  readonly id: number;
  /** What the guest calls it: printable ASCII, at most 64 characters. */
  readonly name: string;
  /** Ids of the resources attached to it. */
  readonly attached: Set<number>;
  /** Carries commands out. `payload` is the caller's again after the call. Null, or why it was refused. */
  submit(payload: Uint8Array): Refusal | null;
  /** A fence on the channel ring: `done` signals it. `extraMax` is what `Polls.add` says. */
  poll(done: () => void, extraMax: number): void;
  /** What a blob id stands for; see HostBlobOrigins. */
  takeBlob(blobId: bigint, bytes: number): HostBlobOrigin | Refusal;
  /** The resource is gone. */
  resourceGone(resourceId: number): void;
  /** Guest memory may be written again. */
  resumed(): void;
  /** The context is gone: everything is given back, and no fence is outstanding after that. */
  close(): void;
}

/**
 * A context without a capset. Linux makes one for every open file that gets hold of a buffer; it only ever attaches
 * resources to it.
 */
export class PlainContext implements GpuContext {
  readonly id: number;
  readonly name: string;
  readonly attached = new Set<number>();

  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }

  submit(): Refusal {
    return NO_RENDERER;
  }

  poll(done: () => void): void {
    done();
  }

  takeBlob(): Refusal {
    return BAD_CONTEXT_TYPE;
  }

  resourceGone(resourceId: number): void {
    this.attached.delete(resourceId);
  }

  resumed(): void {}

  close(): void {
    this.attached.clear();
  }
}
