/** The addon's copies under AddressSanitizer and UBSan, for a moment: recorded inputs, then made-up ones. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

t.test('native', async (t) => {
  const script = fileURLToPath(new URL('../../../scripts/fuzz-native', import.meta.url));
  // gcc: it is there wherever the addon was built.
  const options = ['--inputs', '20000', '--compiler', 'gcc'];
  const { status, stdout, stderr } = spawnSync(script, options, { encoding: 'utf8' });
  t.equal(status, 0, stderr);
  t.match(stdout, /^2[0-9]{4} calls: nothing found$/m);
});
