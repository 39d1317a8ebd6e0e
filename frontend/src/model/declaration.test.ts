import { describe, expect, it } from 'vitest';

import * as d from './declaration';
import { JsonObject } from './json';

const LOCK: JsonObject = { did: 'a:b', type: 'DATASET', files: 2, bytes: 20, open: false, digest: 'x', locked: 'then' };

/** A declaration with everything in it that must survive an edit. */
function written(): d.IMetadata {
  return {
    nbrucio: {
      version: 1,
      requirements: [
        { did: 'a:b', handle: 'one', note: 'kept' },
        { did: 3, broken: true },
        { did: 'a:c', handle: 'two', select: { first: 2 }, access: 'stream', source: 'code', unused: true }
      ],
      lock: { one: LOCK, 'one@small': { ...LOCK, select: { first: 1 } }, two: { ...LOCK, did: 'a:old' } },
      variants: { small: { one: { first: 1 } } },
      future: { kept: true }
    }
  };
}

describe('reading', () => {
  it('gives what is declared, and locks that still speak of it', () => {
    const { requirements, lock, unreadable } = d.read(written());
    expect(requirements.map(one => one.handle)).toEqual(['one', 'two']);
    expect(requirements[1]).toMatchObject({ select: { first: 2 }, access: 'stream', fromCode: true, unused: true });
    expect(Object.keys(lock)).toEqual(['one']);
    expect(unreadable).toBe(false);
  });

  it.each([[undefined], [null], [{}], [{ requirements: 'x' }], [{ requirements: [null, 1, [], { handle: 'x' }] }]])(
    'of %j gives nothing',
    value => expect(d.read({ nbrucio: value })).toMatchObject({ requirements: [], unreadable: false })
  );

  it.each([['text'], [[]], [{ version: 2 }]])('of %j says that it cannot be read', value =>
    expect(d.read({ nbrucio: value }).unreadable).toBe(true)
  );

  it('shows what a parameter chooses by the name of that parameter', () => {
    const [one] = d.read({ nbrucio: { requirements: [{ did: { parameter: 'sample' }, handle: 'x' }] } }).requirements;
    expect(one).toMatchObject({ did: '{sample}', parameter: true });
  });

  it('gives attachments that are not declared', () => {
    const list = [{ did: 'a:b', type: 'file', variableName: 'one' }, { did: 'a:z', variableName: 'z' }, null, {}, 'x'];
    expect(d.read({ ...written(), rucio_attachments: list as JsonObject[] }).attached).toEqual([
      { did: 'a:z', handle: 'z' }
    ]);
    expect(d.read({ rucio_attachments: 'x' }).attached).toEqual([]);
  });
});

it('a declaration is full with as many requirements as nbrucio reads, invalid ones too', () => {
  const many = (count: number): d.IDeclaration =>
    d.read({
      nbrucio: { requirements: [{ broken: true }, ...Array.from({ length: count - 1 }, (_, n) => one(n))] }
    });
  const one = (n: number): JsonObject => ({ did: `a:${n}`, handle: `h${n}` });
  expect([many(9_999), many(10_000)].map(d.isFull)).toEqual([false, true]);
});
