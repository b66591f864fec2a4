/**
 * virtio-rng in thirty lines (virtio 1.3, 5.4 Entropy Device): one queue of buffers to be filled.
 *
 *   node dist/examples/entropy.js /tmp/rng.sock
 *   qemu-system-x86_64 … -chardev socket,id=rng,path=/tmp/rng.sock -device vhost-user-rng-pci,chardev=rng
 */
import { randomFillSync } from 'node:crypto';
import { type DescriptorChain, serve, type VhostUserDevice, type Virtqueue } from 'vhost-user-ts';

/** Bytes for one buffer at most: a guest may get less than it asks for. */
const BYTES_MAX = 65536;

export class EntropyDevice implements VhostUserDevice {
  readonly queueCount = 1;
  readonly features = 0n;
  private readonly random = new Uint8Array(BYTES_MAX);

  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    const bytes = Math.min(chain.writableBytes, BYTES_MAX);
    randomFillSync(this.random, 0, bytes);
    queue.push(chain, chain.write(this.random, 0, bytes));
  }
}

const path = process.argv[2];
if (import.meta.filename === process.argv[1] && path !== undefined) {
  const server = serve(
    new EntropyDevice(),
    { path },
    { onListening: () => console.log(`listening on ${path}`) },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
}
