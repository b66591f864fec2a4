/** What QEMU's `query-pci` tells of a machine's PCI devices (qapi/pci.json), as far as it matters here. */

interface PciDevice {
  /** As given by `id=`. */
  readonly qdev_id: string;
  readonly regions: readonly { readonly address: number }[];
  readonly pci_bridge?: PciBus;
}

/** A bus, or a bridge with what is behind it. */
export interface PciBus {
  readonly devices?: readonly PciDevice[];
}

/** Whether the guest uses the device: it has given its registers a place. (Elsewhere they are at -1.) */
export function isInUse(buses: readonly PciBus[], id: string): boolean {
  return buses
    .flatMap(({ devices = [] }) => devices)
    .some(({ qdev_id, regions, pci_bridge }) => {
      if (qdev_id === id) return regions.some(({ address }) => address > 0 && address < 2 ** 63);
      return pci_bridge !== undefined && isInUse([pci_bridge], id);
    });
}
