/** Options: windows of the guest's applications on the host's compositor. */
import { type Command, Option } from 'commander';
import { firstGiven, parseColor, parseName } from './values.js';

export interface ForwardOptions {
  /** What windows and log lines call the VM. */
  readonly label: string;
  /** A file with the firewall's policy; null = the default policy. */
  readonly policyPath: string | null;
  /** Instead of what the policy says; null = as it says. */
  readonly border: 'auto' | 'always' | 'never' | null;
  /** #rrggbb; null = the policy's. */
  readonly borderColor: string | null;
  readonly trace: boolean;
}

export interface RawForwardOptions {
  wayland?: boolean;
  label?: string;
  policy?: string;
  border?: 'auto' | 'always' | 'never';
  borderColor?: string;
  waylandTrace?: boolean;
}

export function addForwardOptions(command: Command): Command {
  return command
    .option(
      '--wayland',
      "let the guest's applications have windows on the host's Wayland compositor, behind a firewall",
    )
    .option('--label <name>', 'what those windows and the log call the VM (default: vm)', parseName)
    .option('--policy <file>', 'what the guest may do there (JSON; the README of src/wayland/firewall)')
    .addOption(
      new Option(
        '--border <when>',
        'draw a border around them; auto: where the compositor has no security contexts (default: never)',
      ).choices(['auto', 'always', 'never']),
    )
    .option('--border-color <#rrggbb>', 'its color (default: #e08000)', parseColor)
    .option('--wayland-trace', 'log each forwarded message, as WAYLAND_DEBUG shows them');
}

export function forwardMistake(raw: RawForwardOptions): string | null {
  if (raw.wayland) return null;
  const { label, policy, border, borderColor, waylandTrace } = raw;
  const lost = firstGiven({
    label,
    policy,
    border,
    'border-color': borderColor,
    'wayland-trace': waylandTrace,
  });
  return lost === null ? null : `--${lost} is about forwarding: it needs --wayland.`;
}

/** null = nothing is forwarded. */
export function readForward(raw: RawForwardOptions): ForwardOptions | null {
  if (!raw.wayland) return null;
  return {
    label: raw.label ?? 'vm',
    policyPath: raw.policy ?? null,
    border: raw.border ?? null,
    borderColor: raw.borderColor ?? null,
    trace: raw.waylandTrace ?? false,
  };
}
