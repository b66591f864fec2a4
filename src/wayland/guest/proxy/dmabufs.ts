/**
 * zwp_linux_dmabuf_v1: buffers of the virtual GPU are forwarded by their resource; others are refused. The devices that
 * the host names in its feedback are none that the guest could open: clients are told the virtual GPU.
 */
import { ZwpLinuxBufferParamsV1Error } from '../../index.js';
import { ClientFault } from './fault.js';
import type { Message } from './message.js';
import type { ProxyObject } from './objects.js';
import type { Session } from './session.js';

export class Dmabufs {
  private readonly session: Session;
  /** A dev_t, as feedback has it. */
  private readonly device: Uint8Array;
  /** Params with a plane that the host can't see. */
  private readonly refused = new Set<ProxyObject>();

  constructor(session: Session, deviceNumber: bigint) {
    this.session = session;
    this.device = new Uint8Array(BigUint64Array.of(deviceNumber).buffer);
    const { requests, events } = session;
    requests.set('zwp_linux_buffer_params_v1.add', (message) => this.add(message));
    requests.set('zwp_linux_buffer_params_v1.create', (message) => this.create(message));
    requests.set('zwp_linux_buffer_params_v1.create_immed', (message) => this.createNow(message));
    for (const name of ['main_device', 'tranche_target_device']) {
      events.set(`zwp_linux_dmabuf_feedback_v1.${name}`, ({ object }) => this.nameDevice(object, name));
    }
  }

  private nameDevice(feedback: ProxyObject, event: string): void {
    if (feedback.clientId !== 0) this.session.emit(feedback, event, [this.device]);
  }

  private add(message: Message): void {
    const { object } = message;
    const buffer = this.session.host.importBuffer(message.fds[0] ?? -1);
    if (buffer === null) {
      this.refused.add(object);
      const before = object.gone;
      object.gone = () => {
        before?.();
        this.refused.delete(object);
      };
      return;
    }
    const { handle, resource } = buffer;
    this.session.forward(message, [{ kind: 'buffer', handle, resource }]);
  }

  private create(message: Message): void {
    if (this.refused.has(message.object)) this.session.emit(message.object, 'failed', []);
    else this.session.forward(message);
  }

  private createNow(message: Message): void {
    const { object } = message;
    if (this.refused.has(object)) {
      const code = ZwpLinuxBufferParamsV1Error.invalid_wl_buffer;
      throw new ClientFault(`${object}: not memory of the virtual GPU`, object.clientId, code);
    }
    this.session.forward(message);
  }
}
