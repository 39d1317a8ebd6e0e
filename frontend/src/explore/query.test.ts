import { expect, it } from 'vitest';

import { didSnippet, patternOf } from './query';

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

it('code quotes a DID', () => expect(didSnippet('s:a"b')).toBe('nbrucio.data("s:a\\"b")'));
