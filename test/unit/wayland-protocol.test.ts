/** The generated protocol tables, and the generator. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { camelCase as memberName } from '../../src/wayland/client/object.js';
import { generateModules } from '../../src/wayland/generator/generate.js';
import { camelCase } from '../../src/wayland/generator/names.js';
import { parseProtocol } from '../../src/wayland/generator/parse.js';
import {
  fdCount,
  INTERFACES,
  WlOutputTransform,
  wl_callback,
  wl_data_device,
  wl_seat,
  wl_shm,
  wl_surface,
  XdgToplevelState,
  zwp_linux_dmabuf_v1,
} from '../../src/wayland/index.js';
import { eventOf, requestOf } from './wayland-support.js';

// From dist/test/unit, where this file is compiled to.
const protocolFolder = fileURLToPath(new URL('../../../src/wayland/protocol', import.meta.url));

t.test('the generated files are what the XML files give', async (t) => {
  const modules = generateModules(`${protocolFolder}/xml`);
  const there = readdirSync(`${protocolFolder}/generated`).sort();
  t.same(there, [...modules.keys()].sort(), 'neither missing nor left over');
  for (const [name, text] of modules) {
    t.ok(
      readFileSync(`${protocolFolder}/generated/${name}`, 'utf8') === text,
      `${name} (npm run generate:wayland)`,
    );
  }
});

t.test('tables', async (t) => {
  t.same(requestOf(wl_surface, 'damage_buffer'), {
    name: 'damage_buffer',
    opcode: 9,
    since: 4,
    args: ['x', 'y', 'width', 'height'].map((name) => ({ name, type: 'int' })),
  });
  t.same(requestOf(wl_surface, 'attach').args[0], {
    name: 'buffer',
    type: 'object',
    interface: 'wl_buffer',
    nullable: true,
  });
  t.equal(requestOf(wl_surface, 'destroy').destructor, true);
  t.equal(requestOf(wl_seat, 'release').since, 5);
  t.equal(eventOf(wl_callback, 'done').destructor, true);
  t.equal(eventOf(zwp_linux_dmabuf_v1, 'format').deprecatedSince, 4);
  t.equal(fdCount(requestOf(wl_shm, 'create_pool').args), 1);
  t.equal(eventOf(wl_data_device, 'data_offer').args[0]?.interface, 'wl_data_offer');
  t.equal(requestOf(wl_surface, 'set_buffer_transform').args[0]?.enum, 'wl_output.transform');
  const capability = wl_seat.enums.find(({ name }) => name === 'capability');
  t.equal(capability?.bitfield, true);
  t.same(capability?.entries[1], { name: 'keyboard', value: 2, since: 1 });
  t.equal(WlOutputTransform['90'], 1);
  t.equal(XdgToplevelState.activated, 4);
});

t.test('every table holds together', async (t) => {
  t.ok(INTERFACES.size > 80);
  for (const [name, table] of INTERFACES) {
    let wrong = name === table.name ? 0 : 1;
    for (const messages of [table.requests, table.events]) {
      messages.forEach((message, opcode) => {
        if (message.opcode !== opcode || message.since > table.version) wrong++;
        for (const arg of message.args) {
          if (arg.interface !== undefined && !INTERFACES.has(arg.interface)) wrong++;
        }
      });
    }
    t.equal(wrong, 0, name);
  }
});

t.test('generated interfaces and objects at run time name the messages alike', async (t) => {
  for (const table of INTERFACES.values()) {
    const names = [...table.requests, ...table.events].map(({ name }) => name);
    t.same(names.map(memberName), names.map(camelCase), table.name);
  }
});

t.test('the parser refuses what it does not understand', async (t) => {
  const parse = (body: string): unknown => parseProtocol(`<protocol name="p">${body}</protocol>`, 'p.xml');
  const iface = (body: string): string => `<interface name="i" version="2">${body}</interface>`;
  t.doesNotThrow(() => parse(iface('<request name="r" since="2"><arg name="a" type="fd"/></request>')));
  const bad = [
    '<surprise/>',
    '<interface name="i"/>',
    '<interface name="0" version="1"/>',
    iface('<request name="r" type="constructor"/>'),
    iface('<request name="r" since="3"/>'),
    iface('<request name="r" since="one"/>'),
    iface('<request name="r" colour="red"/>'),
    iface('<event name="e"><arg name="a" type="double"/></event>'),
    iface('<arg name="a" type="int"/>'),
    iface('<enum name="e"><entry name="x"/></enum>'),
    iface('<enum name="e"><entry name="x" value="1+1"/></enum>'),
    iface('<enum name="e" bitfield="maybe"/>'),
    '<request name="r"/>',
    '<interface name="i" version="1">',
  ];
  for (const body of bad) t.throws(() => parse(body), { message: /p\.xml/ }, body);
});
