/** The viewer's protocol: all that the page and the server share. */
export * from './messages.js';
export * from './tile.js';
