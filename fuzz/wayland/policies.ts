/** The policies that connections have, by the word of the step that opens them. */
const RATE = 10_000_000;
export const POLICIES: ReadonlyMap<string, object> = new Map([
  ['default', { limits: { messagesPerSecond: RATE } }],
  [
    'small',
    {
      limits: {
        messagesPerSecond: RATE,
        objects: 48,
        surfaces: 3,
        buffers: 4,
        callbacks: 3,
        transfers: 2,
        mimeTypes: 3,
        regionOperations: 4,
        backlogBytes: 1024,
        outputBytes: 4096,
      },
    },
  ],
  [
    'ask',
    {
      ask: { command: ['ask'] },
      clipboard: { direction: 'ask' },
      primary: { direction: 'both' },
      dragAndDrop: { direction: 'ask' },
      globals: { zwp_idle_inhibit_manager_v1: true, xdg_toplevel_icon_manager_v1: true },
      limits: { messagesPerSecond: RATE },
    },
  ],
]);
