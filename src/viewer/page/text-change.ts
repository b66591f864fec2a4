/**
 * What an on-screen keyboard has done to the text of a field: such keyboards tell of no keys, they replace text (words are
 * completed and corrected, too).
 */

export interface TextChange {
  /** Characters that were taken away at the end. */
  readonly erased: number;
  readonly typed: string;
}

/** What has to be erased and typed at the end of `before` to have `after`. In whole characters, not in UTF-16 units. */
export function textChange(before: string, after: string): TextChange {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same += 1;
  return { erased: old.length - same, typed: now.slice(same).join('') };
}
