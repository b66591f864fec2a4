import t from 'tap';
import { type CommandLine, parseCommandLine } from '../../src/cli/options.js';
import { DEFAULT_CONTEXT_LIMITS, DEFAULT_LIMITS } from '../../src/virtio-gpu/index.js';

function parse(...args: string[]): CommandLine {
  return parseCommandLine(args, '1.2.3');
}

function exitOf(...args: string[]): { code: number; message: string } {
  const line = parse(...args);
  if (line.action !== 'exit') throw new Error(`expected an exit, got ${line.action}`);
  return line;
}

t.test('defaults', async (t) => {
  t.same(parse('--socket-path=/run/gpu.sock'), {
    action: 'run',
    options: {
      endpoint: { kind: 'path', path: '/run/gpu.sock' },
      outputs: [{ width: 1280, height: 800, refreshHz: 60 }],
      regionBytes: 256 * 2 ** 20,
      ivshmemPath: null,
      contexts: false,
      qemuDmabuf: false,
      controlPath: null,
      trace: null,
      forward: null,
      window: null,
      viewer: null,
      inputs: { keyboard: null, tablets: [], mouse: null, touchscreen: null },
      limits: DEFAULT_LIMITS,
      contextLimits: DEFAULT_CONTEXT_LIMITS,
      commandsPerSecond: 0,
      busyWaitUs: 0,
      sandbox: 'on',
      logLevel: 'info',
      logFormat: 'text',
    },
  });
});

t.test("dma-bufs for QEMU's display", async (t) => {
  t.match(parse('--fd=3', '--qemu-dmabuf'), { action: 'run', options: { qemuDmabuf: true } });
  t.match(exitOf('--fd=3', '--qemu-dmabuf', '--window'), { code: 2, message: /--window/ });
});

t.test('an inherited descriptor, several outputs, limits', async (t) => {
  const line = parse(
    '--fd',
    '3',
    '--outputs',
    '3',
    '--resolution',
    '1920x1080,2560x1440@75',
    '--max-host-memory=64',
  );
  t.equal(line.action, 'run');
  if (line.action !== 'run') return;
  t.same(line.options.endpoint, { kind: 'fd', fd: 3 });
  t.same(line.options.outputs, [
    { width: 1920, height: 1080, refreshHz: 60 },
    { width: 2560, height: 1440, refreshHz: 75 },
    { width: 2560, height: 1440, refreshHz: 75 },
  ]);
  t.equal(line.options.limits.maxHostBytes, 64 * 2 ** 20);
});

t.test('limits', async (t) => {
  const line = parse(
    '--fd=3',
    '--max-resources=7',
    '--max-blob-memory=8',
    '--max-contexts=9',
    '--max-commands=1000',
    '--limit=read-pipes-per-context=10',
    '--limit=backing-entries-total=11',
    '--limit=dimension=4096',
  );
  if (line.action !== 'run') throw new Error(line.action);
  const { limits, contextLimits, commandsPerSecond } = line.options;
  t.same(limits, {
    ...DEFAULT_LIMITS,
    maxResources: 7,
    maxBlobBytes: 8 * 2 ** 20,
    maxBackingEntriesTotal: 11,
    maxDimension: 4096,
  });
  t.same(contextLimits, { ...DEFAULT_CONTEXT_LIMITS, maxContexts: 9, maxReadPipesPerContext: 10 });
  t.equal(commandsPerSecond, 1000);
});

t.test('windows, input devices, the shared region', async (t) => {
  const line = parse(
    '--socket-path=/s',
    '--outputs=2',
    '--window',
    '--title=my guest',
    '--pointer=relative',
    '--contexts',
    '--region-size=1024',
    '--ivshmem=/run/shared',
    '--keyboard-socket=/k',
    '--tablet-socket=/t0',
    '--tablet-socket=/t1',
    '--mouse-socket=/m',
    '--touch-socket=/f',
  );
  t.equal(line.action, 'run');
  if (line.action !== 'run') return;
  const { options } = line;
  t.equal(options.regionBytes, 2 ** 30);
  t.equal(options.ivshmemPath, '/run/shared');
  t.equal(options.contexts, true);
  t.same(options.window, {
    title: 'my guest',
    appId: 'vhost-user-gpu-ts',
    fullscreen: false,
    pointer: 'relative',
  });
  t.same(options.inputs, { keyboard: '/k', tablets: ['/t0', '/t1'], mouse: '/m', touchscreen: '/f' });
});

t.test('the viewer', async (t) => {
  const viewerOf = (...args: string[]) => {
    const line = parse('--socket-path=/s', ...args);
    return line.action === 'run' ? line.options.viewer : null;
  };
  t.same(viewerOf('--viewer=127.0.0.1:0'), {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokenPath: null,
    viewersMax: 8,
  });
  t.same(viewerOf('--viewer=/run/v', '--viewer-token-file=/t', '--viewer-max=3'), {
    address: { kind: 'unix', path: '/run/v' },
    tokenPath: '/t',
    viewersMax: 3,
  });
  for (const [text, host, port] of [
    ['[::1]:80', '::1', 80],
    ['127.1.2.3:65535', '127.1.2.3', 65_535],
    ['localhost:1', '127.0.0.1', 1],
  ] as const) {
    t.same(viewerOf(`--viewer=${text}`)?.address, { kind: 'tcp', host, port }, text);
  }
  for (const text of [
    '0.0.0.0:80',
    '192.168.1.2:80',
    '[::]:80',
    'example.org:80',
    '127.0.0.1.example.org:80',
  ]) {
    t.match(exitOf('--socket-path=/s', `--viewer=${text}`), { code: 2, message: /ssh -L/ }, text);
  }
  for (const text of ['', '80', '127.0.0.1', '127.0.0.1:65536', '127.0.0.1:-1', 'run/v', '::1:80']) {
    t.match(exitOf('--socket-path=/s', `--viewer=${text}`), { code: 2, message: /Expected/ }, text);
  }
  const without = exitOf('--socket-path=/s', '--viewer-token-file=/t');
  t.match(without, { code: 2, message: /--viewer-token-file .*needs --viewer/ });
});

t.test('forwarding needs contexts, and has them', async (t) => {
  const line = parse('--socket-path=/s', '--wayland', '--label=work', '--policy=/p.json', '--wayland-trace');
  if (line.action !== 'run') throw new Error(line.action);
  t.equal(line.options.contexts, true);
  const policy = { label: 'work', policyPath: '/p.json', border: null, borderColor: null };
  t.same(line.options.forward, { ...policy, trace: true });
  const bordered = parse('--fd=3', '--wayland', '--border=auto', '--border-color=#00ff00');
  if (bordered.action !== 'run') throw new Error(bordered.action);
  t.match(bordered.options.forward, { label: 'vm', border: 'auto', borderColor: '#00ff00' });
});

t.test('--print-capabilities wins over everything else', async (t) => {
  t.same(parse('--print-capabilities'), { action: 'print-capabilities' });
  t.same(parse('--nonsense', '--print-capabilities', '--virgl'), { action: 'print-capabilities' });
});

t.test('3D is refused by name, with an exit code of its own', async (t) => {
  for (const args of [['--virgl'], ['--render-node=/dev/dri/renderD128']]) {
    const { code, message } = exitOf('--socket-path=/s', ...args);
    t.equal(code, 3);
    t.match(message, /no 3D acceleration/);
  }
});

t.test('mistakes', async (t) => {
  const mistakes: readonly (readonly string[])[] = [
    [],
    ['--socket-path=/s', '--fd=3'],
    ['--fd=-1'],
    ['--fd=three'],
    ['--fd=3', '--border=auto'],
    ['--fd=3', '--wayland', '--border=maybe'],
    ['--fd=3', '--wayland', '--border-color=red'],
    ['--socket-path=/s', '--outputs=0'],
    ['--socket-path=/s', '--outputs=17'],
    ['--socket-path=/s', '--resolution=wide'],
    ['--socket-path=/s', '--resolution=0x600'],
    ['--socket-path=/s', '--resolution=99999x600'],
    ['--socket-path=/s', '--resolution=800x600@0'],
    ['--socket-path=/s', '--resolution=800x600,640x480'],
    ['--socket-path=/s', '--max-resources=1e9'],
    ['--socket-path=/s', '--max-commands=99'],
    ['--socket-path=/s', '--limit=resources=1'],
    ['--socket-path=/s', '--limit=__proto__=1'],
    ['--socket-path=/s', '--limit=read-pipes'],
    ['--socket-path=/s', '--limit=read-pipes=0'],
    ['--socket-path=/s', '--limit=dimension=32769'],
    ['--socket-path=/s', '--log-level=loud'],
    ['--socket-path=/s', '--region-size=100'],
    ['--socket-path=/s', '--region-size=2048'],
    ['--socket-path=/s', '--region-size=0', '--window'],
    ['--socket-path=/s', '--region-size=0', '--contexts'],
    ['--socket-path=/s', '--region-size=0', '--ivshmem=/x'],
    ['--socket-path=/s', '--window', '--title='],
    ['--socket-path=/s', '--window', '--title=two\nlines'],
    ['--socket-path=/s', '--window', '--app-id', 'x'.repeat(257)],
    ['--socket-path=/s', '--window', '--pointer=wrong'],
    ['--socket-path=/s', '--window', '--pointer=relative'],
    ['--socket-path=/s', '--title=t'],
    ['--socket-path=/s', '--fullscreen'],
    ['--socket-path=/s', '--region-size=0', '--wayland'],
    ['--socket-path=/s', '--policy=/p.json'],
    ['--socket-path=/s', '--wayland-trace'],
    ['--socket-path=/s', '--outputs=3', '--tablet-socket=/a', '--tablet-socket=/b'],
    ['--socket-path=/s', 'surplus'],
    ['--socket-path'],
    ['--nonsense'],
  ];
  for (const args of mistakes) {
    const { code, message } = exitOf(...args);
    t.equal(code, 2, args.join(' '));
    t.not(message, '', `${args.join(' ')}: says what is wrong`);
  }
});
