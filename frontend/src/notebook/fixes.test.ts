import { expect, it } from 'vitest';

import { faultWords, firstFaults, fixesFor } from './fixes';

it('each error has a way out, also one that is not known here', () => {
  expect(fixesFor({ code: 'did-not-found', message: '' })).toEqual(['explore', 'remove']);
  expect(fixesFor({ code: 'of-next-year', message: '' })).toEqual(['retry']);
});

it('a thousand files that are lost for one reason are one line', () => {
  const many = Array.from({ length: 1000 }, (_, n) => ({ code: 'no-replica', message: `of ${n % 5}` }));
  expect(firstFaults(many, 3)).toMatchObject({ shown: [{}, {}, {}], more: 2 });
});

it.each([
  ['nbrucio lock NOTEBOOK --upgrade x', 'lock'],
  ['/opt/python -I -m nbrucio sync a.ipynb', 'retry'],
  ['nbrucio stage NOTEBOOK x', 'explore'],
  ["nbrucio search 'a:*'", 'explore'],
  ['rucio replica list file a:b', 'explore'],
  ['nbrucio login here', 'settings'],
  ['kinit', 'settings'],
  ['chmod 600 key.pem', 'settings']
])('in place of %s there is a button', (command, fix) => {
  expect(fixesFor({ code: 'usage', message: '', next_command: command })).toContain(fix);
  expect(fixesFor({ code: 'usage', message: '', hint: `Run \`${command}\`.` })).toContain(fix);
});

it('what is said has no commands for a terminal', () => {
  const words = (hint: string): string => faultWords({ code: 'x', message: 'It failed.', hint });
  const paths = 'Set one up with `nbrucio config init`. `/x/python -I -m nbrucio demo` needs none. Files searched: a.';
  expect(words(paths)).toBe('It failed. Files searched: a.');
  expect(words('`nbrucio lock NOTEBOOK` locks it; try again later.')).toBe('It failed. Try again later.');
  expect(words('Run it in a terminal.')).toBe('It failed.');
  expect(words('Wait, or write `a:b`.')).toBe('It failed. Wait, or write `a:b`.');
});
