/** Whoever talks to the control socket badly: gets a refusal, or nothing, and the others are served as before. */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { encodePng } from '../../src/capture/index.js';
import { CONNECTIONS_MAX } from '../../src/control/server/server.js';
import { type BackEnd, startBackEnd } from '../../src/npm/index.js';

let backEnd: BackEnd;
let path: string;

t.before(async () => {
  backEnd = await startBackEnd({ options: ['--log-level=silent'] });
  path = backEnd.control.socketPath;
});
t.teardown(() => backEnd.close());
/** After each the others are served as before. */
function scenario(name: string, run: (t: Test) => Promise<void>): void {
  t.test(name, async (t) => {
    await run(t);
    t.match(await backEnd.control.call('getHealth'), { apiVersion: 1 }, 'others are served');
  });
}

/** A connection, with what came so far. */
/** (The server may close before it has read all: that is no error here.) */
async function open(): Promise<{ socket: Socket; text: () => string; ended: Promise<unknown> }> {
  const socket = connect(path);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.on('close', resolve));
  await once(socket, 'connect');
  return { socket, text: () => received, ended };
}

/** Sends bytes and returns all that comes until the server closes. */
async function send(...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const { socket, text, ended } = await open();
  for (const piece of pieces) socket.write(piece);
  await ended;
  return text();
}

/** One request; the connection closes after it. */
function ask(method: string, target: string, headers = '', body: string | Uint8Array = ''): Promise<string> {
  const length = Buffer.byteLength(body);
  const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Length: ${length}\r\n\r\n`;
  return send(head, body);
}

function refused(t: Test, answer: string, status: number, code: string): void {
  t.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), code);
  t.match(answer, `"code":"${code}"`);
}

const JSON_TYPE = 'Content-Type: application/json\r\n';

scenario('the socket is for its owner', async (t) => {
  t.equal(statSync(path).mode & 0o777, 0o600);
});

scenario('what is no HTTP', async (t) => {
  refused(t, await send('hello\r\n\r\n'), 400, 'bad-request');
  refused(t, await send(Buffer.from([0, 255, 10, 13, 10, 13, 10])), 400, 'bad-request');
  refused(t, await send('GET / HTTP/9.9\r\n\r\n'), 400, 'bad-request');
  const both = 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n';
  refused(t, await send(`POST /v1/input/release HTTP/1.1\r\nHost: x\r\n${both}\r\nabc`), 400, 'bad-request');
});

scenario('headers without end', async (t) => {
  const line = `X-Padding: ${'a'.repeat(1000)}\r\n`;
  refused(t, await ask('GET', '/v1/health', line.repeat(20)), 431, 'header-too-large');
  refused(t, await ask('GET', `/${'a'.repeat(20_000)}`), 431, 'header-too-large');
});

scenario('paths and methods', async (t) => {
  for (const target of [
    '/',
    '/v1',
    '/v1/health/',
    '//v1/health',
    '/v1/../metrics',
    '/v1/%68ealth',
    '*',
    'http://x/metrics',
    '/metrics/..',
    '/v1/outputs/0/screenshot/../../../../etc/passwd',
  ]) {
    refused(t, await ask('GET', target), 404, 'not-found');
  }
  refused(t, await ask('DELETE', '/metrics'), 405, 'method-not-allowed');
  t.match(await ask('OPTIONS', '/v1/recordings'), /Allow: POST, GET\r\n/);
  for (const output of ['-1', '16', '1e0', '0x1', '00.5', '%30', '', '9'.repeat(30), '__proto__']) {
    refused(t, await ask('GET', `/v1/outputs/${output}/hash`), 400, 'bad-request');
  }
});

scenario('parameters', async (t) => {
  for (const query of [
    'timeoutMs=1e3',
    'timeoutMs=-1',
    'timeoutMs=600000',
    'timeoutMs=1&timeoutMs=1',
    'timeout=1',
    'x=%00',
    '__proto__=1',
    'since=',
    'quietMs=1',
  ]) {
    refused(t, await ask('GET', `/v1/outputs/0/changed?${query}`), 400, 'bad-request');
  }
  refused(t, await ask('GET', '/v1/outputs/0/screenshot?cursor=yes'), 400, 'bad-request');
});

scenario('bodies', async (t) => {
  const post = (body: string | Uint8Array, headers = JSON_TYPE) =>
    ask('POST', '/v1/input/keys', headers, body);
  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"keys":[]}',
    '{"keys":"KEY_A"}',
    '{"keys":[1]}',
    '{"keys":["KEY_A"],"more":1}',
    '{"keys":["KEY_A"],"__proto__":{}}',
    '{"keys":["constructor"]}',
    `{"keys":${JSON.stringify(Array(65).fill('KEY_A'))}}`,
    Buffer.from([0x7b, 0xff, 0x7d]),
    '['.repeat(100_000),
  ]) {
    refused(t, await post(body), 400, 'bad-request');
  }
  refused(t, await post('{}', 'Content-Type: text/plain\r\n'), 415, 'unsupported-media-type');
  refused(t, await post('{}', ''), 415, 'unsupported-media-type');
  refused(t, await post(' '.repeat(300_000)), 413, 'too-large');
  refused(t, await ask('GET', '/v1/health', '', 'a body'), 413, 'too-large');
  const png = 'Content-Type: image/png\r\n';
  const bomb = encodePng(4096, 4097, new Uint8Array(4096 * 4097 * 4));
  refused(t, await ask('POST', '/v1/outputs/0/match', png, bomb), 400, 'bad-request');
});

scenario('a body that is larger than it says, or does not end', async (t) => {
  const head = `POST /v1/input/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${JSON_TYPE}`;
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  refused(
    t,
    await send(`${head}Transfer-Encoding: chunked\r\n\r\n`, ...Array<string>(5).fill(chunk), '0\r\n\r\n'),
    413,
    'too-large',
  );
  const { socket, text, ended } = await open();
  socket.write(`${head}Content-Length: 100\r\n\r\n{`);
  socket.end();
  await ended;
  t.equal(text().includes('200'), false);
});

scenario('a page in a browser', async (t) => {
  refused(t, await ask('GET', '/v1/health', 'Origin: http://evil.example\r\n'), 421, 'misdirected-request');
});

scenario('a client that is slow with its request is cut off', async (t) => {
  const { socket, text, ended } = await open();
  socket.write('GET /v1/health HTTP/1.1\r\nHost: x\r\n');
  await ended;
  refused(t, text(), 408, 'request-timeout');
});

scenario('a client that goes while it waits', async (t) => {
  const { socket, ended } = await open();
  socket.write('GET /v1/outputs/0/settled?timeoutMs=60000 HTTP/1.1\r\nHost: x\r\n\r\n');
  await backEnd.control.call('getHealth');
  socket.destroy();
  await ended;
  t.pass('it is gone');
});

scenario('more connections than there may be', async (t) => {
  const all = await Promise.all(Array.from({ length: CONNECTIONS_MAX + 8 }, open));
  // Those beyond are closed as they come.
  await Promise.race(all.map(({ ended }) => ended));
  for (const { socket } of all) socket.destroy();
  await Promise.all(all.map(({ ended }) => ended));
  t.pass('some were turned away');
});

scenario('two owners of one socket', async (t) => {
  const options = [`--control-socket=${path}`, '--log-level=silent'];
  await t.rejects(startBackEnd({ options }), { code: 'EADDRINUSE' });
});
