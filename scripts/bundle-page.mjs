// Makes the viewer's page of its compiled modules: one script, one style sheet, and what is beside them as it is. The server reads these
// when it starts. Run by `npm run build`, after the compiler.
//
//   node scripts/bundle-page.mjs TARGET

import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = resolve(process.argv[2]);
const source = join(root, 'src/viewer/page');
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

await build({
  entryPoints: [
    { in: join(root, 'dist/src/viewer/page/main.js'), out: 'viewer' },
    { in: join(source, 'style.css'), out: 'viewer' },
  ],
  outdir: target,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});
for (const file of ['index.html', 'favicon.svg']) copyFileSync(join(source, file), join(target, file));
