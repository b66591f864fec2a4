/**
 * The soak in short (scripts/soak is the long one): each attack twice, beside a guest that behaves. It says nothing of
 * times: only that all of the other guest's frames arrive, and that nothing is left of the attacks.
 */
import t from 'tap';
import { Soak } from '../soak/soak.js';

const FRAMES = 10;

t.test('a hostile guest beside one that behaves', async (t) => {
  const soak = new Soak();
  try {
    await soak.start(1);
    const before = await soak.census();
    const quiet = await soak.phase(false, { frames: FRAMES, rounds: 0 });
    t.equal(quiet.frameMs.length, FRAMES);
    const { deeds, frameMs, steady } = await soak.phase(true, { frames: FRAMES, rounds: 2 });
    t.equal(deeds.attacks, 14);
    t.ok(deeds.commands > 5000, `${deeds.commands} commands`);
    t.ok(frameMs.length >= FRAMES, 'the other guest goes on');
    t.match(steady, { fds: quiet.steady.fds, threads: quiet.steady.threads });
    t.same(await soak.census(), before, 'nothing is left');
    await soak.serves();
  } finally {
    t.same(await soak.stop(), ['exit code 0', 'exit code 0']);
  }
});
