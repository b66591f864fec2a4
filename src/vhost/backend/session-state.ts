/** What a session knows: everything that one front-end set up, and how all of it is given back. */
import type { EventFd } from 'vhost-user-native';
import { RequestChannel } from '../connection/request-channel.js';
import type { FrontEnd, VhostUserDevice } from '../device.js';
import { UNUSABLE_RING, VhostUserError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { DirtyLog } from '../memory/dirty-log.js';
import { GuestMemory } from '../memory/guest-memory.js';
import type { InflightRegion } from '../queue/inflight.js';
import { freshBase, type QueueLayout } from '../queue/ring-layout.js';
import { bits, Feature, hasBit, ProtocolFeature } from '../wire/features.js';
import { VRING_F_LOG } from '../wire/payloads.js';
import { BackEndRequest } from '../wire/requests.js';
import { asDeviceError } from './device-error.js';
import { offeredFeatures, offeredProtocolFeatures } from './offer.js';
import { sharedMemoryPayload } from './shared-memory.js';
import { type MutableLayout, Vring, type VringOwner } from './vring.js';

/** Warnings about one front-end's messages that are logged. */
const WARNINGS_MAX = 32;

const NO_PAYLOAD = new Uint8Array(0);

/** How rings are served; see ServerOptions. */
export interface RingOptions {
  readonly packedRings: boolean;
  readonly busyWaitUs: number;
  readonly chainsPerSecond: number;
  /** A ring waits as its driver was over `chainsPerSecond`. */
  readonly onRest: () => void;
}

export class SessionState implements VringOwner, FrontEnd {
  readonly device: VhostUserDevice;
  readonly log: Logger;
  readonly memory = new GuestMemory();
  readonly busyWaitUs: number;
  readonly chainsPerSecond: number;
  readonly resting: () => void;
  readonly vrings: readonly Vring[];
  readonly offered: bigint;
  readonly offeredProtocol: bigint;
  /** SET_FEATURES and SET_PROTOCOL_FEATURES, masked. */
  features = 0n;
  protocolFeatures = 0n;
  /** SET_FEATURES came at least once. */
  featuresSet = false;
  owned = false;
  /** SET_STATUS. */
  status = 0n;
  inflight: InflightRegion | null = null;
  ending = false;

  private warnings = 0;
  private readonly failed: (error: Error) => void;
  private dirtyLog: DirtyLog | null = null;
  private logEvent: EventFd | null = null;
  private backEndChannel: RequestChannel | null = null;
  /** The driver left: unless the rings go on where they stopped, the device is reset when they start again. */
  private resetPending = false;

  /** `failed` is called once, when the connection has to end; `close` has to follow. */
  constructor(
    device: VhostUserDevice,
    log: Logger,
    { packedRings, busyWaitUs, chainsPerSecond, onRest }: RingOptions,
    failed: (error: Error) => void,
  ) {
    this.device = device;
    this.busyWaitUs = busyWaitUs;
    this.chainsPerSecond = chainsPerSecond;
    this.resting = onRest;
    this.log = log;
    this.failed = failed;
    this.offered = offeredFeatures(device, packedRings);
    this.offeredProtocol = offeredProtocolFeatures(device);
    this.vrings = Array.from({ length: device.queueCount }, (_, index) => new Vring(index, this));
    this.enableRings(true);
  }

  hasFeature(bit: number): boolean {
    return hasBit(this.features, bit);
  }

  hasProtocolFeature(bit: number): boolean {
    return hasBit(this.protocolFeatures, bit);
  }

  get packed(): boolean {
    return this.hasFeature(Feature.RING_PACKED);
  }

  get ringsStarted(): boolean {
    return this.vrings.some((vring) => vring.started);
  }

  /** The ring with this index; VHOST_ERR_BAD_VRING when there is none. */
  vring(index: number): Vring {
    const vring = this.vrings[index];
    if (vring === undefined) {
      throw new VhostUserError('VHOST_ERR_BAD_VRING', `queue ${index} of ${this.vrings.length}`);
    }
    return vring;
  }

  fail(error: Error): void {
    if (this.ending) return;
    this.ending = true;
    this.failed(error);
  }

  /** For what the front-end can cause at will: it can't fill the log. */
  warn(fields: object, message: string): void {
    this.warnings++;
    if (this.warnings > WARNINGS_MAX) return;
    this.log.warn(fields, message);
    if (this.warnings === WARNINGS_MAX) {
      this.log.warn({}, 'further warnings about this front-end are not logged');
    }
  }

  kickedEarly(vring: Vring): void {
    try {
      if (vring.complete) this.startRing(vring);
      else this.warn({ queue: vring.index }, 'kick for a ring that is not set up');
    } catch (error) {
      const reason = asDeviceError(error);
      if (reason.code !== UNUSABLE_RING) this.fail(reason);
      else this.warn({ queue: vring.index, reason: reason.message }, 'ring not started');
    }
  }

  published(): void {
    if (this.memory.dirtyLog !== null) this.logEvent?.signal();
  }

  /** Starts a ring that is complete. Throws VHOST_ERR_UNUSABLE_RING, VHOST_ERR_BAD_INFLIGHT. */
  startRing(vring: Vring): void {
    const addresses = vring.addresses;
    if (addresses === null || vring.started) return;
    const layout: MutableLayout = {
      size: vring.size,
      packed: this.packed,
      eventIdx: this.hasFeature(Feature.RING_EVENT_IDX),
      indirect: this.hasFeature(Feature.RING_INDIRECT_DESC),
      descUser: addresses.descriptor,
      availUser: addresses.available,
      usedUser: addresses.used,
      baseIndex: vring.base,
      logGuestAddress: (addresses.flags & VRING_F_LOG) !== 0 ? addresses.log : null,
      inflight: this.inflight?.queue(vring.index) ?? null,
    };
    if (this.resetPending && this.isOfNewDriver(vring, layout)) this.resetForNewDriver();
    vring.start(layout);
    // All are back, each where it stopped: the machine was only paused.
    if (!this.vrings.some((other) => other.stoppedBase !== null)) this.resetPending = false;
  }

  /** Stops a ring; returns the base for GET_VRING_BASE. */
  stopRing(vring: Vring): number {
    const wasStarted = vring.started;
    const base = vring.stop();
    if (wasStarted && !this.ringsStarted) this.resetPending = true;
    return base;
  }

  /** SET_VRING_ENABLE. */
  enableRing(vring: Vring, enabled: boolean): void {
    if (enabled && !vring.started && vring.complete) this.startRing(vring);
    vring.setEnabled(enabled);
  }

  /** SET_FEATURES without PROTOCOL_FEATURES: rings are enabled from the start. */
  enableRings(enabled: boolean): void {
    for (const vring of this.vrings) if (vring.enabled !== enabled) vring.setEnabled(enabled);
  }

  /**
   * SET_VRING_BASE. A paused machine and a rebooted one stop their rings the same way (GET_VRING_BASE, status
   * 0); what tells them apart is where the rings go on. A ring that starts somewhere else belongs to a new driver:
   * the device is reset before it sees a chain of it.
   */
  setBase(vring: Vring, base: number): void {
    vring.base = base;
    if (this.resetPending && (vring.stoppedBase ?? base) !== base) this.resetForNewDriver();
  }

  /**
   * A used ring that starts at the very beginning: it may have stopped just there. Then nobody has written to it
   * since, while a new driver sets its ring up.
   */
  private isOfNewDriver({ taken, queue }: Vring, layout: QueueLayout): boolean {
    const fresh = layout.baseIndex === freshBase(layout.packed) && taken > 0;
    return fresh && !queue.isAsLeft(this.memory, layout);
  }

  private resetForNewDriver(): void {
    // Rings that were set up before this one are the new driver's: the device must see them start after the reset.
    const running = this.vrings.filter(({ started, enabled }) => started && enabled);
    for (const other of running) other.setEnabled(false);
    this.resetDevice();
    for (const other of running) other.setEnabled(true);
  }

  /** The driver said goodbye (status 0) without telling whether it comes back. */
  expectReset(): void {
    this.resetPending = this.resetPending || this.vrings.some((vring) => vring.taken > 0);
  }

  /** RESET_DEVICE, RESET_OWNER: all rings stop and are as after connecting; the device too, if asked for. */
  resetRings(): void {
    const enabled = !this.hasFeature(Feature.PROTOCOL_FEATURES);
    for (const vring of this.vrings) {
      this.stopRing(vring);
      vring.setEnabled(enabled);
    }
  }

  resetDevice(): void {
    // To stop the rings may have ended the connection (memory that is gone): the device is detached instead.
    if (this.ending) return;
    this.resetPending = false;
    for (const vring of this.vrings) {
      vring.taken = 0;
      vring.stoppedBase = null;
      vring.queue.forget();
    }
    this.log.debug({}, 'device reset');
    this.device.reset?.();
  }

  turn(vring: Vring): void {
    for (const other of this.vrings) if (other !== vring) other.look();
  }

  /** Tells rings and device that the memory table is another one. */
  memoryChanged(): void {
    for (const vring of this.vrings) vring.rebind();
    this.device.memoryChanged?.();
  }

  /** SET_LOG_BASE: takes over the log; the old one is closed. */
  setDirtyLog(log: DirtyLog): void {
    this.memory.setDirtyLog(null);
    this.dirtyLog?.close();
    this.dirtyLog = log;
    this.updateLogging();
  }

  /** SET_LOG_FD: takes over the eventfd. */
  setLogEvent(event: EventFd): void {
    this.logEvent?.close();
    this.logEvent = event;
  }

  /** Logging is on while the front-end has both set a log and accepted VHOST_F_LOG_ALL. */
  updateLogging(): void {
    this.memory.setDirtyLog(this.hasFeature(Feature.LOG_ALL) ? this.dirtyLog : null);
  }

  /** SET_INFLIGHT_FD: takes over the region; the old one is closed. */
  setInflight(region: InflightRegion): void {
    this.inflight?.close();
    this.inflight = region;
  }

  /** SET_BACKEND_REQ_FD: takes over the channel; the old one is closed, and what waits on it is refused. */
  setBackEndChannel(socket: ConstructorParameters<typeof RequestChannel>[0]): void {
    this.backEndChannel?.close();
    this.backEndChannel = new RequestChannel(socket, (error) => {
      this.backEndChannel = null;
      if (error !== null) this.fail(error);
      else this.log.debug({}, 'back-end channel closed');
    });
  }

  configChanged(): Promise<boolean> {
    return this.ask(BackEndRequest.CONFIG_CHANGE_MSG, NO_PAYLOAD, ProtocolFeature.CONFIG);
  }

  get mapsSharedMemory(): boolean {
    const needed =
      this.hasProtocolFeature(ProtocolFeature.SHMEM) && this.hasProtocolFeature(ProtocolFeature.REPLY_ACK);
    return needed && this.backEndChannel !== null;
  }

  mapShared(id: number, fd: number, fdOffset: number, offset: number, length: number): Promise<boolean> {
    if (!this.hasProtocolFeature(ProtocolFeature.SHMEM)) return Promise.resolve(false);
    const payload = sharedMemoryPayload(this.device, { id, fdOffset, offset, length });
    return this.ask(BackEndRequest.SHMEM_MAP, payload, ProtocolFeature.SHMEM, fd);
  }

  unmapShared(id: number, offset: number, length: number): Promise<boolean> {
    if (!this.hasProtocolFeature(ProtocolFeature.SHMEM)) return Promise.resolve(false);
    const payload = sharedMemoryPayload(this.device, { id, fdOffset: 0, offset, length });
    return this.ask(BackEndRequest.SHMEM_UNMAP, payload, ProtocolFeature.SHMEM);
  }

  /** Gives everything back: rings, device, channel, log, inflight region, memory; in this order. */
  close(): void {
    this.ending = true;
    for (const vring of this.vrings) vring.close();
    try {
      this.device.detach?.();
    } catch (error) {
      this.log.error({ err: error }, 'the device failed to detach');
    }
    this.backEndChannel?.close();
    this.backEndChannel = null;
    this.memory.setDirtyLog(null);
    this.dirtyLog?.close();
    this.dirtyLog = null;
    this.logEvent?.close();
    this.logEvent = null;
    this.inflight?.close();
    this.inflight = null;
    this.memory.close();
  }

  private ask(request: number, payload: Uint8Array, feature: number, fd?: number): Promise<boolean> {
    const { backEndChannel } = this;
    if (this.ending || backEndChannel === null || !this.hasProtocolFeature(feature))
      return Promise.resolve(false);
    if (this.hasProtocolFeature(ProtocolFeature.REPLY_ACK))
      return backEndChannel.request(request, payload, fd);
    // Without REPLY_ACK nobody would answer. A mapping that may or may not be there is worse than none.
    if (request !== BackEndRequest.CONFIG_CHANGE_MSG) return Promise.resolve(false);
    backEndChannel.notify(request, payload);
    return Promise.resolve(true);
  }
}

/** Feature bits that the rings are read by: they may not change while one is started. */
export const RING_FEATURES = bits(
  Feature.RING_INDIRECT_DESC,
  Feature.RING_EVENT_IDX,
  Feature.RING_PACKED,
  Feature.VERSION_1,
);
