/** How much of the sandbox there has to be: all of it, what the system has, none. */
export const SANDBOX_MODES = ['on', 'auto', 'off'] as const;
export type SandboxMode = (typeof SANDBOX_MODES)[number];
