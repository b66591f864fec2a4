/** Whether guests run on KVM here. */
import { execFile } from 'node:child_process';
import { KVM_PROBE } from 'vhost-user-native';

/** The probe ends by itself within a second, if the kernel lets it. */
const PATIENCE_MS = 3000;

export interface KvmState {
  readonly works: boolean;
  /** Why not; empty where it works. */
  readonly reason: string;
}

export const NO_KVM: KvmState = { works: false, reason: 'nobody asked' };

/** Runs a loop on a virtual processor: a device that opens proves nothing. */
export function probeKvm(): Promise<KvmState> {
  return new Promise((resolve) => {
    execFile(KVM_PROBE, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' }, (error, _stdout, stderr) => {
      if (error === null) resolve({ works: true, reason: '' });
      else if (error.signal) resolve({ works: false, reason: 'virtual processors are emulated, or hang' });
      else resolve({ works: false, reason: stderr.trim() || error.message });
    });
  });
}
