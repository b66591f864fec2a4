/**
 * The front-end's messages as calls: one method per message, encoding and checking payloads, without any idea of
 * the order they belong in (`FrontEndClient` has that). All reject with a VhostUserError.
 */
import { dupFd, socketPair, type UnixSocket } from 'vhost-user-native';
import type { RegionDescription } from '../memory/region.js';
import { CONFIG_BYTES_MAX } from '../wire/limits.js';
import {
  ConfigHeader,
  INFLIGHT_PADDED_BYTES,
  Inflight,
  LogDescription,
  MemoryRegion,
  MemoryTableHeader,
  SharedMemoryConfig,
  SingleMemoryRegion,
  U64,
  VRING_NO_FD,
  type VringAddresses,
  VringAddresses as VringAddressesLayout,
  VringState,
} from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import { viewOf } from '../wire/struct.js';
import { DirtyLogReader, InflightArea } from './front-end-areas.js';
import { badReply, closeAll, type FrontEndChannel, refused, u64Of } from './front-end-channel.js';

type FdMessage =
  | typeof FrontEndRequest.SET_VRING_KICK
  | typeof FrontEndRequest.SET_VRING_CALL
  | typeof FrontEndRequest.SET_VRING_ERR;

export class FrontEndRequests {
  protected readonly channel: FrontEndChannel;

  constructor(channel: FrontEndChannel) {
    this.channel = channel;
  }

  /** Requests whose reply is one u64: GET_FEATURES, GET_STATUS and so on. */
  async getU64(request: number): Promise<bigint> {
    return u64Of(request, (await this.channel.query(request)).payload);
  }

  /** Commands whose payload is one u64: SET_FEATURES, SET_STATUS and so on. */
  setU64(request: number, value: bigint, fds: readonly number[] = []): Promise<void> {
    return this.channel.command(request, U64.encode({ value }), fds);
  }

  /** Commands without a payload: SET_OWNER, RESET_DEVICE and so on. */
  plain(request: number): Promise<void> {
    return this.channel.command(request);
  }

  /** SET_MEM_TABLE; the descriptors belong to the regions, in order. */
  setMemTable(regions: readonly RegionDescription[], fds: readonly number[]): Promise<void> {
    const payload = new Uint8Array(MemoryTableHeader.size + regions.length * MemoryRegion.size);
    const view = viewOf(payload);
    MemoryTableHeader.write(view, 0, { count: regions.length, padding: 0 });
    regions.forEach((region, i) => {
      MemoryRegion.write(view, MemoryTableHeader.size + i * MemoryRegion.size, region);
    });
    return this.channel.command(FrontEndRequest.SET_MEM_TABLE, payload, fds);
  }

  /** ADD_MEM_REG */
  addMemRegion(region: RegionDescription, fd: number): Promise<void> {
    return this.channel.command(
      FrontEndRequest.ADD_MEM_REG,
      SingleMemoryRegion.encode({ padding: 0n, region }),
      [fd],
    );
  }

  /** REM_MEM_REG */
  removeMemRegion(region: RegionDescription): Promise<void> {
    return this.channel.command(
      FrontEndRequest.REM_MEM_REG,
      SingleMemoryRegion.encode({ padding: 0n, region }),
    );
  }

  /** SET_VRING_NUM, SET_VRING_BASE and SET_VRING_ENABLE. */
  setVring(request: number, index: number, num: number): Promise<void> {
    return this.channel.command(request, VringState.encode({ index, num }));
  }

  /** SET_VRING_ADDR */
  setVringAddress(addresses: VringAddresses): Promise<void> {
    return this.channel.command(FrontEndRequest.SET_VRING_ADDR, VringAddressesLayout.encode(addresses));
  }

  /** GET_VRING_BASE: stops the ring and tells where it stood. */
  async getVringBase(index: number): Promise<number> {
    const request = FrontEndRequest.GET_VRING_BASE;
    const { payload } = await this.channel.query(request, VringState.encode({ index, num: 0 }));
    if (payload.length !== VringState.size) badReply(request, `${payload.length} bytes`);
    const state = VringState.read(viewOf(payload));
    if (state.index !== index) badReply(request, `ring ${state.index} instead of ${index}`);
    return state.num;
  }

  /** SET_VRING_KICK, _CALL or _ERR; null says that there is no descriptor. */
  setVringFd(request: FdMessage, index: number, fd: number | null): Promise<void> {
    const value = BigInt(fd === null ? index | VRING_NO_FD : index);
    return this.setU64(request, value, fd === null ? [] : [fd]);
  }

  /** GET_CONFIG: 1 to 256 bytes. */
  async getConfig(offset: number, size: number): Promise<Uint8Array> {
    const request = FrontEndRequest.GET_CONFIG;
    checkConfigSize(size);
    const payload = new Uint8Array(ConfigHeader.size + size);
    ConfigHeader.write(viewOf(payload), 0, { offset, size, flags: 0 });
    const reply = (await this.channel.query(request, payload)).payload;
    if (reply.length < ConfigHeader.size) refused(request, `bytes ${offset} to ${offset + size}`);
    const header = ConfigHeader.read(viewOf(reply));
    if (header.offset !== offset || header.size !== size || reply.length !== payload.length) {
      badReply(request, `${header.size} bytes at ${header.offset} in ${reply.length}`);
    }
    return reply.subarray(ConfigHeader.size);
  }

  /** SET_CONFIG: 1 to 256 bytes. Flags: 0 the driver wrote it, 1 live migration. */
  setConfig(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    checkConfigSize(data.length);
    const payload = new Uint8Array(ConfigHeader.size + data.length);
    ConfigHeader.write(viewOf(payload), 0, { offset, size: data.length, flags });
    payload.set(data, ConfigHeader.size);
    return this.channel.command(FrontEndRequest.SET_CONFIG, payload);
  }

  /** GPU_SET_SOCKET. Resolves with our end of the display socket. */
  setGpuSocket(): Promise<UnixSocket> {
    return this.passSocket(FrontEndRequest.GPU_SET_SOCKET);
  }

  /** SET_BACKEND_REQ_FD. Resolves with our end of the back-end channel. */
  setBackEndSocket(): Promise<UnixSocket> {
    return this.passSocket(FrontEndRequest.SET_BACKEND_REQ_FD);
  }

  /** SET_LOG_BASE with a new log for guest addresses below `guestAddressEnd`; the caller closes it. */
  async setLogBase(guestAddressEnd: number): Promise<DirtyLogReader> {
    const request = FrontEndRequest.SET_LOG_BASE;
    const log = new DirtyLogReader(guestAddressEnd);
    try {
      const payload = LogDescription.encode({ size: log.length, offset: 0 });
      const reply = await this.channel.query(request, payload, { fds: [log.fd] });
      // The specification wants a u64; libvhost-user sends its own header back with no payload at all.
      if (reply.payload.length > 0 && u64Of(request, reply.payload) !== 0n) refused(request, 'not 0');
      return log;
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** GET_INFLIGHT_FD; the caller closes the area. */
  async getInflight(queueCount: number, queueSize: number): Promise<InflightArea> {
    const request = FrontEndRequest.GET_INFLIGHT_FD;
    const wish = inflightPayload({ mmapSize: 0, mmapOffset: 0, queueCount, queueSize });
    const { payload, fds } = await this.channel.query(request, wish, { replyFds: 1 });
    const [fd] = fds;
    if (payload.length < Inflight.size || fd === undefined) {
      closeAll(fds);
      return refused(request, `${payload.length} bytes and ${fds.length} descriptors came back`);
    }
    const { mmapSize, mmapOffset } = Inflight.read(viewOf(payload));
    return new InflightArea(fd, mmapSize, mmapOffset, queueCount, queueSize);
  }

  /** SET_INFLIGHT_FD */
  setInflight(area: InflightArea): Promise<void> {
    return this.channel.command(FrontEndRequest.SET_INFLIGHT_FD, inflightPayload(area), [area.fd]);
  }

  /** GET_SHMEM_CONFIG: bytes of each shared memory region, by shmid (0 = there is none). */
  async getSharedMemory(): Promise<number[]> {
    const request = FrontEndRequest.GET_SHMEM_CONFIG;
    const { payload } = await this.channel.query(request);
    if (payload.length !== SharedMemoryConfig.size) badReply(request, `${payload.length} bytes`);
    const { count, sizes } = SharedMemoryConfig.read(viewOf(payload));
    const present = sizes.filter((size) => size > 0).length;
    if (present !== count) badReply(request, `it says ${count} regions and has ${present}`);
    return sizes;
  }

  private async passSocket(request: number): Promise<UnixSocket> {
    const [ours, theirs] = socketPair();
    // What is sent late (a full socket) must still be open then, and only an acknowledgement tells.
    const fd = dupFd(theirs.fd);
    theirs.close();
    try {
      await this.channel.give(request, fd);
      return ours;
    } catch (error) {
      ours.close();
      throw error;
    }
  }
}

function inflightPayload(value: Inflight): Uint8Array {
  const payload = new Uint8Array(INFLIGHT_PADDED_BYTES);
  const { mmapSize, mmapOffset, queueCount, queueSize } = value;
  Inflight.write(viewOf(payload), 0, { mmapSize, mmapOffset, queueCount, queueSize });
  return payload;
}

function checkConfigSize(size: number): void {
  if (!(size >= 1 && size <= CONFIG_BYTES_MAX)) throw new RangeError(`config size ${size} is not 1..256`);
}
