// Makes the viewer's page of its compiled modules: one script, and the files beside it as they are. The server reads these
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
  entryPoints: { viewer: join(root, 'dist/src/viewer/page/main.js') },
  outdir: target,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});
for (const [from, to] of [
  ['index.html', 'index.html'],
  ['style.css', 'viewer.css'],
  ['favicon.svg', 'favicon.svg'],
]) {
  copyFileSync(join(source, from), join(target, to));
}
