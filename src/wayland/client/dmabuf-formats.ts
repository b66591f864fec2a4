/**
 * Which dma-bufs a compositor takes (linux-dmabuf-v1): from version 4 on as feedback (a table of formats in a file,
 * and tranches that point into it), in version 3 as one event for each format with a modifier, before that as one for
 * each format, the layout being left to the driver.
 */
import { readSync } from 'node:fs';
import { closeFd, fileSize } from 'vhost-user-native';
import type { ZwpLinuxDmabufFeedbackV1, ZwpLinuxDmabufV1 } from '../protocol/generated/linux-dmabuf-v1.js';

/** Rows of pixels one after the other, as guests and CPUs write them. */
export const DRM_FORMAT_MOD_LINEAR = 0n;
/** No modifier: what the driver makes of it. */
export const DRM_FORMAT_MOD_INVALID = 0x00ff_ffff_ffff_ffffn;

/** Formats (DRM's fourcc codes) with the modifiers of each. */
export type FormatSet = ReadonlyMap<number, ReadonlySet<bigint>>;

export interface DmabufFormats {
  readonly formats: FormatSet;
  /** The device (dev_t) that the compositor draws with; null when it does not say. */
  readonly mainDevice: bigint | null;
}

/** u32 format, u32 padding, u64 modifier. */
const ENTRY_BYTES = 16;
/** Tranches have 16-bit indices. */
const TABLE_BYTES_MAX = ENTRY_BYTES * 65_536;
/** Formats that are kept from events; no compositor has a tenth of it. */
const PAIRS_MAX = 65_536;

/** Collects pairs, a bounded number of them. */
class Collector {
  readonly formats = new Map<number, Set<bigint>>();
  private pairs = 0;

  add(format: number, modifier: bigint): void {
    if (this.pairs >= PAIRS_MAX) return;
    let modifiers = this.formats.get(format);
    if (modifiers === undefined) {
      modifiers = new Set();
      this.formats.set(format, modifiers);
    }
    if (modifiers.has(modifier)) return;
    modifiers.add(modifier);
    this.pairs++;
  }
}

/**
 * Listens for what the compositor takes, and calls back whenever it is known, or is different. Returns how to end that.
 * Versions 1 to 3 have no event for "that was all", so `caughtUp` has to be called after a round trip.
 */
export function watchFormats(
  dmabuf: ZwpLinuxDmabufV1,
  changed: (known: DmabufFormats) => void,
): { caughtUp(): void; close(): void } {
  if (dmabuf.version >= 4) {
    const feedback = dmabuf.getDefaultFeedback();
    readFeedback(feedback, changed);
    return {
      caughtUp: () => undefined,
      close: () => {
        if (feedback.alive) feedback.destroy();
      },
    };
  }
  const collected = new Collector();
  if (dmabuf.version === 3) {
    dmabuf.listen({
      modifier: (format, high, low) => collected.add(format, (BigInt(high) << 32n) | BigInt(low)),
    });
  } else {
    dmabuf.listen({ format: (format) => collected.add(format, DRM_FORMAT_MOD_INVALID) });
  }
  return {
    caughtUp: () => changed({ formats: collected.formats, mainDevice: null }),
    close: () => dmabuf.listen({}),
  };
}

/**
 * One feedback object. The compositor may send all of it again at any time (another GPU); what it leaves out then
 * is as before. What it gets wrong (indices beyond the table, a table that can't be read) counts as no format.
 */
function readFeedback(feedback: ZwpLinuxDmabufFeedbackV1, changed: (known: DmabufFormats) => void): void {
  let table = new DataView(new ArrayBuffer(0));
  let mainDevice: bigint | null = null;
  let collected = new Collector();
  feedback.listen({
    formatTable: (fd, size) => {
      table = readTable(fd, size);
    },
    mainDevice: (device) => {
      mainDevice = deviceOf(device);
    },
    // Devices and flags of a tranche say where a buffer should come from to be shown best. Guest memory comes from
    // where it is, and a compositor takes every pair of every tranche.
    trancheFormats: (indices) => addTranche(collected, table, indices),
    done: () => {
      const { formats } = collected;
      collected = new Collector();
      changed({ formats, mainDevice });
    },
  });
}

/** Reads the table, whose descriptor is ours now. (Not through a mapping: nothing says that the file can't shrink.) */
function readTable(fd: number, size: number): DataView<ArrayBuffer> {
  try {
    const wanted = Math.min(size, fileSize(fd), TABLE_BYTES_MAX);
    const bytes = new Uint8Array(wanted);
    const got = wanted > 0 ? readSync(fd, bytes, 0, wanted, 0) : 0;
    return new DataView(bytes.buffer, 0, got);
  } catch {
    return new DataView(new ArrayBuffer(0));
  } finally {
    closeFd(fd);
  }
}

function addTranche(collected: Collector, table: DataView, indices: Uint8Array): void {
  const list = new DataView(indices.buffer, indices.byteOffset, indices.byteLength);
  for (let at = 0; at + 2 <= list.byteLength; at += 2) {
    const entry = list.getUint16(at, true) * ENTRY_BYTES;
    if (entry + ENTRY_BYTES > table.byteLength) continue;
    collected.add(table.getUint32(entry, true), table.getBigUint64(entry + 8, true));
  }
}

function deviceOf(bytes: Uint8Array): bigint | null {
  if (bytes.byteLength !== 8) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}
