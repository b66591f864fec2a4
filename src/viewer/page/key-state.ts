/** Which keys the guest takes to be down, so that none stays so. Codes are those of KeyboardEvent.code. */

export interface KeyChange {
  readonly code: string;
  readonly pressed: boolean;
}

const META = new Set(['MetaLeft', 'MetaRight']);

export class KeyState {
  private readonly down = new Set<string>();

  has(code: string): boolean {
    return this.down.has(code);
  }

  /** `altGraph`: the key is AltGr by the layout. A key that is down already (it repeats) changes nothing. */
  press(code: string, altGraph = false): KeyChange[] {
    if (this.down.has(code)) return [];
    // Windows says that left Ctrl goes down before AltGr does; the guest's layout would make Ctrl+AltGr of it.
    const before = altGraph && code === 'AltRight' ? this.release('ControlLeft') : [];
    this.down.add(code);
    return [...before, { code, pressed: true }];
  }

  /** macOS tells nothing of keys that go up while Meta is down: they go up with it. */
  release(code: string): KeyChange[] {
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
