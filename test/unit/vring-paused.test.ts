/** Queues that are stopped and go on where they stopped: a machine was paused, and waits for what is held. */
import t, { type Test } from 'tap';
import type { DescriptorChain } from 'vhost-user-ts';
import { Rig } from './vring-harness.js';

class Scene {
  readonly rig: Rig;
  readonly held: DescriptorChain[] = [];
  readonly ids: number[] = [];

  constructor(packed: boolean) {
    this.rig = new Rig({ size: 8, packed });
    this.rig.start();
  }

  /** The driver adds a chain, and the device takes it. */
  take(): void {
    this.ids.push(this.rig.add([this.rig.piece(0, 8)], [this.rig.piece(8, 8)]));
    const chain = this.rig.queue.pop();
    if (chain === null) throw new Error('a chain was offered');
    this.held.push(chain);
  }

  /** The device gives the chain back, with one byte; returns what the driver sees. */
  give(which: number): readonly { id: number; length: number }[] {
    const chain = this.held[which];
    if (chain === undefined) throw new Error('no such chain');
    chain.write(Uint8Array.of(which + 1), 0, 1);
    this.rig.queue.push(chain, 1);
    this.rig.queue.flush();
    return this.rig.pollAll();
  }
}

for (const packed of [false, true]) {
  const test = (name: string, run: (t: Test, scene: Scene) => void): void => {
    t.test(`${packed ? 'packed' : 'split'}: ${name}`, async (t) => {
      const scene = new Scene(packed);
      run(t, scene);
      scene.rig.close();
    });
  };

  test('what is held stays held, in any order', (t, scene) => {
    const { rig } = scene;
    for (let i = 0; i < 4; i++) scene.take();
    t.same(scene.give(2), [{ id: scene.ids[2], length: 1 }]);
    for (let round = 0; round < 3; round++) {
      const base = rig.queue.stop();
      t.same(scene.give(3), [], 'nothing while it is stopped');
      t.equal(rig.bytes[rig.dataOffset + 8], 3, 'nor in memory');
      rig.start({ baseIndex: base });
      t.equal(rig.queue.pop(), null, 'nothing is taken twice');
      t.equal(rig.queue.heldChains, 3);
    }
    t.same(scene.give(3), [{ id: scene.ids[3], length: 1 }]);
    t.equal(rig.bytes[rig.dataOffset + 8], 4);
    t.same(scene.give(0), [{ id: scene.ids[0], length: 1 }]);
    t.same(scene.give(1), [{ id: scene.ids[1], length: 1 }]);
    t.same(scene.give(1), [], 'once');
    t.equal(rig.queue.heldChains, 0);
    for (let i = 4; i < 20; i++) {
      scene.take();
      t.same(scene.give(i), [{ id: scene.ids[i], length: 1 }], 'and the ring goes on');
    }
  });

  test('memory that moved meanwhile is found again', (t, scene) => {
    scene.take();
    const base = scene.rig.queue.stop();
    scene.rig.map();
    scene.rig.start({ baseIndex: base });
    t.same(scene.give(0), [{ id: scene.ids[0], length: 1 }]);
    t.equal(scene.rig.bytes[scene.rig.dataOffset + 8], 1);
  });

  test('a new driver has nothing to do with it', (t, scene) => {
    const { rig } = scene;
    scene.take();
    const base = rig.queue.stop();
    rig.queue.forget();
    rig.start({ baseIndex: base });
    t.equal(rig.queue.heldChains, 0);
    t.same(scene.give(0), []);
  });

  test('nor has a ring that is another one', (t, scene) => {
    const { rig } = scene;
    scene.take();
    const base = rig.queue.stop();
    rig.start({ baseIndex: base, usedUser: rig.layout.usedUser + 64 });
    t.equal(rig.queue.heldChains, 0);
    rig.queue.stop();
    rig.start({ baseIndex: base });
    t.same(scene.give(0), [], 'not even when it comes back');
  });
}
