// Puts the compiled modules of a command into one file: node's loader takes about a millisecond for each module, which
// is most of what a start takes. Run by `npm run build`, after the compiler.
//
//   node scripts/bundle.mjs ENTRY TARGET
//
// Each module becomes a function that runs once, at its first import, and its imports become constants. (There are no
// cycles.) What is only reached by `import()` goes to files of their own, TARGET with a number before its suffix.
// Packages other than our own stay imports, and are loaded by node as before.

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Our own packages, by name. */
const PACKAGES = {
  'vhost-user-ts': resolve(root, 'src/vhost/dist/index.js'),
  'vhost-user-native': resolve(root, 'native/dist/index.js'),
};
/** A function that runs once, and returns what it returned then. */
const ONCE = 'const once = (run) => { let result; return () => (result ??= run()); };';

const [entry, target] = process.argv.slice(2).map((path) => resolve(path));
/** By path: the name that a module's function has in all files, its text, and the file that it is in. */
const modules = new Map();
/** The files: what they are entered by, and the modules and foreign imports of each. The first one is TARGET. */
const files = [];

function fileName(index) {
  return index === 0 ? target : target.replace(/\.js$/, `.${index}.js`);
}

/** The file that is entered by a module, to be made if it is new. */
function fileOf(path) {
  const known = files.findIndex((file) => file.entry === path);
  return known >= 0 ? known : files.push({ entry: path, modules: [], externals: new Map() }) - 1;
}

/** Adds a module and, before it, those that it imports. Returns the name of its function. */
function add(path, file) {
  const known = modules.get(path);
  if (known !== undefined) return known.name;
  const source = readFileSync(path, 'utf8').replace(/^#!.*/, '');
  const module = {
    name: '',
    text: rewrite(ts.createSourceFile(path, source, ts.ScriptTarget.Latest), path, file),
  };
  module.name = `module${modules.size}`;
  modules.set(path, module);
  files[file].modules.push(module);
  return module.name;
}

/** The expression for what a module exports. */
function exportsOf(specifier, from, file) {
  if (specifier.startsWith('.')) return `${add(resolve(dirname(from), specifier), file)}()`;
  if (Object.hasOwn(PACKAGES, specifier)) return `${add(PACKAGES[specifier], file)}()`;
  const { externals } = files[file];
  if (!externals.has(specifier)) externals.set(specifier, `external${externals.size}`);
  return externals.get(specifier);
}

/** `a, b as c` of an import, as a pattern. */
function pattern(elements) {
  return elements
    .map(({ propertyName, name }) => (propertyName ? `${propertyName.text}: ${name.text}` : name.text))
    .join(', ');
}

function rewriteImport({ importClause: clause, moduleSpecifier }, path, file) {
  const from = exportsOf(moduleSpecifier.text, path, file);
  if (clause === undefined) return '';
  const { name, namedBindings: bindings } = clause;
  const constants = name === undefined ? [] : [`const ${name.text} = ${from}.default;`];
  if (bindings !== undefined) {
    const bound = ts.isNamespaceImport(bindings) ? bindings.name.text : `{ ${pattern(bindings.elements)} }`;
    constants.push(`const ${bound} = ${from};`);
  }
  return constants.join(' ');
}

/** `export { … }` and `export * from …`, as properties of an object. */
function rewriteExport({ exportClause: clause, moduleSpecifier }, path, file) {
  const from = moduleSpecifier === undefined ? null : exportsOf(moduleSpecifier.text, path, file);
  if (clause === undefined) return [`...${from}`];
  return clause.elements.map(({ propertyName, name }) => {
    const source = (propertyName ?? name).text;
    return `${name.text}: ${from === null ? source : `${from}.${source}`}`;
  });
}

/** The module's text without `import` and `export`, and what it exports as the function's result. */
function rewrite(parsed, path, file) {
  const exported = [];
  let text = '';
  let end = 0;
  const replace = (node, by) => {
    text += parsed.text.slice(end, node.getStart(parsed)) + by;
    end = node.end;
  };
  for (const statement of parsed.statements) {
    const keyword = statement.modifiers?.find(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (ts.isImportDeclaration(statement)) {
      replace(statement, rewriteImport(statement, path, file));
    } else if (ts.isExportDeclaration(statement)) {
      exported.push(...rewriteExport(statement, path, file));
      replace(statement, '');
    } else if (keyword !== undefined) {
      const declared = ts.isVariableStatement(statement)
        ? statement.declarationList.declarations
        : [statement];
      exported.push(...declared.map(({ name }) => name.text));
      replace(keyword, '');
    }
  }
  text += parsed.text.slice(end);
  const url = `new URL(${JSON.stringify(relative(dirname(target), path))}, import.meta.url).href`;
  text = text
    .replace(/\bimport\('([^']+)'\)/g, (_, specifier) => `load${fileOf(resolve(dirname(path), specifier))}()`)
    .replaceAll('import.meta.url', url);
  return exported.length === 0 ? text : `${text}\nreturn { ${exported.join(', ')} };`;
}

function write(index, parts) {
  const { outputText } = ts.transpileModule(parts.join('\n'), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, removeComments: true },
  });
  writeFileSync(fileName(index), outputText);
}

function importsOf({ externals }) {
  return [...externals].map(([specifier, name]) => `import * as ${name} from ${JSON.stringify(specifier)};`);
}

function definitions(all) {
  return all.map(({ name, text }) => `const ${name} = once(() => {\n${text}\n});`);
}

fileOf(entry);
for (let index = 0; index < files.length; index++) add(files[index].entry, index);
const [main, ...others] = files;
const shared = main.modules.slice(0, -1);
const names = shared.map(({ name }) => name).join(', ');
const loaders = others.map((_, i) => {
  const url = JSON.stringify(`./${basename(fileName(i + 1))}`);
  return `const load${i + 1} = async () => (await import(${url})).enter({ ${names} });`;
});
write(0, [
  '#!/usr/bin/env node',
  ...importsOf(main),
  ONCE,
  ...definitions(shared),
  ...loaders,
  main.modules.at(-1).text,
]);
for (const [i, file] of others.entries()) {
  const enter = `export function enter({ ${names} }) {\n${definitions(file.modules).join('\n')}\nreturn ${file.modules.at(-1).name}();\n}`;
  write(i + 1, [...importsOf(file), ONCE, enter]);
}
