/** KubeVirt's hook, called as its sidecar-shim does: what becomes of recorded domains, and what is refused. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseYaml } from '../e2e/harness/workflow.js';

const FIXTURES = 'test/fixtures/kubevirt';
const DEVICE =
  'vhost-user-gpu-pci,id=vhost-user-gpu,chardev=vhost-user-gpu-socket,bus=pcie.0,addr=0x10,max_outputs=1,xres=1280,yres=800';

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function hook(domain: string, annotations: object = {}, env: NodeJS.ProcessEnv = {}): Said {
  const { NODE_OPTIONS: _, ...own } = process.env;
  const vmi = JSON.stringify({ metadata: { name: 'vm', annotations }, spec: {} });
  const program = 'examples/kubevirt/onDefineDomain';
  const hookEnv = { ...own, ...env, KUBEVIRT_HOOK: 'dist/examples/kubevirt/on-define-domain.mjs' };
  return spawnSync(program, ['--vmi', vmi, '--domain', domain], { encoding: 'utf8', env: hookEnv });
}

/** What an XPath expression is in a document. (libxml2: another parser than the hook's.) */
function xpath(xml: string, expression: string): string {
  const qemu = "//*[local-name()='arg']";
  return execFileSync('xmllint', ['--xpath', expression.replaceAll('QEMU', qemu), '-'], {
    input: xml,
    encoding: 'utf8',
  }).trim();
}

for (const name of readdirSync(FIXTURES)) {
  t.test(name, async (t) => {
    const before = readFileSync(join(FIXTURES, name), 'utf8');
    const { status, stdout: xml, stderr } = hook(before);
    t.same({ status, stderr }, { status: 0, stderr: '' });
    t.equal(xpath(xml, 'count(//memoryBacking)'), '1');
    t.equal(xpath(xml, 'string(/domain/memoryBacking/source/@type)'), 'memfd');
    t.equal(xpath(xml, 'string(/domain/memoryBacking/access/@mode)'), 'shared');
    t.equal(xpath(xml, 'count(//memoryBacking/*[self::source or self::access])'), '2');
    t.equal(xpath(xml, 'count(/domain/devices/video)'), '1');
    t.equal(xpath(xml, 'string(/domain/devices/video/model/@type)'), 'none');
    t.equal(xpath(xml, 'count(//graphics)'), '0');
    t.equal(xpath(xml, 'string(QEMU[last()]/@value)'), DEVICE);
    const path = 'socket,id=vhost-user-gpu-socket,path=/dev/shm/vhost-user-gpu/gpu.sock';
    t.equal(xpath(xml, 'string(QEMU[last() - 2]/@value)'), path);
    // Nothing else is different: the same text without what was added and taken away.
    const rest = (text: string): string =>
      text
        .replace(/<qemu:commandline>\s*(<qemu:arg value='[^>]*\/>)+<\/qemu:commandline>/, '')
        .replace(/(<qemu:arg value='[^>]*\/>)+/, '')
        .replace(/<memoryBacking>(<source.*?\/><access.*?\/>)<\/memoryBacking>/, '')
        .replace(
          /<(source|access) (type|mode)=["'](file|memfd|private|shared)["'](\/>|><\/(source|access)>)/g,
          '',
        )
        .replace(/(<!-- )?<(video|graphics)[ >][\s\S]*?<\/(video|graphics)>( -->)?/g, '')
        .replace(" xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'", '')
        .replaceAll(/\s/g, '');
    t.equal(rest(xml), rest(before));
  });
}

t.test('huge pages and arguments that were there stay', async (t) => {
  const { stdout: xml } = hook(readFileSync(join(FIXTURES, 'hugepages.xml'), 'utf8'));
  t.equal(xpath(xml, 'count(//memoryBacking/hugepages)'), '1');
  t.equal(xpath(xml, 'string(QEMU[1]/@value)'), '-fw_cfg');
  t.equal(xpath(xml, 'count(QEMU)'), '6');
});

t.test('what the annotations ask for', async (t) => {
  const domain = "<domain type='kvm'><devices/></domain>";
  const asked = { 'vhost-user-gpu-ts/outputs': '2', 'vhost-user-gpu-ts/resolution': '1920x1080' };
  const { stdout: xml } = hook(domain, asked, { VHOST_USER_GPU_SOCKET: "/run/it's, <there>" });
  t.match(xpath(xml, 'string(QEMU[last()]/@value)'), /max_outputs=2,xres=1920,yres=1080$/);
  t.match(xpath(xml, 'string(QEMU[2]/@value)'), "path=/run/it's,, <there>");
  for (const wrong of ['0', '17', '1,x-y=z', '']) {
    const said = hook(domain, { 'vhost-user-gpu-ts/outputs': wrong });
    t.match(said, { status: 1, stdout: '', stderr: /outputs/ }, wrong);
  }
  const size = { 'vhost-user-gpu-ts/resolution': '800x600,romfile=/etc/passwd' };
  t.match(hook(domain, size), { status: 1, stdout: '', stderr: /resolution/ });
});

t.test('what is refused', async (t) => {
  for (const [domain, message] of [
    ['', /no <domain>/],
    ['<network/>', /no <domain>/],
    ['<domain><devices></domain>', /ends nothing/],
    ['<domain><devices/>', /no <domain>/],
    ["<domain type='kvm'></domain>", /no <devices>/],
    ["<domain xmlns:qemu='urn:other'><devices/></domain>", /urn:other/],
    ["<domain><devices/><cpu><numa><cell memAccess='private'/></numa></cpu></domain>", /NUMA/],
  ] as const) {
    t.match(hook(domain), { status: 1, stdout: '', stderr: message }, domain);
  }
  const { NODE_OPTIONS: _, ...env } = process.env;
  const program = 'dist/examples/kubevirt/on-define-domain.mjs';
  for (const args of [[], ['--vmi', '{}'], ['--vmi', 'no JSON', '--domain', '<domain/>']]) {
    const said = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
    t.match(said, { status: 1, stdout: '', stderr: /./ });
  }
});

t.test('the sidecar starts both, and the manifest names what there is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kubevirt-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'bin'));
  for (const name of ['vhost-user-gpu-ts', 'sidecar-shim']) {
    // The shim waits for the other one: which of the two is first is open.
    const wait =
      name === 'sidecar-shim' ? `until [ -e "${folder}/vhost-user-gpu-ts" ]; do sleep 0.02; done; ` : '';
    const script = join(folder, 'bin', name);
    writeFileSync(
      script,
      `#!/bin/sh\n${wait}echo "$@" >"${folder}/.${name}"; mv "${folder}/.${name}" "${folder}/${name}"\n`,
    );
    chmodSync(script, 0o755);
  }
  const socket = join(folder, 'shared/gpu.sock');
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, VHOST_USER_GPU_SOCKET: socket };
  execFileSync('examples/kubevirt/sidecar', ['--version', 'v1alpha3'], { env });
  const said = (name: string): string => readFileSync(join(folder, name), 'utf8').trim();
  t.equal(said('sidecar-shim'), '--version v1alpha3');
  const control = join(folder, 'shared/control.sock');
  t.equal(said('vhost-user-gpu-ts'), `--socket-path=${socket} --control-socket=${control}`);
  const { metadata } = parseYaml(readFileSync('examples/kubevirt/vmi.yaml', 'utf8')) as {
    metadata: { annotations: Record<string, string> };
  };
  const [sidecar] = JSON.parse(metadata.annotations['hooks.kubevirt.io/hookSidecars'] ?? '');
  t.same(sidecar.args, ['--version', 'v1alpha3']);
  t.match(hook("<domain type='kvm'><devices/></domain>", metadata.annotations), { status: 0 });
});
