/** Which keys the guest takes to be down, so that none stays so. Codes are those of KeyboardEvent.code. */

export interface KeyChange {
  readonly code: string;
  readonly pressed: boolean;
}

const META = new Set(['MetaLeft', 'MetaRight']);

const CAPS_LOCK = 'CapsLock';

function tap(code: string): KeyChange[] {
  return [
    { code, pressed: true },
    { code, pressed: false },
  ];
}

export class KeyState {
  private readonly down = new Set<string>();
  private readonly mac: boolean;

  /** `mac`: macOS says that Caps Lock is down as long as it is in force. */
  constructor(mac = false) {
    this.mac = mac;
  }

  /** `altGraph`: the key is AltGr by the layout. A key that is down already (it repeats) changes nothing. */
  press(code: string, altGraph = false): KeyChange[] {
    if (this.mac && code === CAPS_LOCK) return tap(code);
    if (this.down.has(code)) return [];
    // Windows says that left Ctrl goes down before AltGr does; the guest's layout would make Ctrl+AltGr of it.
    const before = altGraph && code === 'AltRight' ? this.release('ControlLeft') : [];
    this.down.add(code);
    return [...before, { code, pressed: true }];
  }

  /** macOS tells nothing of keys that go up while Meta is down: they go up with it. */
  release(code: string): KeyChange[] {
    if (this.mac && code === CAPS_LOCK) return tap(code);
    if (!this.down.delete(code)) return [];
    const released = [{ code, pressed: false }];
    if (!META.has(code)) return released;
    return [...this.releaseAll(), ...released];
  }

  releaseAll(): KeyChange[] {
    const released = [...this.down].map((code) => ({ code, pressed: false }));
    this.down.clear();
    return released;
  }
}
