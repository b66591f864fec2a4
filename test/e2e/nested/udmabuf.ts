/**
 * Runs where /dev/udmabuf is (see harness/nested-host): dma-bufs over shuffled pages of a memfd, first looked at from
 * here, then on a display as QEMU's and in a window of a compositor that imports them. Prints what it measured as one line of JSON; an assertion
 * that fails ends it.
 */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import {
  closeFd,
  createMemfd,
  createUdmabuf,
  fileSize,
  type Mapping,
  mapFile,
  pageSize,
  Seal,
  udmabufLimits,
} from 'vhost-user-native';
import type { DeviceMemory } from 'vhost-user-ts';
import { UdmabufExporter } from '../../../src/virtio-gpu/index.js';
import { pictureColor } from '../harness/pattern.js';
import { checkQemuDisplay } from './dmabuf-qemu.js';
import { checkWindow } from './dmabuf-window.js';

const WIDTH = 320;
const HEIGHT = 240;
const BYTES = WIDTH * HEIGHT * 4;
const PAGES = BYTES / pageSize;

/** Guest memory in one sealed memfd, as QEMU has it, with a framebuffer in every second page, last page first. */
class Memory {
  readonly fd = createMemfd('guest', {
    size: PAGES * 2 * pageSize,
    seals: Seal.SHRINK | Seal.GROW | Seal.SEAL,
  });
  readonly mapping: Mapping = mapFile(this.fd, 0, PAGES * 2 * pageSize, { writable: true });
  readonly ranges = Float64Array.from({ length: PAGES * 2 }, (_, i) =>
    i % 2 === 0 ? this.addressOf(i / 2) : pageSize,
  );

  get device(): DeviceMemory {
    const file = { guestAddress: 0, length: this.mapping.length, fd: this.fd, fileOffset: 0 };
    return {
      generation: 1,
      covers: () => true,
      scatterGather: () => null,
      files: () => [file],
      markDirty: () => undefined,
    };
  }

  paint(seed: number): void {
    const page = new Uint32Array(pageSize / 4);
    for (let index = 0; index < PAGES; index++) {
      for (let i = 0; i < page.length; i++) {
        const pixel = (index * pageSize) / 4 + i;
        page[i] = pictureColor(pixel % WIDTH, Math.floor(pixel / WIDTH), seed);
      }
      new Uint8Array(this.mapping.window(this.addressOf(index), pageSize)).set(new Uint8Array(page.buffer));
    }
  }

  /** Where a page of the framebuffer is. */
  private addressOf(index: number): number {
    return (PAGES - 1 - index) * 2 * pageSize;
  }
}

/** A 320x240 picture's bytes as a dma-buf has them. */
function pictureBytes(seed: number): Buffer {
  const words = new Uint32Array(BYTES / 4);
  for (let i = 0; i < words.length; i++) words[i] = pictureColor(i % WIDTH, Math.floor(i / WIDTH), seed);
  return Buffer.from(words.buffer);
}

function setLimit(name: string, value: number): void {
  writeFileSync(`/sys/module/udmabuf/parameters/${name}`, String(value));
}

/** The kernel's part: what a dma-buf shows, and what there can be none of. */
function checkKernel(memory: Memory): void {
  const exporter = new UdmabufExporter();
  assert.deepEqual(udmabufLimits(), { entries: 1024, bytes: 64 * 2 ** 20 });
  const fd = exporter.export(memory.device, memory.ranges, BYTES);
  assert(fd !== null, JSON.stringify(exporter.metrics));
  assert.equal(fileSize(fd), BYTES);
  // (It can be mapped shared only.)
  const shown = mapFile(fd, 0, BYTES, { writable: true });
  const bytes = Buffer.from(shown.window(0, BYTES));
  for (const seed of [1, 2]) {
    memory.paint(seed);
    assert(bytes.equals(pictureBytes(seed)), `picture ${seed}`);
  }
  shown.close();

  const refuses = (pieces: { fd?: number; offset?: number; length?: number }[], code: string): void => {
    const whole = pieces.map((piece) => ({ fd: memory.fd, offset: 0, length: pageSize, ...piece }));
    assert.throws(() => createUdmabuf(whole), { code, syscall: 'ioctl' });
  };
  const plain = createMemfd('unsealed', { size: pageSize });
  const readOnly = createMemfd('write-sealed', { size: pageSize, seals: Seal.SHRINK | Seal.WRITE });
  refuses([], 'EINVAL');
  refuses([{ length: 0 }], 'EINVAL');
  refuses([{ offset: 512 }], 'EINVAL');
  refuses([{ length: 512 }], 'EINVAL');
  refuses([{ offset: memory.mapping.length }], 'EINVAL');
  refuses([{ fd: plain }], 'EINVAL');
  refuses([{ fd: readOnly }], 'EINVAL');
  refuses([{ fd: 0 }], 'EBADFD');
  refuses([{ fd: 12345 }], 'EBADFD');
  refuses(new Array(1025).fill({}), 'EINVAL');
  closeFd(plain);
  closeFd(readOnly);

  setLimit('list_limit', PAGES - 1);
  assert.equal(exporter.export(memory.device, memory.ranges, BYTES), null);
  setLimit('list_limit', 1024);
  setLimit('size_limit_mb', 0);
  assert.equal(exporter.export(memory.device, memory.ranges, BYTES), null);
  setLimit('size_limit_mb', 64);
  assert.equal(exporter.metrics.refused['too-many-pieces'], 1);
  assert.equal(exporter.metrics.refused['too-large'], 1);
  closeFd(fd);
}

const memory = new Memory();
checkKernel(memory);
const qemuDisplay = await checkQemuDisplay();
const window = await checkWindow();
console.log(JSON.stringify({ ...window, qemuDisplay }));
