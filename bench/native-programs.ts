/** The benchmark's programs in C, compiled when they are first needed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCES = new URL('../../bench/native/', import.meta.url);
const BUILD = new URL('./native/', import.meta.url);

/** The path of the program that `native/NAME.c` makes. Throws with the compiler's words when it can't be made. */
export function nativeProgram(name: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, SOURCES));
  const program = fileURLToPath(new URL(name, BUILD));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(BUILD, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  execFileSync('cc', ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-o', fresh, source]);
  renameSync(fresh, program);
  return program;
}
