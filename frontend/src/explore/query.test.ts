import { expect, it } from 'vitest';

import { didSnippet, parts, patternOf } from './query';

it.each([
  ['user.jdoe:dimuon', 'user.jdoe:dimuon*'],
  ['user.jdoe:dimuon ', 'user.jdoe:dimuon'],
  ['user.jdoe:', 'user.jdoe:*'],
  ['user.*:di*n', 'user.*:di*n'],
  ['  s:a:b', 's:a:b*'],
  ['dimuon', '*:*dimuon*'],
  ['di*', '*:di*'],
  [':x', '*:x*']
])('%j is asked as %s', (text, pattern) => expect(patternOf(text)).toBe(pattern));

it('a DID has its scope before the first colon', () => expect(parts('s:a:b')).toEqual({ scope: 's', name: 'a:b' }));
it('code quotes a DID', () => expect(didSnippet('s:a"b')).toBe('nbrucio.data("s:a\\"b")'));
