/** Keys as browsers call them (UI Events, KeyboardEvent.code) and as evdev does. */
import { keyCode } from '../../control/index.js';

/** Those that are called otherwise; what both call alike but for the case needs no row. */
const NAMES = `
  Escape ESC  Minus MINUS  Equal EQUAL  Backspace BACKSPACE  Tab TAB  BracketLeft LEFTBRACE  BracketRight RIGHTBRACE
  Enter ENTER  ControlLeft LEFTCTRL  Semicolon SEMICOLON  Quote APOSTROPHE  Backquote GRAVE  ShiftLeft LEFTSHIFT
  Backslash BACKSLASH  Comma COMMA  Period DOT  Slash SLASH  ShiftRight RIGHTSHIFT  AltLeft LEFTALT  Space SPACE
  CapsLock CAPSLOCK  NumLock NUMLOCK  ScrollLock SCROLLLOCK  IntlBackslash 102ND  IntlRo RO  IntlYen YEN
  ControlRight RIGHTCTRL  AltRight RIGHTALT  MetaLeft LEFTMETA  MetaRight RIGHTMETA  OSLeft LEFTMETA
  OSRight RIGHTMETA  ContextMenu COMPOSE  PrintScreen SYSRQ  Pause PAUSE  Home HOME  End END  PageUp PAGEUP
  PageDown PAGEDOWN  Insert INSERT  Delete DELETE  ArrowUp UP  ArrowDown DOWN  ArrowLeft LEFT  ArrowRight RIGHT
  NumpadMultiply KPASTERISK  NumpadSubtract KPMINUS  NumpadAdd KPPLUS  NumpadDecimal KPDOT  NumpadEnter KPENTER
  NumpadDivide KPSLASH  NumpadEqual KPEQUAL  NumpadComma KPCOMMA  NumpadParenLeft KPLEFTPAREN
  NumpadParenRight KPRIGHTPAREN  Convert HENKAN  NonConvert MUHENKAN  KanaMode KATAKANAHIRAGANA  Katakana KATAKANA
  Hiragana HIRAGANA  Lang1 HANGEUL  Lang2 HANJA  Lang3 KATAKANA  Lang4 HIRAGANA  Lang5 ZENKAKUHANKAKU
  AudioVolumeMute MUTE  AudioVolumeDown VOLUMEDOWN  AudioVolumeUp VOLUMEUP  VolumeMute MUTE  VolumeDown VOLUMEDOWN
  VolumeUp VOLUMEUP  MediaTrackNext NEXTSONG  MediaTrackPrevious PREVIOUSSONG  MediaPlayPause PLAYPAUSE
  MediaStop STOPCD  Eject EJECTCD  Power POWER  Sleep SLEEP  WakeUp WAKEUP  Help HELP  Undo UNDO  Again AGAIN
  Copy COPY  Cut CUT  Paste PASTE  Open OPEN  Find FIND  Props PROPS  BrowserBack BACK
  BrowserForward FORWARD  BrowserRefresh REFRESH  BrowserStop STOP  BrowserSearch SEARCH  BrowserFavorites BOOKMARKS
  BrowserHome HOMEPAGE  LaunchMail MAIL  LaunchApp1 COMPUTER  LaunchApp2 CALC  MediaSelect MEDIA
`;

const pairs = NAMES.trim()
  .split(/\s{2,}/)
  .map((pair) => pair.split(' ') as [code: string, name: string]);
const numbered = [
  ...Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ', (letter) => [`Key${letter}`, letter] as const),
  ...Array.from('0123456789', (digit) => [`Digit${digit}`, digit] as const),
  ...Array.from('0123456789', (digit) => [`Numpad${digit}`, `KP${digit}`] as const),
  ...Array.from({ length: 24 }, (_, i) => [`F${i + 1}`, `F${i + 1}`] as const),
];

const CODES: ReadonlyMap<string, number | null> = new Map(
  [...pairs, ...numbered].map(([code, name]) => [code, keyCode(`KEY_${name}`)]),
);

/** Those that have a key, for tests. */
export const BROWSER_KEYS: readonly string[] = [...CODES.keys()];

/** The KEY_* code of a KeyboardEvent.code; null for one that has none. */
export function evdevKey(code: string): number | null {
  return CODES.get(code) ?? null;
}
