/** `vhost-user-gpu-ts completion`: completion and manual pages, which packages install, made from the declarations of the commands. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { allCommands } from './commands.js';
import { completion, SHELLS } from './completion.js';
import { manPage, pageName } from './man-page.js';

const USAGE = `Usage: vhost-user-gpu-ts completion (${SHELLS.join('|')})   prints it
       vhost-user-gpu-ts completion --man FOLDER     writes manual pages
`;

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[], version: string): Promise<number> {
  const [what, folder] = args;
  const commands = allCommands(version);
  const shell = SHELLS.find((name) => name === what);
  if (shell !== undefined) {
    process.stdout.write(completion(shell, commands));
    return EXIT_OK;
  }
  if (what === '--man' && folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    for (const named of commands) {
      writeFileSync(join(folder, `${pageName(named)}.1`), manPage(named, version, commands));
    }
    return EXIT_OK;
  }
  const helped = what === '--help';
  (helped ? process.stdout : process.stderr).write(USAGE);
  return helped ? EXIT_OK : EXIT_USAGE;
}
