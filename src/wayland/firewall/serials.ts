/** Serials of input events that this guest got. A request that needs one may name no other. */
import type { WireValue } from '../wire/decode.js';
import type { InterfaceTable, MessageTable } from '../wire/table.js';

/** So many are remembered: an application that answers to older input is not answering to it. */
const SERIALS_MAX = 4096;

const INPUT: ReadonlySet<string> = new Set([
  'wl_pointer',
  'wl_keyboard',
  'wl_touch',
  'wl_data_device',
  'zwp_tablet_tool_v2',
  'zwp_tablet_pad_v2',
  'zwp_tablet_pad_group_v2',
]);

export class Serials {
  private readonly seen = new Set<number>();

  record(table: InterfaceTable, message: MessageTable, values: readonly WireValue[]): void {
    if (!INPUT.has(table.name)) return;
    const index = message.args.findIndex(({ name }) => name === 'serial');
    if (index < 0) return;
    const serial = Number(values[index]);
    this.seen.delete(serial);
    this.seen.add(serial);
    if (this.seen.size <= SERIALS_MAX) return;
    for (const oldest of this.seen) {
      this.seen.delete(oldest);
      break;
    }
  }

  has(serial: number): boolean {
    return this.seen.has(serial);
  }
}
