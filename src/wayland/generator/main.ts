/** Writes the `generated` folder anew: `npm run generate:wayland` (the argument is the `protocol` folder). */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateModules } from './generate.js';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: main.js PROTOCOL_FOLDER');
const modules = generateModules(join(folder, 'xml'));
const target = join(folder, 'generated');
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [name, text] of modules) writeFileSync(join(target, name), text);
console.log(`${modules.size} files in ${target}`);
