import { expect, it } from 'vitest';

import { IMetadata } from './declaration';
import { withEntry, withoutEntry } from './invalid';
import { JsonObject } from './json';

const ENTRIES = [
  { did: 'a:b', handle: 'one' },
  { did: 3, handle: 'two', instance: 7, note: 'kept', access: 'nonsense' },
  'text',
  { did: { parameter: 'x', pattern: '[' }, handle: 'three' }
];
const METADATA: IMetadata = { nbrucio: { version: 1, requirements: ENTRIES as never, future: true } };

function entries(metadata: IMetadata): unknown {
  return (metadata.nbrucio as JsonObject).requirements;
}

it('an invalid entry is removed by its number, and nothing else changes', () => {
  expect(withoutEntry(METADATA, 3)).toEqual({
    nbrucio: { version: 1, requirements: [ENTRIES[0], ENTRIES[1], ENTRIES[3]], future: true }
  });
});

it('an invalid entry is corrected, and keeps its unknown keys', () => {
  const chosen = { did: 'a:c', handle: 'two', select: { first: 2 }, access: null };
  expect(entries(withEntry(METADATA, 2, chosen))).toEqual([
    ENTRIES[0],
    { did: 'a:c', handle: 'two', select: { first: 2 }, note: 'kept' },
    ENTRIES[2],
    ENTRIES[3]
  ]);
});

it('what is no object becomes a requirement', () => {
  const chosen = { did: 'a:c', handle: 'three', select: null, access: 'stream' };
  const [, , third] = entries(withEntry(METADATA, 3, chosen)) as unknown[];
  expect(third).toEqual({ did: 'a:c', handle: 'three', access: 'stream' });
});

it('the parameter that chooses a DID stays unless another DID is typed', () => {
  const choice = { handle: 'four', select: null, access: null };
  const fourth = (did: string): unknown =>
    (entries(withEntry(METADATA, 4, { ...choice, did })) as JsonObject[])[3]?.did;
  expect(fourth('{x}')).toEqual({ parameter: 'x', pattern: '[' });
  expect(fourth('a:d')).toBe('a:d');
});
