/** The control channel of our test guest: what other tests rely on, whatever else goes on in the guest. */
import t from 'tap';
import { withMachine } from './harness/machine.js';
import { Qemu } from './harness/qemu.js';

/** Long enough that processes end while the line is on its way. */
const ARGUMENT = 'x'.repeat(1000);
const COMMANDS = 20;

/** Leaves a process behind that leaves others behind, which end at once, for as long as /tmp/go is there. */
const orphans = ['touch /tmp/go', '(while [ -e /tmp/go ]; do (true &); done) &'].join('\n');

t.test('commands arrive whole while processes end whose parent has gone', async (t) => {
  const boot = Qemu.boot({ qemu: '10.0', kernel: '6.1', device: [] });
  await withMachine(t, boot, async ({ guest }) => {
    await guest.run(orphans);
    for (let i = 0; i < COMMANDS; i++) t.equal(await guest.run(`echo ${i} ${ARGUMENT}`), `${i} ${ARGUMENT}`);
    await guest.run('rm /tmp/go');
    const zombies = await guest.run("grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l");
    t.ok(Number(zombies) < COMMANDS, `the first process collects them (${zombies} are left)`);
  });
});
