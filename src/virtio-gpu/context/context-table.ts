/** The contexts of one VM (virtio 1.3, 5.7.6.9). */
import type { DeviceMemory } from 'vhost-user-ts';
import type { HostBlobOrigin, HostBlobOrigins } from '../resource/host-blob.js';
import type { MapMemory } from '../resource/pixel-memory.js';
import {
  BAD_CONTEXT_TYPE,
  CONTEXT_ID_TAKEN,
  NO_SUCH_CONTEXT,
  NO_SUCH_RESOURCE,
  type Refusal,
  TOO_MANY_ATTACHMENTS,
  TOO_MANY_CONTEXTS,
} from '../result.js';
import { CAPSET_CROSS_DOMAIN } from './capset.js';
import type { ChannelFactory } from './channel.js';
import { ContextAccount } from './context-account.js';
import type { ContextLimits } from './context-limits.js';
import type { ContextResources } from './context-resources.js';
import { CrossDomainContext, type CrossDomainParts } from './cross-domain/cross-domain-context.js';
import { Staging } from './cross-domain/staging.js';
import { type GpuContext, PlainContext } from './gpu-context.js';

/** What the table is made from. */
export interface ContextTableParts {
  readonly limits: ContextLimits;
  /** Null when contexts are not offered. */
  readonly channels: ChannelFactory | null;
  readonly resources: ContextResources;
  readonly memory: DeviceMemory;
  readonly mapMemory: MapMemory;
  /** Takes note that a context's connection was ended, and why. */
  readonly noteEnd: (name: string, reason: string) => void;
}

/** What contexts hold; for metrics. */
export interface ContextStatus {
  readonly contexts: number;
  readonly attachments: number;
  readonly imageTemplates: number;
  readonly fileBytes: number;
  readonly readPipes: number;
  readonly writeQueueBytes: number;
}

export const NO_CONTEXTS: ContextStatus = {
  contexts: 0,
  attachments: 0,
  imageTemplates: 0,
  fileBytes: 0,
  readPipes: 0,
  writeQueueBytes: 0,
};

/** The control queue's descriptors are shared: contexts may take this part of them for their first POLL, and again for
 * all others. */
const QUEUE_SHARE = 4;

export class ContextTable implements HostBlobOrigins {
  readonly #parts: ContextTableParts;
  readonly #account: ContextAccount;
  readonly #contexts = new Map<number, GpuContext>();
  /** What all contexts look at. */
  readonly #running = { now: true };
  #plainCount = 0;
  /** Made with the first cross-domain context. */
  #staging: Staging | null = null;

  constructor(parts: ContextTableParts) {
    this.#parts = parts;
    this.#account = new ContextAccount(parts.limits);
  }

  get status(): ContextStatus {
    const { attachments, imageTemplates, fileBytes, readPipes, writeQueueBytes } = this.#account;
    return {
      contexts: this.#contexts.size,
      attachments: attachments.used,
      imageTemplates: imageTemplates.used,
      fileBytes: fileBytes.used,
      readPipes: readPipes.used,
      writeQueueBytes: writeQueueBytes.used,
    };
  }

  /** The machine is paused, or about to be reset: no guest memory is written until `resume`. */
  suspend(): void {
    this.#running.now = false;
  }

  resume(): void {
    if (this.#running.now) return;
    this.#running.now = true;
    for (const context of this.#contexts.values()) context.resumed();
  }

  find(id: number): GpuContext | undefined {
    return this.#contexts.get(id);
  }

  /** Makes a context for a capset; 0 = without one. Null, or why it was refused. */
  create(id: number, capsetId: number, name: string, queueSize: number): Refusal | null {
    if (id === 0 || this.#contexts.has(id)) return CONTEXT_ID_TAKEN;
    const { limits, channels } = this.#parts;
    if (capsetId === 0) {
      if (this.#plainCount >= limits.maxPlainContexts) return TOO_MANY_CONTEXTS;
      this.#plainCount += 1;
      this.#contexts.set(id, new PlainContext(id, name));
      return null;
    }
    if (capsetId !== CAPSET_CROSS_DOMAIN || channels === null) return BAD_CONTEXT_TYPE;
    const most = Math.min(limits.maxContexts, Math.floor(queueSize / QUEUE_SHARE));
    if (this.#contexts.size - this.#plainCount >= most) return TOO_MANY_CONTEXTS;
    this.#contexts.set(id, new CrossDomainContext(id, name, this.#crossDomainParts(channels)));
    return null;
  }

  #crossDomainParts(channels: ChannelFactory): CrossDomainParts {
    const { resources, memory, noteEnd, mapMemory } = this.#parts;
    this.#staging ??= new Staging(mapMemory);
    return {
      account: this.#account,
      staging: this.#staging,
      resources,
      memory,
      channels,
      noteEnd,
      running: this.#running,
    };
  }

  /** Null, or why it was refused. */
  destroy(id: number): Refusal | null {
    const context = this.#contexts.get(id);
    if (context === undefined) return NO_SUCH_CONTEXT;
    this.#contexts.delete(id);
    if (context instanceof PlainContext) this.#plainCount -= 1;
    this.#account.attachments.give(context.attached.size);
    context.close();
    return null;
  }

  /** Lets the context use the resource. Null, or why it was refused. */
  attach(id: number, resourceId: number): Refusal | null {
    const context = this.#contexts.get(id);
    if (context === undefined) return NO_SUCH_CONTEXT;
    if (!this.#parts.resources.exists(resourceId)) return NO_SUCH_RESOURCE;
    if (context.attached.has(resourceId)) return null;
    if (!this.#account.attachments.take(1)) return TOO_MANY_ATTACHMENTS;
    context.attached.add(resourceId);
    return null;
  }

  /** Drivers detach what could not be attached, too: that is no mistake. */
  detach(id: number, resourceId: number): Refusal | null {
    const context = this.#contexts.get(id);
    if (context === undefined) return NO_SUCH_CONTEXT;
    if (context.attached.delete(resourceId)) this.#account.attachments.give(1);
    return null;
  }

  isAttached(id: number, resourceId: number): boolean {
    return this.#contexts.get(id)?.attached.has(resourceId) ?? false;
  }

  /** The resource is gone. */
  forget(resource: { readonly id: number }): void {
    for (const context of this.#contexts.values()) {
      if (context.attached.has(resource.id)) this.#account.attachments.give(1);
      context.resourceGone(resource.id);
    }
  }

  take(contextId: number, blobId: bigint, bytes: number): HostBlobOrigin | Refusal {
    return this.#contexts.get(contextId)?.takeBlob(blobId, bytes) ?? NO_SUCH_CONTEXT;
  }

  /** POLLs that may be outstanding besides the first of each context, with a queue of this size. */
  static extraPolls(queueSize: number): number {
    return Math.floor(queueSize / QUEUE_SHARE);
  }

  /** Destroys everything. */
  clear(): void {
    for (const id of [...this.#contexts.keys()]) this.destroy(id);
    for (const pipe of [...this.#account.draining]) pipe.close();
    this.#staging?.close();
    this.#staging = null;
  }
}
