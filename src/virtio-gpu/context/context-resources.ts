/** What contexts need of the VM's resources. Declared here, by the side that uses it. */
import type { GuestRanges } from 'vhost-user-ts';
import type { AttachedBlob } from './channel.js';

export interface ContextResources {
  exists(resourceId: number): boolean;
  /**
   * The guest memory behind the first `bytes` of a blob in guest memory; null for any other resource, and for one that
   * is smaller or has no backing.
   */
  guestPages(resourceId: number, bytes: number): GuestRanges | null;
  /** The resource for a channel; null when it is not a blob. */
  attachedBlob(resourceId: number): AttachedBlob | null;
}
