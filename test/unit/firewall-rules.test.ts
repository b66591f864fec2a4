/** Each rule: what it refuses, with which error, and that the compositor never hears of it. */
import t from 'tap';
import { createMemfd, dupFd } from 'vhost-user-native';
import type { ItemFromGuest, WireValue } from '../../src/wayland/index.js';
import { asObject } from '../stub/compositor.js';
import {
  configure,
  GuestClient,
  type GuestOptions,
  openWindow,
  TestBlob,
  until,
} from '../stub/guest-client.js';

type Window = Awaited<ReturnType<typeof openWindow>>;

/** What a case does its worst with. */
interface Stage extends Window {
  readonly guest: GuestClient;
  readonly blob: TestBlob;
  bind(name: string, version?: number): number;
  ask(object: number, name: string, ...values: WireValue[]): void;
  make(object: number, name: string, ...values: WireValue[]): number;
  attach(object: number, name: string, values: WireValue[], item: ItemFromGuest): void;
  /** A configured window. */
  configured(): Promise<void>;
  /** A pool of 4096 bytes, formats announced. */
  pool(): Promise<number>;
  buffer(width?: number, height?: number): Promise<number>;
  surfaceAgain(): number;
  positioner(): number;
}

async function stage(options: GuestOptions): Promise<Stage> {
  const guest = new GuestClient(options);
  const window = await openWindow(guest);
  const blob = new TestBlob(4096, 0);
  const bind = (name: string, version?: number): number => guest.bind(window.registry, name, version);
  const make = (object: number, name: string, ...values: WireValue[]): number =>
    guest.make(object, name, values);
  const pool = async (): Promise<number> => {
    const shm = bind('wl_shm');
    await guest.sync();
    guest.compositor.send(asObject(guest.compositor.living('wl_shm')[0]), 'format', [1]);
    await guest.event(shm, 'format');
    return guest.make(shm, 'create_pool', [0, 4096], [blob.item]);
  };
  return {
    ...window,
    guest,
    blob,
    bind,
    make,
    ask: (object, name, ...values) => guest.request(object, name, values),
    attach: (object, name, values, item) => guest.request(object, name, values, [item]),
    configured: async () => {
      guest.request(window.surface, 'commit');
      await configure(guest, window.shell);
    },
    pool,
    buffer: async (width = 8, height = 8) => {
      return guest.make(await pool(), 'create_buffer', [0, width, height, width * 4, 1]);
    },
    surfaceAgain: () => make(window.compositor, 'create_surface'),
    positioner: () => {
      const positioner = make(window.base, 'create_positioner');
      guest.request(positioner, 'set_size', [10, 10]);
      guest.request(positioner, 'set_anchor_rect', [0, 0, 1, 1]);
      return positioner;
    },
  };
}

interface Case {
  readonly rule: string;
  readonly what: string;
  /** The error's code; its object is the display unless `interface` says otherwise. */
  readonly code: number;
  readonly interface?: string;
  readonly options?: GuestOptions;
  run(stage: Stage): void | Promise<void>;
}

const WIRE: readonly Case[] = [
  {
    rule: 'wire-format',
    what: 'a size below 8',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, 4 << 16), []),
  },
  {
    rule: 'wire-format',
    what: 'a size that is no multiple of 4',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, 14 << 16), []),
  },
  {
    rule: 'wire-format',
    what: 'a size above 4096',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, 4100 * 65536), []),
  },
  {
    rule: 'wire-format',
    what: 'an argument beyond the message',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, 8 << 16), []),
  },
  {
    rule: 'wire-format',
    what: 'bytes after the arguments',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, 16 << 16, 90, 0), []),
  },
  {
    rule: 'wire-format',
    what: 'a null object',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.base, (16 << 16) | 2, 90, 0), []),
  },
  {
    rule: 'wire-format',
    what: 'a string with a NUL inside',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.toplevel, (16 << 16) | 2, 4, 0x00610061), []),
  },
  {
    rule: 'wire-format',
    what: 'a string that is not UTF-8',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.toplevel, (16 << 16) | 2, 3, 0x0000ffff), []),
  },
  {
    rule: 'wire-format',
    what: 'a string without NUL',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.toplevel, (16 << 16) | 2, 3, 0x61616161), []),
  },
  {
    rule: 'wire-format',
    what: 'a string longer than its message',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.toplevel, (16 << 16) | 2, 0xfffffffd, 0), []),
  },
  {
    rule: 'object-unknown',
    what: 'a request of no object',
    code: 0,
    run: (s) => s.guest.channel.send(words(12345, 8 << 16), []),
  },
  {
    rule: 'object-unknown',
    what: 'a request of a destroyed object',
    code: 0,
    run: (s) => {
      const p = s.make(s.base, 'create_positioner');
      s.ask(p, 'destroy');
      s.ask(p, 'set_size', 1, 1);
    },
  },
  {
    rule: 'object-unknown',
    what: "a request of the server's range",
    code: 0,
    run: (s) => s.guest.channel.send(words(0xff000000, 8 << 16), []),
  },
  {
    rule: 'object-unknown',
    what: 'an argument that does not exist',
    code: 0,
    run: (s) => s.ask(s.surface, 'attach', 4711, 0, 0),
  },
  {
    rule: 'object-unknown',
    what: 'an argument that was destroyed',
    code: 0,
    run: (s) => {
      const r = s.make(s.compositor, 'create_region');
      s.ask(r, 'destroy');
      s.ask(s.surface, 'set_opaque_region', r);
    },
  },
  {
    rule: 'object-type',
    what: 'an argument of another interface',
    code: 1,
    run: (s) => s.ask(s.surface, 'attach', s.base, 0, 0),
  },
  {
    rule: 'request-unknown',
    what: 'an opcode that does not exist',
    code: 1,
    run: (s) => s.guest.channel.send(words(1, (8 << 16) | 2), []),
  },
  {
    rule: 'request-unknown',
    what: 'a request of a newer version',
    code: 1,
    run: (s) => {
      const c = s.bind('wl_compositor', 3);
      s.ask(s.make(c, 'create_surface'), 'damage_buffer', 0, 0, 1, 1);
    },
  },
  {
    rule: 'new-id',
    what: 'an id that is taken',
    code: 0,
    run: (s) => s.ask(s.compositor, 'create_surface', s.surface),
  },
  {
    rule: 'new-id',
    what: 'id 0 is null',
    code: 1,
    run: (s) => s.guest.channel.send(words(s.compositor, 12 << 16, 0), []),
  },
  {
    rule: 'new-id',
    what: "an id of the server's",
    code: 0,
    run: (s) => s.guest.channel.send(words(s.compositor, 12 << 16, 0xff000000), []),
  },
  {
    rule: 'enum',
    what: 'a value that the enum does not have',
    code: 1,
    run: (s) => s.ask(s.surface, 'set_buffer_transform', 8),
  },
  {
    rule: 'enum',
    what: 'a bit that the enum does not have',
    code: 1,
    run: (s) => s.ask(s.positioner(), 'set_constraint_adjustment', 64),
  },
  {
    rule: 'enum',
    what: 'a value of a newer version',
    code: 1,
    run: (s) => {
      const d = s.make(
        s.bind('wp_cursor_shape_manager_v1'),
        'get_pointer',
        s.make(s.bind('wl_seat'), 'get_pointer'),
      );
      s.ask(d, 'set_shape', 1, 35);
    },
  },
  {
    rule: 'items',
    what: 'more attached than any message takes',
    code: 1,
    run: (s) =>
      s.guest.channel.send(
        new Uint8Array(),
        Array.from({ length: 129 }, () => s.blob.item),
      ),
  },
  {
    rule: 'items',
    what: 'a pool without its blob',
    code: 1,
    run: (s) => s.guest.request(s.bind('wl_shm'), 'create_pool', [90, 0, 64]),
  },
  {
    rule: 'global',
    what: 'a name that was not announced',
    code: 0,
    run: (s) => s.ask(s.registry, 'bind', 9999, { interface: 'wl_seat', version: 1, id: 90 }),
  },
  {
    rule: 'global',
    what: 'another interface',
    code: 0,
    run: (s) =>
      s.ask(s.registry, 'bind', s.guest.globals.get('wl_shm')?.name ?? 0, {
        interface: 'wl_seat',
        version: 1,
        id: 90,
      }),
  },
  {
    rule: 'global',
    what: 'a newer version',
    code: 0,
    run: (s) => {
      s.bind('wl_seat', 10);
    },
  },
  {
    rule: 'global',
    what: 'version 0',
    code: 0,
    run: (s) => {
      s.bind('wl_seat', 0);
    },
  },
  {
    rule: 'global',
    what: 'a hidden one by its interface',
    code: 0,
    run: (s) =>
      s.ask(s.registry, 'bind', 24, { interface: 'wp_security_context_manager_v1', version: 1, id: 90 }),
  },
];

const SHM: readonly Case[] = [
  {
    rule: 'items',
    what: 'a pipe instead of a blob',
    code: 2,
    interface: 'wl_shm',
    run: (s) => s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, 64], { kind: 'read-pipe', fd: dupFd(2) }),
  },
  {
    rule: 'shm',
    what: 'a pool that is larger than its blob',
    code: 2,
    interface: 'wl_shm',
    run: (s) => s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, 4097], s.blob.item),
  },
  {
    rule: 'shm',
    what: 'a pool of 0 bytes',
    code: 2,
    interface: 'wl_shm',
    run: (s) => s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, 0], s.blob.item),
  },
  {
    rule: 'shm',
    what: 'a pool of -1 bytes',
    code: 2,
    interface: 'wl_shm',
    run: (s) => s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, -1], s.blob.item),
  },
  {
    rule: 'shm',
    what: 'a blob outside the region',
    code: 2,
    interface: 'wl_shm',
    run: (s) => s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, 64], new TestBlob(4096, null).item),
  },
  {
    rule: 'shm',
    what: 'a blob beyond the region',
    code: 2,
    interface: 'wl_shm',
    run: (s) =>
      s.attach(s.bind('wl_shm'), 'create_pool', [90, 0, 64], new TestBlob(4096, (1 << 20) - 64).item),
  },
  ...(
    [
      ['beyond the pool', [4096 - 8 * 32 + 4, 8, 8, 32, 1], 1],
      ['a negative offset', [-4, 8, 8, 32, 1], 1],
      ['a stride below a row', [0, 8, 8, 31, 1], 1],
      ['a negative stride', [0, 8, 8, -32, 1], 1],
      ['no width', [0, 0, 8, 32, 1], 1],
      ['a negative height', [0, 8, -8, 32, 1], 1],
      ['sizes whose product wraps', [0, 8, 0x10000000, 32, 1], 1],
      ['the largest numbers', [0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 1], 1],
      ['a format that was not announced', [0, 8, 8, 32, 0x34324241], 0],
      ['a format that does not exist', [0, 8, 8, 32, 99], 0],
    ] as const
  ).map(
    ([what, values, code]): Case => ({
      rule: 'shm',
      what: `a buffer: ${what}`,
      code,
      interface: 'wl_shm_pool',
      run: async (s) => {
        s.make(await s.pool(), 'create_buffer', ...values);
      },
    }),
  ),
  {
    rule: 'shm',
    what: 'a pool that shrinks',
    code: 2,
    interface: 'wl_shm_pool',
    run: async (s) => s.ask(await s.pool(), 'resize', 4095),
  },
  {
    rule: 'shm',
    what: 'a pool that outgrows its blob',
    code: 2,
    interface: 'wl_shm_pool',
    run: async (s) => s.ask(await s.pool(), 'resize', 4097),
  },
  {
    rule: 'limit-buffers',
    what: 'too many buffers',
    code: 2,
    options: { policy: { limits: { buffers: 3 } } },
    run: async (s) => {
      const p = await s.pool();
      for (let i = 0; i < 3; i++) s.make(p, 'create_buffer', 0, 8, 8, 32, 1);
    },
  },
];

const SURFACES: readonly Case[] = [
  {
    rule: 'value',
    what: 'attach with an offset',
    code: 3,
    interface: 'wl_surface',
    run: (s) => s.ask(s.surface, 'attach', 0, 1, 0),
  },
  {
    rule: 'value',
    what: 'scale 0',
    code: 0,
    interface: 'wl_surface',
    run: (s) => s.ask(s.surface, 'set_buffer_scale', 0),
  },
  {
    rule: 'role',
    what: 'a surface destroyed before its role',
    code: 4,
    interface: 'wl_surface',
    run: (s) => s.ask(s.surface, 'destroy'),
  },
  {
    rule: 'role',
    what: 'a second xdg_surface',
    code: 0,
    interface: 'xdg_wm_base',
    run: (s) => {
      s.make(s.base, 'get_xdg_surface', s.surface);
    },
  },
  {
    rule: 'role',
    what: 'a second toplevel of an xdg_surface, when the first is gone',
    code: 2,
    interface: 'xdg_surface',
    run: (s) => {
      s.ask(s.toplevel, 'destroy');
      s.make(s.shell, 'get_toplevel');
    },
  },
  {
    rule: 'role',
    what: 'a window as subsurface',
    code: 0,
    interface: 'wl_subcompositor',
    run: (s) => {
      s.make(s.bind('wl_subcompositor'), 'get_subsurface', s.surface, s.surfaceAgain());
    },
  },
  {
    rule: 'role',
    what: 'a window as cursor',
    code: 0,
    interface: 'wl_pointer',
    run: (s) => s.ask(s.make(s.bind('wl_seat'), 'get_pointer'), 'set_cursor', 0, s.surface, 0, 0),
  },
  {
    rule: 'role',
    what: 'a window as drag icon',
    code: 0,
    interface: 'wl_data_device',
    run: (s) =>
      s.ask(
        s.make(s.bind('wl_data_device_manager'), 'get_data_device', s.bind('wl_seat')),
        'start_drag',
        0,
        s.surface,
        s.surface,
        0,
      ),
  },
  {
    rule: 'role',
    what: 'a subsurface of itself',
    code: 0,
    interface: 'wl_subcompositor',
    run: (s) => {
      const x = s.surfaceAgain();
      s.make(s.bind('wl_subcompositor'), 'get_subsurface', x, x);
    },
  },
  {
    rule: 'role',
    what: 'a subsurface of its child',
    code: 0,
    interface: 'wl_subcompositor',
    run: (s) => {
      const [a, b] = [s.surfaceAgain(), s.surfaceAgain()];
      const c = s.bind('wl_subcompositor');
      s.make(c, 'get_subsurface', a, b);
      s.make(c, 'get_subsurface', b, a);
    },
  },
  {
    rule: 'value',
    what: 'stacked over a stranger',
    code: 0,
    run: (s) => {
      const sub = s.make(s.bind('wl_subcompositor'), 'get_subsurface', s.surfaceAgain(), s.surface);
      s.ask(sub, 'place_above', s.surfaceAgain());
    },
    interface: 'wl_subsurface',
  },
  {
    rule: 'state',
    what: 'an xdg_surface for a surface with a buffer',
    code: 4,
    interface: 'xdg_wm_base',
    run: async (s) => {
      const x = s.surfaceAgain();
      s.ask(x, 'attach', await s.buffer(), 0, 0);
      s.make(s.base, 'get_xdg_surface', x);
    },
  },
  {
    rule: 'cursor-size',
    what: 'a cursor that is too large',
    code: 1,
    options: { policy: { windows: { cursorSizeMax: 16 } } },
    run: async (s) => {
      const x = s.surfaceAgain();
      s.ask(x, 'attach', await s.buffer(17, 1), 0, 0);
      s.ask(s.make(s.bind('wl_seat'), 'get_pointer'), 'set_cursor', 0, x, 0, 0);
    },
  },
  {
    rule: 'cursor-size',
    what: 'a cursor that grows',
    code: 1,
    run: (s) => {
      const x = s.surfaceAgain();
      s.ask(s.make(s.bind('wl_seat'), 'get_pointer'), 'set_cursor', 0, x, 0, 0);
      s.ask(s.make(s.bind('wp_viewporter'), 'get_viewport', x), 'set_destination', 513, 1);
      s.ask(x, 'commit');
    },
  },
  {
    rule: 'limit-surfaces',
    what: 'too many surfaces',
    code: 2,
    options: { policy: { limits: { surfaces: 2 } } },
    run: (s) => {
      s.surfaceAgain();
      s.surfaceAgain();
    },
  },
  {
    rule: 'limit-objects',
    what: 'too many objects',
    code: 2,
    options: { policy: { limits: { objects: 64 } } },
    run: (s) => {
      for (let i = 0; i < 64; i++) s.make(s.compositor, 'create_region');
    },
  },
  {
    rule: 'limit-callbacks',
    what: 'too many callbacks',
    code: 2,
    options: { policy: { limits: { callbacks: 4 } } },
    run: (s) => {
      for (let i = 0; i < 5; i++) s.make(s.surface, 'frame');
    },
  },
  {
    rule: 'limit-region',
    what: 'too many operations on regions',
    code: 2,
    options: { policy: { limits: { regionOperations: 10 } } },
    run: (s) => {
      const r = s.make(s.compositor, 'create_region');
      for (let i = 0; i < 11; i++) s.ask(r, 'add', i, 0, 1, 1);
    },
  },
  {
    rule: 'state',
    what: 'a second viewport',
    code: 0,
    interface: 'wp_viewporter',
    run: (s) => {
      const v = s.bind('wp_viewporter');
      s.make(v, 'get_viewport', s.surface);
      s.make(v, 'get_viewport', s.surface);
    },
  },
  {
    rule: 'value',
    what: 'a viewport destination of 0',
    code: 0,
    interface: 'wp_viewport',
    run: (s) => s.ask(s.make(s.bind('wp_viewporter'), 'get_viewport', s.surface), 'set_destination', 0, 1),
  },
  {
    rule: 'value',
    what: 'a viewport source below 0',
    code: 0,
    interface: 'wp_viewport',
    run: (s) => s.ask(s.make(s.bind('wp_viewporter'), 'get_viewport', s.surface), 'set_source', -1, 0, 1, 1),
  },
  {
    rule: 'value',
    what: 'a viewport source of broken pixels',
    code: 1,
    interface: 'wp_viewport',
    run: (s) => {
      const x = s.surfaceAgain();
      s.ask(s.make(s.bind('wp_viewporter'), 'get_viewport', x), 'set_source', 0, 0, 1.5, 1);
      s.ask(x, 'commit');
    },
  },
  {
    rule: 'value',
    what: 'a viewport source beyond the buffer',
    code: 2,
    interface: 'wp_viewport',
    run: async (s) => {
      const x = s.surfaceAgain();
      s.ask(s.make(s.bind('wp_viewporter'), 'get_viewport', x), 'set_source', 1, 0, 8, 8);
      s.ask(x, 'attach', await s.buffer(), 0, 0);
      s.ask(x, 'commit');
    },
  },
  {
    rule: 'state',
    what: 'a second constraint',
    code: 1,
    interface: 'zwp_pointer_constraints_v1',
    run: (s) => {
      const c = s.bind('zwp_pointer_constraints_v1');
      const p = s.make(s.bind('wl_seat'), 'get_pointer');
      s.make(c, 'lock_pointer', s.surface, p, 0, 2);
      s.make(c, 'confine_pointer', s.surface, p, 0, 2);
    },
  },
  {
    rule: 'state',
    what: 'a token after its commit',
    code: 0,
    interface: 'xdg_activation_token_v1',
    run: (s) => {
      const x = s.make(s.bind('xdg_activation_v1'), 'get_activation_token');
      s.ask(x, 'commit');
      s.ask(x, 'set_app_id', 'x');
    },
  },
  {
    rule: 'role',
    what: 'export of what is no window',
    code: 0,
    interface: 'zxdg_exporter_v2',
    run: (s) => {
      s.make(s.bind('zxdg_exporter_v2'), 'export_toplevel', s.surfaceAgain());
    },
  },
];

const SEATS: readonly Case[] = (['keyboard', 'pointer', 'touch'] as const).map((device, index) => ({
  rule: 'state',
  what: `a ${device} of a seat that has none`,
  code: 0,
  interface: 'wl_seat',
  options: { capabilities: index === 0 ? 5 : index === 1 ? 6 : 3 },
  run: (s: Stage) => {
    s.make(s.bind('wl_seat'), `get_${device}`);
  },
}));

const SHELL: readonly Case[] = [
  {
    rule: 'state',
    what: 'a commit without a role',
    code: 1,
    interface: 'xdg_surface',
    run: (s) => {
      const x = s.surfaceAgain();
      s.make(s.base, 'get_xdg_surface', x);
      s.ask(x, 'commit');
    },
  },
  {
    rule: 'state',
    what: 'a buffer before the configure',
    code: 3,
    interface: 'xdg_surface',
    run: async (s) => {
      s.ask(s.surface, 'attach', await s.buffer(), 0, 0);
      s.ask(s.surface, 'commit');
    },
  },
  {
    rule: 'state',
    what: 'a buffer after unmapping, before a new configure',
    code: 3,
    interface: 'xdg_surface',
    run: async (s) => {
      await s.configured();
      s.ask(s.surface, 'attach', 0, 0, 0);
      s.ask(s.surface, 'commit');
      s.ask(s.surface, 'attach', await s.buffer(), 0, 0);
      s.ask(s.surface, 'commit');
    },
  },
  {
    rule: 'state',
    what: 'a serial that was never sent',
    code: 4,
    interface: 'xdg_surface',
    run: async (s) => {
      await s.configured();
      s.ask(s.shell, 'ack_configure', 78);
    },
  },
  {
    rule: 'role',
    what: 'two toplevels',
    code: 2,
    interface: 'xdg_surface',
    run: (s) => {
      s.make(s.shell, 'get_toplevel');
    },
  },
  {
    rule: 'role',
    what: 'an xdg_surface destroyed before its toplevel',
    code: 6,
    interface: 'xdg_surface',
    run: (s) => s.ask(s.shell, 'destroy'),
  },
  {
    rule: 'role',
    what: 'xdg_wm_base destroyed first',
    code: 1,
    interface: 'xdg_wm_base',
    run: (s) => s.ask(s.base, 'destroy'),
  },
  {
    rule: 'value',
    what: 'an empty geometry',
    code: 5,
    interface: 'xdg_surface',
    run: (s) => s.ask(s.shell, 'set_window_geometry', 0, 0, 0, 1),
  },
  {
    rule: 'value',
    what: 'a negative minimum',
    code: 2,
    interface: 'xdg_toplevel',
    run: (s) => s.ask(s.toplevel, 'set_min_size', -1, 0),
  },
  {
    rule: 'value',
    what: 'a minimum above the maximum',
    code: 2,
    interface: 'xdg_toplevel',
    run: (s) => {
      s.ask(s.toplevel, 'set_min_size', 5, 0);
      s.ask(s.toplevel, 'set_max_size', 4, 0);
      s.ask(s.surface, 'commit');
    },
  },
  {
    rule: 'value',
    what: 'its own parent',
    code: 1,
    interface: 'xdg_toplevel',
    run: (s) => s.ask(s.toplevel, 'set_parent', s.toplevel),
  },
  {
    rule: 'value',
    what: 'a positioner of size 0',
    code: 0,
    interface: 'xdg_positioner',
    run: (s) => s.ask(s.make(s.base, 'create_positioner'), 'set_size', 0, 4),
  },
  {
    rule: 'value',
    what: 'a negative anchor',
    code: 0,
    interface: 'xdg_positioner',
    run: (s) => s.ask(s.make(s.base, 'create_positioner'), 'set_anchor_rect', 0, 0, -1, 4),
  },
  {
    rule: 'value',
    what: 'a popup with an incomplete positioner',
    code: 5,
    interface: 'xdg_wm_base',
    run: (s) => {
      const x = s.make(s.base, 'get_xdg_surface', s.surfaceAgain());
      s.make(x, 'get_popup', s.shell, s.make(s.base, 'create_positioner'));
    },
  },
  {
    rule: 'role',
    what: 'a popup without parent',
    code: 3,
    interface: 'xdg_wm_base',
    run: (s) => {
      const x = s.make(s.base, 'get_xdg_surface', s.surfaceAgain());
      s.make(x, 'get_popup', 0, s.positioner());
    },
  },
  {
    rule: 'role',
    what: 'a popup destroyed before the one on it',
    code: 2,
    interface: 'xdg_wm_base',
    run: (s) => {
      const one = s.make(s.base, 'get_xdg_surface', s.surfaceAgain());
      const popup = s.make(one, 'get_popup', s.shell, s.positioner());
      const two = s.make(s.base, 'get_xdg_surface', s.surfaceAgain());
      s.make(two, 'get_popup', one, s.positioner());
      s.ask(popup, 'destroy');
    },
  },
  {
    rule: 'state',
    what: 'two decorations',
    code: 1,
    interface: 'zxdg_toplevel_decoration_v1',
    run: (s) => {
      const d = s.bind('zxdg_decoration_manager_v1');
      s.make(d, 'get_toplevel_decoration', s.toplevel);
      s.make(d, 'get_toplevel_decoration', s.toplevel);
    },
  },
];

const FORMAT = 0x34325258;

async function params(s: Stage, exportable = true): Promise<{ id: number; item: ItemFromGuest }> {
  const dmabuf = s.bind('zwp_linux_dmabuf_v1');
  await s.guest.sync();
  s.guest.compositor.send(asObject(s.guest.compositor.living('zwp_linux_dmabuf_v1')[0]), 'modifier', [
    FORMAT,
    0,
    0,
  ]);
  await s.guest.event(dmabuf, 'modifier');
  const blob = new TestBlob(4096, null, exportable ? () => createMemfd('dmabuf', { size: 4096 }) : null);
  return { id: s.make(dmabuf, 'create_params'), item: blob.item };
}

const DMABUF_PARAMS: readonly Case[] = [
  {
    rule: 'dmabuf',
    what: 'a blob that has no dma-buf',
    code: 7,
    run: async (s) => {
      const { id, item } = await params(s, false);
      s.attach(id, 'add', [0, 0, 0, 64, 0, 0], item);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'a second plane',
    code: 1,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 1, 0, 64, 0, 0], item);
    },
  },
  {
    rule: 'dmabuf',
    what: 'a plane twice',
    code: 2,
    run: async (s) => {
      const { id, item } = await params(s);
      for (let i = 0; i < 2; i++) s.attach(id, 'add', [0, 0, 0, 64, 0, 0], item);
    },
  },
  {
    rule: 'dmabuf',
    what: 'a tiled buffer',
    code: 4,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0, 64, 1, 0], item);
    },
  },
  {
    rule: 'dmabuf',
    what: 'no plane',
    code: 3,
    run: async (s) => {
      const { id } = await params(s);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'another format',
    code: 4,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0, 64, 0, 0], item);
      s.make(id, 'create_immed', 16, 8, FORMAT + 1, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'no height',
    code: 5,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0, 64, 0, 0], item);
      s.make(id, 'create_immed', 16, 0, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'beyond its blob',
    code: 6,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 4096 - 64 * 8 + 4, 64, 0, 0], item);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'a stride below a row',
    code: 6,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0, 60, 0, 0], item);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'the largest numbers',
    code: 6,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0xffffffff, 0xffffffff, 0, 0], item);
      s.make(id, 'create_immed', 16384, 16384, FORMAT, 0);
    },
  },
  {
    rule: 'dmabuf',
    what: 'used twice',
    code: 0,
    run: async (s) => {
      const { id, item } = await params(s);
      s.attach(id, 'add', [0, 0, 0, 64, 0, 0], item);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
      s.make(id, 'create_immed', 16, 8, FORMAT, 0);
    },
  },
];
const DMABUF: readonly Case[] = DMABUF_PARAMS.map((each) => ({
  ...each,
  interface: 'zwp_linux_buffer_params_v1',
  options: { dmabuf: true },
}));

const DATA: readonly Case[] = [
  {
    rule: 'state',
    what: 'actions twice',
    code: 1,
    interface: 'wl_data_source',
    run: (s) => {
      const x = s.make(s.bind('wl_data_device_manager'), 'create_data_source');
      s.ask(x, 'set_actions', 1);
      s.ask(x, 'set_actions', 1);
    },
  },
  {
    rule: 'enum',
    what: 'an action that does not exist',
    code: 1,
    run: (s) => s.ask(s.make(s.bind('wl_data_device_manager'), 'create_data_source'), 'set_actions', 8),
  },
  {
    rule: 'state',
    what: 'a source of a drag as selection',
    code: 1,
    interface: 'wl_data_source',
    run: (s) => {
      const m = s.bind('wl_data_device_manager');
      const x = s.make(m, 'create_data_source');
      s.ask(x, 'set_actions', 1);
      s.ask(s.make(m, 'get_data_device', s.bind('wl_seat')), 'set_selection', x, 0);
    },
  },
  {
    rule: 'limit-mime-types',
    what: 'too many MIME types',
    code: 2,
    options: { policy: { limits: { mimeTypes: 3 } } },
    run: (s) => {
      const x = s.make(s.bind('wl_data_device_manager'), 'create_data_source');
      for (let i = 0; i < 4; i++) s.ask(x, 'offer', `text/x-${i}`);
    },
  },
];

for (const [group, cases] of Object.entries({ WIRE, SHM, SURFACES, SEATS, SHELL, DMABUF, DATA })) {
  t.test(group.toLowerCase(), async (t) => {
    for (const { rule, what, code, interface: interfaceName = 'wl_display', options = {}, run } of cases) {
      const s = await stage(options);
      await run(s);
      // (Its own rule, because null comes before the range.)
      const expected = what === 'id 0 is null' ? 'wire-format' : rule;
      const error = await s.guest.error();
      t.equal(s.guest.channel.metrics.violation, expected, `${rule}: ${what}`);
      t.match(error, { code, text: new RegExp(`^${expected}: `) }, `${rule}: ${what}: ${error.text}`);
      t.equal(s.guest.objects.get(error.object)?.interface, interfaceName, `${rule}: ${what}: the object`);
      t.match(s.guest.log, [new RegExp(`work/test: ${expected}: `)]);
      await until(() => s.guest.compositor.ended !== null);
      t.equal(s.guest.compositor.ended?.code, 'WL_ERR_DISCONNECTED', `${rule}: ${what}: the compositor`);
      t.equal(s.blob.holds, 0, `${rule}: ${what}: given back`);
      s.guest.close();
    }
  });
}

/** Words as they travel: object, size and opcode, arguments. */
function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
