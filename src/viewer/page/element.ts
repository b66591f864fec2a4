/** Elements of index.html, by their ids. */

/** Throws when index.html has no such element: that is a mistake of ours. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with id ${id}`);
  return found;
}

/** Starts a timer; returns what stops it. */
export function timer(ms: number, done: () => void): () => void {
  const id = setTimeout(done, ms);
  return () => clearTimeout(id);
}
