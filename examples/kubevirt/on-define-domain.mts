#!/usr/bin/env node
/**
 * KubeVirt's hook `onDefineDomain`: gives a virtual machine this GPU. It is called by KubeVirt's sidecar-shim as
 *
 *   onDefineDomain --vmi JSON --domain XML
 *
 * and prints the XML that libvirt gets. The device connects to a back-end that runs in the same pod, at
 * VHOST_USER_GPU_SOCKET. Annotations of the machine: `vhost-user-gpu-ts/outputs` (1 to 16) and
 * `vhost-user-gpu-ts/resolution` (1920x1080).
 */

const SOCKET_DEFAULT = '/dev/shm/vhost-user-gpu/gpu.sock';
const QEMU_NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0';
/** A place on the root bus behind those that libvirt, which counts upwards, gives to a machine of usual size. */
const PLACE = 'bus=pcie.0,addr=0x10';

/** An element with its place in the text; what is not an element is left as it stands. */
interface Element {
  readonly name: string;
  /** The tag between its name and its end. */
  readonly attributes: string;
  readonly children: Element[];
  readonly start: number;
  /** Of what is inside of it; equal to `innerEnd` in <a/>. */
  readonly innerStart: number;
  innerEnd: number;
  end: number;
}

/** Replaces a part of the text. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Comments, CDATA, instructions, or a tag: (1) slash, (2) name, (3) attributes, (4) slash. */
const MARKUP =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;

/** The tree of a document's elements. Throws where tags do not fit each other. */
function parse(xml: string): Element {
  const top: Element[] = [];
  const open: Element[] = [];
  for (const { 0: all, 1: closing, 2: name, 3: attributes = '', 4: empty, index } of xml.matchAll(MARKUP)) {
    if (name === undefined) continue;
    const after = index + all.length;
    if (closing === '/') {
      const element = open.pop();
      if (element?.name !== name) throw new Error(`</${name}> ends nothing`);
      element.innerEnd = index;
      element.end = after;
      continue;
    }
    const element = {
      name,
      attributes,
      children: [],
      start: index,
      innerStart: after,
      innerEnd: after,
      end: after,
    };
    (open.at(-1)?.children ?? top).push(element);
    if (empty !== '/') open.push(element);
  }
  const [domain, ...others] = top;
  if (domain?.name !== 'domain' || others.length > 0 || open.length > 0)
    throw new Error('that is no <domain>');
  return domain;
}

function attribute({ attributes }: Element, name: string): string | null {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  return match === null ? null : (match[1] ?? match[2] ?? null);
}

function childrenOf({ children }: Element, ...names: readonly string[]): Element[] {
  return children.filter(({ name }) => names.includes(name));
}

function removed({ start, end }: Element): Edit {
  return { start, end, text: '' };
}

/** At the end of an element's content. */
function appended(xml: string, element: Element, text: string): Edit {
  const { name, attributes, start, innerEnd, end } = element;
  const isEmpty = xml.slice(start, end).endsWith('/>') && innerEnd === end;
  if (isEmpty) return { start, end, text: `<${name}${attributes}>${text}</${name}>` };
  return { start: innerEnd, end: innerEnd, text };
}

/** Guest memory as a file that QEMU can pass on. Huge pages stay. */
function memoryEdits(xml: string, domain: Element): Edit[] {
  const shared = "<source type='memfd'/><access mode='shared'/>";
  const [backing] = childrenOf(domain, 'memoryBacking');
  if (backing === undefined) return [appended(xml, domain, `<memoryBacking>${shared}</memoryBacking>`)];
  return [...childrenOf(backing, 'source', 'access').map(removed), appended(xml, backing, shared)];
}

/** No other screen, and no VNC, to which QEMU does not connect one of ours. */
function displayEdits(xml: string, devices: Element): Edit[] {
  const none = "<video><model type='none'/></video>";
  return [...childrenOf(devices, 'video', 'graphics').map(removed), appended(xml, devices, none)];
}

function escaped(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function deviceEdits(xml: string, domain: Element, socket: string, properties: string): Edit[] {
  const words = [
    '-chardev',
    // (QEMU's way to write a comma.)
    `socket,id=vhost-user-gpu-socket,path=${socket.replaceAll(',', ',,')}`,
    '-device',
    `vhost-user-gpu-pci,id=vhost-user-gpu,chardev=vhost-user-gpu-socket,${PLACE}${properties}`,
  ];
  const args = words.map((word) => `<qemu:arg value='${escaped(word)}'/>`).join('');
  const [line] = childrenOf(domain, 'qemu:commandline');
  if (line !== undefined) return [appended(xml, line, args)];
  return [appended(xml, domain, `<qemu:commandline>${args}</qemu:commandline>`)];
}

function namespaceEdits(domain: Element): Edit[] {
  const bound = attribute(domain, 'xmlns:qemu');
  if (bound === QEMU_NAMESPACE) return [];
  if (bound !== null) throw new Error(`the prefix qemu stands for ${bound}`);
  const at = domain.start + '<domain'.length;
  return [{ start: at, end: at, text: ` xmlns:qemu='${QEMU_NAMESPACE}'` }];
}

/** The properties of the device that the machine's annotations ask for. Throws for what is none. */
function propertiesOf(annotations: Readonly<Record<string, unknown>>): string {
  const { 'vhost-user-gpu-ts/outputs': outputs = '1', 'vhost-user-gpu-ts/resolution': resolution } =
    annotations;
  if (!/^([1-9]|1[0-6])$/.test(String(outputs))) throw new Error(`vhost-user-gpu-ts/outputs: ${outputs}`);
  const size = /^(\d{2,5})x(\d{2,5})$/.exec(String(resolution ?? '1280x800'));
  if (size === null) throw new Error(`vhost-user-gpu-ts/resolution: ${resolution}`);
  return `,max_outputs=${outputs},xres=${size[1]},yres=${size[2]}`;
}

/** The domain with this GPU. Throws an Error that says what is wrong with it. */
function withGpu(xml: string, annotations: Readonly<Record<string, unknown>>, socket: string): string {
  const domain = parse(xml);
  const [devices] = childrenOf(domain, 'devices');
  if (devices === undefined) throw new Error('the domain has no <devices>');
  const cells = childrenOf(domain, 'cpu').flatMap((cpu) =>
    childrenOf(cpu, 'numa').flatMap(({ children }) => children),
  );
  if (cells.some((cell) => attribute(cell, 'memAccess') === 'private')) {
    throw new Error("a NUMA cell's memory is private: the back-end could not map it");
  }
  const edits = [
    ...namespaceEdits(domain),
    ...memoryEdits(xml, domain),
    ...displayEdits(xml, devices),
    ...deviceEdits(xml, domain, socket, propertiesOf(annotations)),
  ];
  // From the end on, so that places stay; those at one place in the order of the list.
  return edits
    .map((edit, order) => ({ ...edit, order }))
    .sort((a, b) => b.start - a.start || b.order - a.order)
    .reduce((text, { start, end, text: own }) => text.slice(0, start) + own + text.slice(end), xml);
}

function argument(args: readonly string[], name: string): string {
  const at = args.indexOf(name);
  const value = at < 0 ? undefined : args[at + 1];
  if (value === undefined) throw new Error(`usage: onDefineDomain --vmi JSON --domain XML (no ${name})`);
  return value;
}

try {
  const args = process.argv.slice(2);
  const { metadata } = JSON.parse(argument(args, '--vmi')) as {
    metadata?: { annotations?: Readonly<Record<string, unknown>> };
  };
  const socket = process.env.VHOST_USER_GPU_SOCKET ?? SOCKET_DEFAULT;
  process.stdout.write(withGpu(argument(args, '--domain'), metadata?.annotations ?? {}, socket));
} catch (error) {
  // The shim passes that on, and the machine does not start.
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
