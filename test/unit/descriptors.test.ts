/** The head-room of descriptors: a guest that opens as much as it can leaves some to everybody else. */
import t from 'tap';
import { runScript } from './native-support.js';

const SANDBOX = new URL('../../src/cli/sandbox/', import.meta.url).href;
const WAYLAND = new URL('../../src/wayland/', import.meta.url).href;

/** Runs a command with that many descriptors. */
function withDescriptors(count: number): string[] {
  return ['sh', '-c', `ulimit -n ${count}; exec "$@"`, 'sh'];
}

t.test('pipes, connections and copies end below the reserve; others go on', async (t) => {
  const source = `
    import * as fs from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    import { HostAccess } from '${SANDBOX}host-access.js';
    import { OutgoingQueue } from '${WAYLAND}wire/outgoing.js';
    const { checkReserve, closeFd, createPipe, descriptorUse, listenUnix, reserveDescriptors } = native;
    const codeOf = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
    const folder = fs.mkdtempSync(join(tmpdir(), 'descriptors-'));
    const path = join(folder, 'socket');
    const server = listenUnix(path);
    const host = new HostAccess();
    const outgoing = new OutgoingQueue();
    const before = codeOf(() => checkReserve(1e6));
    reserveDescriptors(16);
    const pipes = [];
    const ended = codeOf(() => { for (;;) pipes.push(createPipe()); });
    const highest = Math.max(...pipes.flatMap(({ reader, writeFd }) => [reader.fd, writeFd]));
    // An odd one may be left.
    codeOf(() => pipes.push({ reader: host.connect(path), writeFd: -1 }));
    const result = {
      before, ended, highest: highest < 48, several: pipes.length > 3,
      connection: codeOf(() => host.connect(path)),
      copy: codeOf(() => outgoing.push(new Uint8Array(8), [pipes[0].writeFd])),
      others: Array.from({ length: 10 }, () => codeOf(() => fs.openSync('/dev/null'))).join(),
      use: descriptorUse().limit,
      refused: descriptorUse().refused >= 3,
    };
    pipes[0].reader.close();
    closeFd(pipes[0].writeFd);
    result.again = codeOf(createPipe);
    server.close();
    fs.rmSync(folder, { recursive: true });
    process.stdout.write(JSON.stringify(result));
  `;
  const { stdout, stderr, code } = await runScript(source, [], withDescriptors(64));
  t.equal(code, 0, stderr);
  t.same(JSON.parse(stdout || '{}'), {
    before: 'done',
    ended: 'EMFILE',
    highest: true,
    several: true,
    connection: 'EMFILE',
    copy: 'EMFILE',
    others: Array.from({ length: 10 }, () => 'done').join(),
    use: 64,
    refused: true,
    again: 'done',
  });
});
