/** The capability set of the cross-domain context type. */
import { type Infer, struct, u32 } from 'vhost-user-ts';
import type { ChannelFactory } from './channel.js';

/** VIRTIO_GPU_CAPSET_CROSS_DOMAIN. */
export const CAPSET_CROSS_DOMAIN = 5;
/** What GET_CAPSET_INFO says: guests ask for version 0, whatever `version` below is. */
export const CAPSET_MAX_VERSION = 0;

export const CrossDomainCapset = struct('cross_domain_capabilities', {
  version: u32,
  /** Bit n is set when channels of type n can be opened. */
  supportedChannels: u32,
  supportsDmabuf: u32,
  supportsExternalGpuMemory: u32,
});
export type CrossDomainCapset = Infer<typeof CrossDomainCapset>;

/** The set's bytes for what `channels` can open now. Images come from memory, not from a GPU: no dma-bufs. */
export function crossDomainCapset(channels: ChannelFactory): Uint8Array {
  const mask = channels.types
    .filter((type) => type > 0 && type < 32)
    .reduce((bits, type) => bits | (1 << type), 0);
  return CrossDomainCapset.encode({
    version: 1,
    supportedChannels: mask >>> 0,
    supportsDmabuf: 0,
    supportsExternalGpuMemory: 0,
  });
}
