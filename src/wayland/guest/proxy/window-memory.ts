/** vhost_window_memory_v1: memory of the window for clients that draw into it themselves. */
import { closeFd, pageSize } from 'vhost-user-native';
import { POOL_BYTES_MAX } from '../limits.js';
import type { WindowBlobs } from '../memory/window-blobs.js';
import type { Message } from './message.js';
import type { ProxyObject } from './objects.js';
import type { Session } from './session.js';

export class WindowMemory {
  private readonly session: Session;
  private readonly blobs: WindowBlobs;

  constructor(session: Session, blobs: WindowBlobs) {
    this.session = session;
    this.blobs = blobs;
    session.requests.set('vhost_window_memory_v1.allocate', (message) => this.allocate(message));
  }

  private allocate(message: Message): void {
    const made = message.created;
    if (made === null) return;
    const bytes = Math.ceil(message.uint(1) / pageSize) * pageSize;
    if (bytes === 0 || bytes > POOL_BYTES_MAX) {
      this.session.emit(made, 'failed', [`${message.uint(1)} bytes`]);
      return;
    }
    const work = this.make(made, bytes).catch((error: unknown) => {
      if (this.session.closed) return;
      this.session.emit(made, 'failed', [error instanceof Error ? error.message : String(error)]);
    });
    this.session.suspend(work);
  }

  private async make(object: ProxyObject, bytes: number): Promise<void> {
    const { host } = this.session;
    this.blobs.reserve(bytes);
    let handle: number | null = null;
    const giveBack = (): void => {
      this.blobs.unreserve(bytes);
      if (handle !== null && !host.closed) host.handles.release(handle);
    };
    try {
      const memory = await host.allocate(bytes);
      handle = memory.handle;
      // The host may refuse still: only a mapping tells.
      (await host.map(memory)).close();
      const fd = host.exportFd(memory.handle);
      try {
        this.session.emit(object, 'done', [fd, memory.bytes]);
      } finally {
        closeFd(fd);
      }
    } catch (error) {
      giveBack();
      throw error;
    }
    object.gone = giveBack;
  }
}
