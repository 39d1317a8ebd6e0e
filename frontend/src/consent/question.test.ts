import { expect, test } from 'vitest';

import { idIn, MIME } from './question';

test('an output names a question by its id only', () => {
  expect(idIn({ [MIME]: { id: 'abc', files: 1 }, 'text/plain': 'x' })).toBe('abc');
  for (const data of [undefined, null, {}, { [MIME]: null }, { [MIME]: 'abc' }, { [MIME]: { id: 7 } }, 'x']) {
    expect(idIn(data)).toBeNull();
  }
});
