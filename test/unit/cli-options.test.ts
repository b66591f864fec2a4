import t from 'tap';
import { type CommandLine, parseCommandLine } from '../../src/cli/options.js';

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
      limits: { maxResources: 16384, maxHostBytes: 512 * 2 ** 20, maxBackingEntries: 262144 },
      logLevel: 'info',
      logFormat: 'text',
    },
  });
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
    ['--socket-path=/s', '--outputs=0'],
    ['--socket-path=/s', '--outputs=17'],
    ['--socket-path=/s', '--resolution=wide'],
    ['--socket-path=/s', '--resolution=0x600'],
    ['--socket-path=/s', '--resolution=99999x600'],
    ['--socket-path=/s', '--resolution=800x600@0'],
    ['--socket-path=/s', '--resolution=800x600,640x480'],
    ['--socket-path=/s', '--max-resources=1e9'],
    ['--socket-path=/s', '--log-level=loud'],
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
