/** Which rows of a list are visible, when their heights differ and most were never measured. Pure. */

/** Of a row that was not measured yet, in pixels. */
export const GUESS_PX = 84;

/** The top of each row, and last the height of all. */
export function tops(keys: readonly string[], heights: ReadonlyMap<string, number>): number[] {
  const found = [0];
  let top = 0;
  for (const key of keys) {
    top += heights.get(key) ?? GUESS_PX;
    found.push(top);
  }
  return found;
}

/** The indices of the rows between two heights, and `more` on either side. */
export function visible(all: readonly number[], from: number, to: number, more = 2): { first: number; last: number } {
  const count = all.length - 1;
  const first = Math.max(0, rowAt(all, from) - more);
  return { first, last: Math.max(first, Math.min(count, rowAt(all, to) + 1 + more)) };
}

function rowAt(all: readonly number[], height: number): number {
  let low = 0;
  let high = all.length - 1;
  while (low < high - 1) {
    const middle = (low + high) >> 1;
    if ((all[middle] ?? 0) <= height) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}
