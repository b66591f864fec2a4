/** What the contexts of one VM may take from the host. */

export interface ContextLimits {
  /**
   * Cross-domain contexts, each of which is one client's connection. An idle one keeps a chain of the control queue for
   * its outstanding POLL, so there are never more than a quarter of the queue has descriptors, whatever this says.
   */
  readonly maxContexts: number;
  /** Contexts without a capset: the kernel makes one for each open device file that holds a buffer. */
  readonly maxPlainContexts: number;
  /** Resources attached to contexts, all contexts together. */
  readonly maxAttachments: number;
  /** Outstanding POLLs of one context; one is the rule. More end its connection. */
  readonly maxPollsPerContext: number;
  /** Outstanding POLLs of all contexts, without the first of each; and no more than a quarter of the queue. */
  readonly maxExtraPolls: number;
  /** Kinds of images that clients asked the requirements of, all contexts together. They are never forgotten. */
  readonly maxImageTemplates: number;
  /** Bytes of one image. */
  readonly maxImageBytes: number;
  /** Things that the host sent to one context and that the guest has not taken or closed yet. */
  readonly maxItemsPerContext: number;
  /** Bytes of received files that the guest has not taken yet, all contexts together. */
  readonly maxFileBytes: number;
  /** Pipes that the guest reads, one context, and all together. */
  readonly maxReadPipesPerContext: number;
  readonly maxReadPipes: number;
  /** Pipes that the guest has closed and that the host has not read to the end. */
  readonly maxDrainingPipes: number;
  /** Bytes that the guest wrote to one of the host's pipes, and to all of them, and that nobody has read yet. */
  readonly maxWriteQueueBytes: number;
  readonly maxWriteQueueBytesTotal: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_CONTEXT_LIMITS: ContextLimits = {
  maxContexts: 64,
  maxPlainContexts: 1024,
  maxAttachments: 65536,
  maxPollsPerContext: 16,
  maxExtraPolls: 64,
  maxImageTemplates: 131072,
  maxImageBytes: 1024 * MIB,
  maxItemsPerContext: 256,
  maxFileBytes: 32 * MIB,
  maxReadPipesPerContext: 64,
  maxReadPipes: 256,
  maxDrainingPipes: 64,
  maxWriteQueueBytes: 16 * MIB,
  maxWriteQueueBytesTotal: 64 * MIB,
};

/** Fills in what is missing. RangeError for a limit that can't be. */
export function checkedContextLimits(limits: Partial<ContextLimits>): ContextLimits {
  const all = { ...DEFAULT_CONTEXT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(all)) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw new RangeError(`limit ${name}: ${value}`);
  }
  return all;
}
