// Puts the compiled modules of a command into one file: node's loader takes about a millisecond for each module, which
// is most of what a start takes. Run by `npm run build`, after the compiler.
//
//   node scripts/bundle.mjs ENTRY TARGET
//
// What is only reached by `import()` goes to files of its own, beside TARGET. koffi stays an import: it is native code,
// and used on request only. Comments go and names stay, for stack traces.

import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const [entry, target] = process.argv.slice(2).map((path) => resolve(path));
const folder = dirname(target);
const name = basename(target, '.js');
const PART = `${name}-part-`;
// The names of parts change with their content.
for (const file of readdirSync(folder)) if (file.startsWith(PART)) rmSync(join(folder, file));

/** Modules find files beside them (the addon, package.json) as if each were still where it was. */
const ownPlaces = {
  name: 'own-places',
  setup({ initialOptions, onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const place = JSON.stringify(relative(initialOptions.outdir, path));
      return { contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
    });
  },
};

await build({
  entryPoints: { [name]: entry },
  outdir: folder,
  chunkNames: `${PART}[hash]`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['koffi'],
  // ws would load native modules that happen to be installed.
  define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
  minifySyntax: true,
  legalComments: 'none',
  // For coverage: packages go without.
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [ownPlaces],
  // commander is CommonJS.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
  },
  logLevel: 'warning',
});
// It is a program: libvirt starts it by its path.
chmodSync(target, 0o755);
