import { expect, it } from 'vitest';

import { didSnippet, marked, patternOf, suggestedScopes } from './query';

it.each([
  ['user.jdoe:dimuon', 'user.jdoe:dimuon*'],
  ['user.jdoe:dimuon ', 'user.jdoe:dimuon'],
  ['user.jdoe:', 'user.jdoe:*'],
  ['user.*:di*n', 'user.*:di*n'],
  ['  s:a:b', 's:a:b*'],
  ['dimuon', '*:*dimuon*'],
  ['di*', '*:di*'],
  [':x', '*:x*'],
  [' ', '*:*']
])('%j is asked as %s', (text, pattern) => expect(patternOf(text)).toBe(pattern));

it('a condition is cut by characters', () => {
  expect(marked('a=𝛍 && b', [4, 6])).toEqual(['a=𝛍 ', '&&', ' b']);
  expect(marked('a and', [5, 5])).toEqual(['a and', '', '']);
});

it.each([
  ['us', ['user.me', 'user.abe', 'old.user.x']],
  ['USER.M', ['user.me']],
  ['', []],
  ['user.me:', []],
  ['none', []]
])('for %j the scopes %j are suggested', (text, expected) => {
  const scopes = { own: ['user.me'], scopes: ['old.user.x', 'user.abe', 'user.me'] };
  expect(suggestedScopes(text, scopes)).toEqual(expected);
});

it('code quotes a DID', () => expect(didSnippet('s:a"b')).toBe('nbrucio.data("s:a\\"b")'));
