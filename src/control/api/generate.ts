/** Writes the OpenAPI document: node generate.js FILE. */
import { readFileSync, writeFileSync } from 'node:fs';
import { openApiDocument } from './openapi.js';

const [target = ''] = process.argv.slice(2);
const manifest = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };
writeFileSync(target, `${JSON.stringify(openApiDocument(version), null, 2)}\n`);
