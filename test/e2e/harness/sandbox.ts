/** The command's sandbox in tests: the default one, or what there is of it on a system that lacks some. */
import { sandboxSupport } from 'vhost-user-native';

const { landlockAbi, seccomp } = sandboxSupport();
export const COMPLETE = landlockAbi > 0 && seccomp;
export const SANDBOX_OPTIONS: readonly string[] = COMPLETE ? [] : ['--sandbox=auto'];
