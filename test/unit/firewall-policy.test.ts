/** Policy files: what is accepted, what the error says, and that code, schema and documentation agree. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { allowsMimeType } from '../../src/wayland/firewall/policy/policy.js';
import { cleanAppId, cleanText, fillTemplate, truncateUtf8 } from '../../src/wayland/firewall/text.js';
import {
  DEFAULT_POLICY,
  GLOBAL_RULES,
  INTERFACES,
  NEVER,
  PolicyError,
  parsePolicy,
  policyFrom,
} from '../../src/wayland/index.js';

const FOLDER = 'src/wayland/firewall';

t.test('an empty policy is the default', async (t) => {
  t.same(policyFrom({}), DEFAULT_POLICY);
  t.same(parsePolicy('{ "$schema": "x" }'), DEFAULT_POLICY);
});

t.test('everything that can be set', async (t) => {
  const policy = parsePolicy(
    JSON.stringify({
      label: { title: '{title} ({vm})', appId: '{appId}', titleMax: 10 },
      border: { show: 'auto', color: '#00FF7f' },
      globals: {
        wl_compositor: 4,
        zwp_idle_inhibit_manager_v1: true,
        xdg_activation_v1: false,
        wl_shell: false,
      },
      clipboard: { direction: 'ask', mimeTypes: ['text/*'], maxBytes: 0 },
      ask: { command: ['/usr/bin/ask', '--now'], timeoutSeconds: 5 },
      windows: { fullscreen: true, cursorSizeMax: 64 },
      securityContext: 'require',
      limits: { surfaces: 10, messagesPerSecond: 100 },
    }),
  );
  t.match(policy, {
    label: { title: '{title} ({vm})', titleMax: 10 },
    border: { show: 'auto', color: '#00FF7f', width: 4 },
    clipboard: { direction: 'ask', mimeTypes: ['text/*'], maxBytes: 0 },
    primary: { direction: 'none' },
    ask: { command: ['/usr/bin/ask', '--now'], timeoutSeconds: 5 },
    windows: { fullscreen: true, maximize: true, cursorSizeMax: 64 },
    securityContext: 'require',
    limits: { surfaces: 10, buffers: DEFAULT_POLICY.limits.buffers },
  });
  t.equal(policy.globals.get('wl_compositor'), 4);
  t.equal(policy.globals.get('zwp_idle_inhibit_manager_v1'), 1);
  t.notOk(policy.globals.has('xdg_activation_v1'));
});

t.test('errors name the place', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['{', /^p\.json: /],
    ['[]', /^p\.json: a list where an object belongs$/],
    ['{"clipbord": {}}', /^p\.json\.clipbord: unknown; known here: .*clipboard/],
    ['{"clipboard": {"direction": "out"}}', /^p\.json\.clipboard\.direction: "out" where one of none, /],
    ['{"clipboard": {"direction": "ask"}}', /^p\.json\.clipboard\.direction: "ask" needs an ask\.command$/],
    ['{"clipboard": {"maxBytes": -1}}', /^p\.json\.clipboard\.maxBytes: -1 where a whole number from 0/],
    [
      '{"clipboard": {"mimeTypes": ["a", 1]}}',
      /^p\.json\.clipboard\.mimeTypes\[1\]: 1 where a string belongs$/,
    ],
    ['{"globals": {"zwlr_layer_shell_v1": true}}', /zwlr_layer_shell_v1: never forwarded: it draws over/],
    [
      '{"globals": {"wl_seat": 99}}',
      /^p\.json\.globals\.wl_seat: 99 where a whole number from 1 to 9 belongs$/,
    ],
    ['{"globals": {"wl_saet": false}}', /wl_saet: no global that is known$/],
    ['{"globals": {"wl_saet": true}}', /wl_saet: no global that can be forwarded$/],
    ['{"windows": {"fullscreen": 1}}', /^p\.json\.windows\.fullscreen: 1 where true or false belongs$/],
    ['{"border": {"show": true}}', /^p\.json\.border\.show: true where one of auto, always, never belongs$/],
    ['{"border": {"color": "red"}}', /^p\.json\.border\.color: "red" where a color like #e08000 belongs$/],
    ['{"border": {"width": 0}}', /^p\.json\.border\.width: 0 where a whole number from 1 to 32 belongs$/],
    ['{"limits": {"surfaces": 0}}', /^p\.json\.limits\.surfaces: 0 where a whole number from 1 /],
    ['{"ask": {"command": "rm"}}', /^p\.json\.ask\.command: "rm" where a list of strings belongs$/],
    ['{"ask": {"command": [""]}}', /^p\.json\.ask\.command: the program has no name$/],
  ];
  for (const [text, message] of cases) {
    t.throws(() => parsePolicy(text, 'p.json'), { name: 'PolicyError', message }, text);
  }
});

t.test('whatever the JSON, a policy or a PolicyError', async (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parsePolicy(text);
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  t.pass('500 texts');
});

t.test('the tables agree with each other', async (t) => {
  for (const [name, { version }] of GLOBAL_RULES) {
    const table = INTERFACES.get(name);
    t.ok(table !== undefined && table.version >= version, name);
    t.notOk(NEVER.has(name), `${name} is not one of those that never go through`);
  }
  const schema = JSON.parse(readFileSync(`${FOLDER}/policy.schema.json`, 'utf8'));
  const keys = (value: object): string[] => Object.keys(value).sort();
  t.same(
    keys(schema.properties).filter((key) => key !== '$schema'),
    keys(DEFAULT_POLICY),
  );
  t.same(keys(schema.properties.limits.properties), keys(DEFAULT_POLICY.limits));
  t.same(keys(schema.properties.windows.properties), keys(DEFAULT_POLICY.windows));
  t.same(keys(schema.properties.label.properties), keys(DEFAULT_POLICY.label));
  t.same(keys(schema.properties.globals.properties), [...GLOBAL_RULES.keys()].sort());
  for (const [name, value] of Object.entries(DEFAULT_POLICY.limits)) {
    t.equal(schema.properties.limits.properties[name].default, value, `limits.${name}`);
  }
});

t.test('MIME patterns', async (t) => {
  const allows = (patterns: string[], type: string): boolean =>
    allowsMimeType({ direction: 'both', mimeTypes: patterns, maxBytes: 0 }, type);
  t.ok(allows(['text/plain'], 'text/plain'));
  t.notOk(allows(['text/plain'], 'text/plain;charset=utf-8'));
  t.ok(allows(['text/plain;charset=*'], 'text/plain;charset=utf-8'));
  t.ok(allows(['*'], ''));
  t.ok(allows(['image/*+xml'], 'image/svg+xml'));
  t.notOk(allows(['image/*+xml'], 'image/+xm'));
  t.notOk(allows(['a*a'], 'a'), 'parts do not overlap');
  t.ok(allows(['a*b*c'], 'a-b-b-c'));
  t.notOk(allows(['a*b*c'], 'a-c-b'));
  t.notOk(allows([], 'text/plain'));
});

t.test('labels: nothing of the guest gets in front of, above or around them', async (t) => {
  t.equal(cleanText('a\u0000b\u001b[31mc\u007f\u0085d', 100), 'ab[31mcd');
  t.equal(cleanText('a\u202eb\u2066c\u200fd\u061ce', 100), 'abcde');
  t.equal(cleanText('a\u2028b\u2029c\nd\re\tf', 100), 'abcdef');
  t.equal(cleanText('\u{e0041}\u{1f600}x\ufeff', 100), '\u{1f600}x');
  t.equal(cleanText('\ud800x', 100), 'x');
  t.equal(cleanText(`e${'\u0301'.repeat(50)}`, 100).length, 5, 'stacked marks');
  t.equal(cleanText('   x', 100), 'x');
  t.equal(cleanText('abcdef', 4), 'abc…');
  t.equal(cleanText('abcd', 4), 'abcd');
  t.equal(cleanAppId('../a b/c', 100), '.._a_b_c');
  t.equal(fillTemplate('[{vm}] {title} {x}', { vm: '{title}', title: '$&' }), '[{title}] $& {x}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(200), (text, max) => {
      const clean = cleanText(text, max);
      if ([...clean].length > max) throw new Error('too long');
      if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(clean)) throw new Error('a control is left');
      const cut = truncateUtf8(clean, max);
      if (Buffer.byteLength(cut) > max || !clean.startsWith(cut)) throw new Error('badly cut');
    }),
  );
});

t.test('the documentation has every rule and every option', async (t) => {
  const readme = readFileSync(`${FOLDER}/README.md`, 'utf8');
  const rules = readFileSync(`${FOLDER}/violation.ts`, 'utf8').match(/(?<=\| ')[a-z-]+(?=')/g) ?? [];
  t.ok(rules.length > 15);
  for (const rule of rules) t.ok(readme.includes(`\`${rule}\``), rule);
  for (const name of GLOBAL_RULES.keys()) t.ok(readme.includes(name), name);
  for (const [section, options] of Object.entries(DEFAULT_POLICY)) {
    t.ok(readme.includes(`\`${section}\``) || readme.includes(`"${section}"`), section);
    if (typeof options !== 'object' || options === null || options instanceof Map) continue;
    for (const name of Object.keys(options)) t.ok(readme.includes(name), `${section}.${name}`);
  }
});
