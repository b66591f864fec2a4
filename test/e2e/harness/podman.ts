/**
 * Podman as somebody without rights has it. Root becomes such a user for that, on a host of its own: accounts, mounts and
 * processes there are for the test only.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestProcess } from './processes.js';

/** Who root becomes, and the ids that this user may give to containers. */
const NAME = 'tester';
const UID = 64_000;
const SUBORDINATE_IDS = `${NAME}:1000000:65536\n`;

/** There is no service manager that would make control groups or keep a log, neither the system's nor the user's. */
const CONTAINERS_CONF =
  '[containers]\ncgroups = "disabled"\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n';
/** OVERLAYFS_SUPER_MAGIC (statfs(2)): layers can't lie on a file system that has layers itself. */
const OVERLAYFS = 0x794c7630;

/** Containers and images, whose files are other users', and the process that holds the user's namespace. */
const CLEAN_UP = 'podman system reset --force; podman system migrate';

/** The first process of the host, with which all others end. Engines refuse a mixture of old and new control groups. */
const HOST = `mount --make-rshared /
mount --bind "$1" /etc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo ready
exec sleep infinity`;

export class Podman {
  readonly folder = mkdtempSync(join(tmpdir(), 'podman-'));
  /** $XDG_RUNTIME_DIR */
  readonly runtime = join(this.folder, 'run');
  readonly uid: number;
  private readonly home = join(this.folder, 'home');
  private readonly temporary = join(this.folder, 'tmp');
  private readonly env: NodeJS.ProcessEnv;
  private readonly host: TestProcess | null;

  private constructor() {
    const { NODE_OPTIONS: _, XDG_CONFIG_HOME: __, XDG_DATA_HOME: ___, ...env } = process.env;
    this.env = {
      ...env,
      HOME: this.home,
      XDG_RUNTIME_DIR: this.runtime,
      TMPDIR: this.temporary,
      // What a build makes on its way is of no use to another one.
      BUILDAH_LAYERS: 'false',
    };
    for (const path of [this.home, this.runtime, this.temporary]) mkdirSync(path, { mode: 0o700 });
    const configuration = join(this.home, '.config/containers');
    mkdirSync(configuration, { recursive: true });
    const driver = statfsSync(this.home).type === OVERLAYFS ? 'vfs' : 'overlay';
    writeFileSync(join(configuration, 'containers.conf'), CONTAINERS_CONF);
    writeFileSync(join(configuration, 'storage.conf'), `[storage]\ndriver = "${driver}"\n`);
    const own = process.getuid?.() ?? 0;
    this.uid = own === 0 ? UID : own;
    this.host = own === 0 ? this.makeHost() : null;
  }

  static async start(): Promise<Podman> {
    const podman = new Podman();
    await podman.host?.waitForOutput(/ready/);
    return podman;
  }

  /** Runs a script (bash -e) as the user. */
  start(script: string, folder = this.folder): TestProcess {
    const words = [...this.user(), 'env', `--chdir=${folder}`, 'bash', '-e', '-c', script];
    const [command = '', ...args] = words;
    return new TestProcess('script', command, args, this.env);
  }

  /** Runs one to its end, which has to be a good one; resolves with what it wrote. */
  async run(script: string): Promise<string> {
    const command = this.start(script);
    const { code } = await command.exited;
    if (code !== 0) throw new Error(`"${script}" ended with ${code}:\n${command.output}`);
    return command.output.trim();
  }

  async close(): Promise<void> {
    try {
      await this.run(CLEAN_UP);
    } finally {
      await this.host?.stop('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Its mounts and processes are its own, and so are the accounts. */
  private makeHost(): TestProcess {
    const etc = join(this.folder, 'etc');
    execFileSync('cp', ['--archive', '/etc', etc]);
    appendFileSync(join(etc, 'passwd'), `${NAME}:x:${UID}:${UID}::${this.home}:/bin/sh\n`);
    appendFileSync(join(etc, 'group'), `${NAME}:x:${UID}:\n`);
    for (const file of ['subuid', 'subgid']) writeFileSync(join(etc, file), SUBORDINATE_IDS);
    chmodSync(this.folder, 0o755);
    execFileSync('chown', ['--recursive', `${UID}:${UID}`, this.home, this.runtime, this.temporary]);
    const options = ['--mount', '--pid', '--mount-proc', '--fork', '--kill-child'];
    return new TestProcess('host', 'unshare', [...options, 'sh', '-e', '-c', HOST, 'host', etc]);
  }

  /** What makes a command one of the user. */
  private user(): readonly string[] {
    if (this.host === null) return [];
    const { pid } = this.host;
    return [
      ...['nsenter', `--target=${pid}`, '--mount', `--pid=/proc/${pid}/ns/pid_for_children`],
      ...['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'],
    ];
  }
}
