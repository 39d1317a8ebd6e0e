import { describe, expect, it } from 'vitest';

import { handleFault, isDid, proposeHandle } from './handles';

describe('handles', () => {
  it.each([
    ['muons', null],
    ['μ_2', null],
    ['2muons', 'no-name'],
    ['a-b', 'no-name'],
    ['', 'no-name'],
    ['class', 'no-name'],
    ['x'.repeat(101), 'no-name'],
    ['_x', 'private'],
    ['mine', 'taken']
  ])('%s: %s', (handle, fault) => expect(handleFault(handle, ['mine'])).toBe(fault));

  // What `propose_handle` in nbrucio/core/requirement.py gives.
  it.each([
    ['a:dimuon.2012', 'dimuon_2012'],
    ['cms:/SingleMuon/Run2018A/NANOAOD#v1', 'nanoaod_v1'],
    ['a:events.root.1', 'events'],
    ['a:2012', 'data_2012'],
    ['a:class', 'data_class'],
    ['a:---', 'data'],
    ['a:taken', 'taken_2']
  ])('of %s: %s', (did, handle) => expect(proposeHandle(did, ['taken'])).toBe(handle));
});

it.each([
  ['a:b', true],
  ['user.jdoe:x/y:z #1', true],
  ['nocolon', false],
  [':b', false],
  ['a:', false],
  ['a b:c', false],
  ['a: b', false]
])('%s is a DID: %s', (text, is) => expect(isDid(text)).toBe(is));
