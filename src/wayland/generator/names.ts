/** How names of the protocols become names of TypeScript. */

/** Parameters that can't be called what the protocol calls them. */
const RESERVED = new Set([
  'interface',
  'class',
  'default',
  'delete',
  'export',
  'function',
  'in',
  'new',
  'with',
]);

/** wl_shm_pool -> WlShmPool */
export function pascalCase(name: string): string {
  return name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** set_input_region -> setInputRegion */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

export function parameterName(name: string): string {
  const camel = camelCase(name);
  return RESERVED.has(camel) ? `${camel}_` : camel;
}

/** presentation-time.xml -> presentation-time */
export function moduleName(fileName: string): string {
  return fileName.replace(/\.xml$/, '');
}
