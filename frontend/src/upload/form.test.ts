import { describe, expect, it } from 'vitest';

import { commandOf, firstScope, wrongFields } from './form';

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
  });

  it('tells the command that does the same', () =>
    expect(commandOf({ ...form, dataset: 'v1', lifetime: '2w' }, ['my results', "it's"])).toBe(
      `nbrucio upload 'my results' 'it'"'"'s' --rse CERN-SCRATCHDISK --scope user.jdoe --dataset v1 --lifetime 2w`
    ));
});
