/**
 * An indirect descriptor table in guest memory (virtio 1.3, 2.7.5.3 and 2.8.7). // hot
 *
 * Entries are read in place when the table lies in one window on a word boundary, as all drivers make it;
 * otherwise each is copied out first. Either way each word of an entry is read once.
 */
import type { GuestMemory } from '../memory/guest-memory.js';
import { DESCRIPTOR_BYTES } from './ring-layout.js';

/** Most entries that a 16-bit `next` can name. */
const ENTRIES_MAX = 65536;

export class IndirectTable {
  /** The words of the entry that `locate` found start in here. */
  words: Int32Array;
  entries = 0;
  private memory: GuestMemory | null = null;
  private address = 0;
  private base = -1;
  private direct: Int32Array;
  private readonly copy = new Int32Array(DESCRIPTOR_BYTES / 4);
  private readonly copyBytes = new Uint8Array(this.copy.buffer);

  constructor() {
    this.words = this.copy;
    this.direct = this.copy;
  }

  /** Takes up a table. Returns what is wrong with it, or null. */
  open(memory: GuestMemory, low: number, high: number, lengthWord: number): string | null {
    const address = (low >>> 0) + (high >>> 0) * 0x1_0000_0000;
    const length = lengthWord >>> 0;
    if (length === 0 || length % DESCRIPTOR_BYTES !== 0)
      return 'indirect table: its length is not a multiple of 16';
    const entries = length / DESCRIPTOR_BYTES;
    if (entries > ENTRIES_MAX) return 'indirect table: it has more than 65536 entries';
    const window = memory.windowOf(address);
    if (window < 0) return 'indirect table: it lies outside guest memory';
    this.memory = memory;
    this.address = address;
    this.entries = entries;
    const at = address - (memory.starts[window] as number);
    if ((at & 3) === 0 && address + length <= (memory.ends[window] as number)) {
      this.direct = memory.wordsOf(window);
      this.base = at >>> 2;
    } else {
      this.base = -1;
    }
    return null;
  }

  /** Where entry `index` starts in `words`; -1 when it is not in guest memory. */
  locate(index: number): number {
    if (this.base >= 0) {
      this.words = this.direct;
      return this.base + index * 4;
    }
    this.words = this.copy;
    return this.memory?.copyOut(this.address + index * DESCRIPTOR_BYTES, this.copyBytes) ? 0 : -1;
  }
}
