/** Requests and answers against their declarations, and the document that is made of them. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { openApiDocument } from '../../src/control/api/openapi.js';
import { ROUTES } from '../../src/control/api/routes.js';
import { findMistake, nullable, object } from '../../src/schema/index.js';

const PLACE = object(
  {
    x: { type: 'integer', minimum: 0, maximum: 9 },
    name: { type: 'string', maxLength: 3 },
    kind: { type: 'string', enum: ['a', 'b'] },
    on: { type: 'boolean' },
    list: { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 2 },
    inner: nullable(object({ y: { type: 'number' } }, ['y'])),
  },
  ['x'],
);

t.test('values that fit, and what is wrong with others', async (t) => {
  const good = [
    { x: 0 },
    { x: 9, name: '', kind: 'b', on: false, list: [1.5, -2], inner: null },
    { x: 1, inner: { y: 0 } },
  ];
  for (const value of good) t.equal(findMistake(PLACE, value, 'v'), null);
  const bad: readonly [value: unknown, mistake: string][] = [
    [null, 'v: expected an object'],
    [[], 'v: expected an object'],
    [{}, 'v.x: missing'],
    [{ x: 10 }, 'v.x: expected an integer from 0 to 9'],
    [{ x: 1.5 }, 'v.x: expected an integer from 0 to 9'],
    [{ x: '1' }, 'v.x: expected an integer from 0 to 9'],
    [{ x: 1, name: 'four' }, 'v.name: expected 0 to 3 characters'],
    [{ x: 1, kind: 'c' }, 'v.kind: expected one of a, b'],
    [{ x: 1, on: 1 }, 'v.on: expected true or false'],
    [{ x: 1, list: [] }, 'v.list: expected 1 to 2 items'],
    [{ x: 1, list: [1, Number.POSITIVE_INFINITY] }, 'v.list[1]: expected a number'],
    [{ x: 1, inner: {} }, 'v.inner.y: missing'],
    [{ x: 1, z: 1 }, 'v.z: not known'],
    [JSON.parse('{"x":1,"__proto__":1}'), 'v.__proto__: not known'],
    [JSON.parse('{"x":1,"toString":1}'), 'v.toString: not known'],
  ];
  for (const [value, mistake] of bad) t.equal(findMistake(PLACE, value, 'v'), mistake);
});

t.test('every string and list that comes in has a bound', async (t) => {
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type, enum: words, maxLength, maxItems } = value as Record<string, unknown>;
    if (type === 'string') t.ok(words !== undefined || maxLength !== undefined, path);
    if (type === 'array') t.ok(maxItems !== undefined, path);
    for (const [name, item] of Object.entries(value)) look(item, `${path}.${name}`);
  };
  for (const [name, { params, query, body }] of Object.entries(ROUTES)) look({ params, query, body }, name);
});

t.test('docs/openapi.json is made of the declarations (npm run generate:openapi)', async (t) => {
  const root = new URL('../../../', import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  const written = JSON.parse(readFileSync(new URL('docs/openapi.json', root), 'utf8')) as object;
  t.same(written, JSON.parse(JSON.stringify(openApiDocument(version))));
});
