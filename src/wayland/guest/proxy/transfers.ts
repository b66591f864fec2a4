/** Clipboard, primary selection and drag: what a client asks to receive comes through a pipe of the host's. */
import { ClientFault, DisplayError } from './fault.js';
import type { Message } from './message.js';
import type { Session } from './session.js';

/** Requests whose descriptor gets what somebody on the host writes. */
const RECEIVES = ['wl_data_offer.receive', 'zwp_primary_selection_offer_v1.receive'];

export class Transfers {
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
    for (const name of RECEIVES) session.requests.set(name, (message) => this.receive(message));
  }

  private receive(message: Message): void {
    if (!this.session.host.takesPipe) {
      throw new ClientFault(`${message.object}.receive: too many at a time`, 1, DisplayError.noMemory);
    }
    const fd = message.fds.shift() ?? -1;
    this.session.forward(message, [{ kind: 'read-pipe', fd }]);
  }
}
