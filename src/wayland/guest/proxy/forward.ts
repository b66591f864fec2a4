/** One client, put together. */
import type { UnixSocket } from 'vhost-user-native';
import { zwp_linux_dmabuf_v1 } from '../../index.js';
import { CrossDomainConnection } from '../channel/cross-domain.js';
import type { VirtGpu } from '../gpu/virt-gpu.js';
import { WINDOW_BYTES_MAX } from '../limits.js';
import { WindowBlobs } from '../memory/window-blobs.js';
import { Dmabufs } from './dmabufs.js';
import { Globals } from './globals.js';
import { type GuestMetrics, newMetrics } from './metrics.js';
import { Session, type SessionEnd } from './session.js';
import { Shm } from './shm.js';
import { Surfaces } from './surfaces.js';
import { Transfers } from './transfers.js';
import { WindowMemory } from './window-memory.js';

export interface ForwardOptions {
  /** What the host may call the client. */
  readonly name: string;
  /** Bytes of the host's window that the client may occupy; default 192 MiB. */
  readonly windowBytesMax?: number;
  /** Whether clients see linux-dmabuf: 'auto' when the host says that it can make dma-bufs. Default 'auto'. */
  readonly dmabuf?: 'auto' | 'on' | 'off';
}

export interface ForwardedGuest {
  readonly metrics: Readonly<GuestMetrics>;
  /** Bytes of the host's window in use. */
  readonly windowBytes: number;
  close(reason: string): void;
}

/**
 * Forwards a client through a context of its own. Takes over both; rejects, with the socket closed, when there is no
 * context to be had. `ended` is called once, later, with everything given back.
 */
export async function forwardClient(
  socket: UnixSocket,
  gpu: VirtGpu,
  options: ForwardOptions,
  ended: (end: SessionEnd) => void,
): Promise<ForwardedGuest> {
  let session: Session | null = null;
  let endedEarly: Error | null | undefined;
  let host: CrossDomainConnection;
  try {
    host = await CrossDomainConnection.open(gpu, options.name, {
      received: (data, items) => session?.fromHost(data, items),
      ended: (error) => {
        if (session === null) endedEarly = error;
        else session.hostEnded(error);
      },
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  const made = new Session(socket, host, ended);
  session = made;
  const metrics = newMetrics();
  const withDmabuf = options.dmabuf === 'on' || (options.dmabuf !== 'off' && host.caps.supportsDmabuf);
  const globals = new Globals(made, withDmabuf ? [] : [zwp_linux_dmabuf_v1.name]);
  const blobs = new WindowBlobs(made, () => globals.shm, options.windowBytesMax ?? WINDOW_BYTES_MAX);
  const shm = new Shm(made, globals, blobs, metrics);
  new Surfaces(made, shm, blobs, metrics);
  new Transfers(made);
  new Dmabufs(made, gpu.deviceNumber);
  new WindowMemory(made, blobs);
  if (endedEarly !== undefined) made.hostEnded(endedEarly);
  return {
    metrics,
    get windowBytes() {
      return blobs.bytes;
    },
    close: (reason) => made.close(reason),
  };
}
