/** Where messages for the guest are put together before they go to a ring: one page, shared by a VM's contexts. */
import type { Mapping } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import type { MapMemory } from '../../resource/pixel-memory.js';
import { RING_BYTES } from './wire.js';

export class Staging {
  readonly mapping: Mapping;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /** Throws with code 'ENOMEM' when there is no memory. */
  constructor(mapMemory: MapMemory) {
    this.mapping = mapMemory(RING_BYTES);
    this.bytes = new Uint8Array(this.mapping.window(0, RING_BYTES));
    this.view = viewOf(this.bytes);
  }

  close(): void {
    this.mapping.close();
  }
}
