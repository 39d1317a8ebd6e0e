import { describe, expect, it } from 'vitest';

import { firstScope, withPaths, wrongFields } from './form';

const form = { rse: 'CERN-SCRATCHDISK', scope: 'user.jdoe', dataset: '', lifetime: '' };

describe('the form', () => {
  it.each([
    [{}, ['a'], []],
    [{}, [], ['paths']],
    [{ rse: ' ' }, ['a'], ['rse']],
    [{ scope: 'no scope' }, ['a'], ['scope']],
    [{ dataset: 'a b' }, ['a'], ['dataset']],
    [{ lifetime: 'soon' }, ['a'], ['lifetime']],
    [{ lifetime: '30d' }, ['a'], []],
    [{ lifetime: '0d' }, ['a'], ['lifetime']]
  ])('%j with %j', (changes, paths, wrong) => expect(wrongFields({ ...form, ...changes }, paths)).toEqual(wrong));

  it('begins with the scope of the account', () => {
    expect(firstScope(['data', 'user.jdoe'], 'jdoe')).toBe('user.jdoe');
    expect(firstScope(['data'], null)).toBe('data');
    expect(firstScope([], 'jdoe')).toBe('');
    expect(firstScope(['data', 'user.jdoe'], 'jdoe', new Set(['user.jdoe']))).toBe('data');
  });

  it('takes each path once, without slashes at its ends', () =>
    expect(withPaths(['a'], ['/a/', ' my file ', '', 'b/c'])).toEqual(['a', 'my file', 'b/c']));
});
