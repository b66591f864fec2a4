/** What the browser keeps for the page, where the person lets it. */

/** What is used of a Storage. */
export interface Kept {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/**
 * The storage that `find` finds, as something that never throws: without it (a browser may throw as soon as it is asked for),
 * or when it is full, things are kept until the page is left.
 */
export function keptBy(find: () => Kept): Kept {
  const own = new Map<string, string>();
  const attempt = <T>(act: (storage: Kept) => T): T | null => {
    try {
      return act(find());
    } catch {
      return null;
    }
  };
  return {
    getItem: (key) => own.get(key) ?? attempt((storage) => storage.getItem(key)),
    setItem: (key, value) => {
      own.set(key, value);
      attempt((storage) => storage.setItem(key, value));
    },
  };
}
