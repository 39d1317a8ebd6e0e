import { expect, it } from 'vitest';

import { GUESS_PX, tops, visible } from './window';

const keys = Array.from({ length: 10_000 }, (_, n) => `h${n}`);

it('rows that were not measured are guessed', () => {
  expect(tops(['a', 'b', 'c'], new Map([['b', 10]]))).toEqual([0, GUESS_PX, GUESS_PX + 10, 2 * GUESS_PX + 10]);
});

it('few of many rows are visible, at the start, in the middle and at the end', () => {
  const all = tops(keys, new Map([['h3', 500]]));
  expect(visible(all, 0, 600)).toEqual({ first: 0, last: 6 });
  expect(visible(all, 400_000, 400_600, 0)).toEqual({ first: 4756, last: 4765 });
  expect(visible(all, 10_000_000, 10_000_600).last).toBe(10_000);
  expect(visible(all, -500, 100, 0)).toEqual({ first: 0, last: 2 });
});

it('of no rows none is visible', () => expect(visible(tops([], new Map()), 0, 600).last).toBe(0));
