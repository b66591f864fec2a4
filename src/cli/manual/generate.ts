/** Writes docs/cli.md: node generate.js FILE. */
import { writeFileSync } from 'node:fs';
import { packageVersion } from '../version.js';
import { allCommands } from './commands.js';
import { reference } from './markdown.js';

const [target = ''] = process.argv.slice(2);
writeFileSync(target, reference(allCommands(packageVersion())));
