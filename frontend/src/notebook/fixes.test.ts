import { expect, it } from 'vitest';

import { firstFaults, fixesFor } from './fixes';

it('each error has a way out, also one that is not known here', () => {
  expect(fixesFor({ code: 'did-not-found', message: '' })).toEqual(['explore', 'remove']);
  expect(fixesFor({ code: 'of-next-year', message: '' })).toEqual(['retry']);
});

it('a thousand files that are lost for one reason are one line', () => {
  const many = Array.from({ length: 1000 }, (_, n) => ({ code: 'no-replica', message: `of ${n % 5}` }));
  expect(firstFaults(many, 3)).toMatchObject({ shown: [{}, {}, {}], more: 2 });
});
