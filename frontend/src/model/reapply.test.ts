import { describe, expect, it } from 'vitest';

import { reapplied } from './reapply';

const one = { handle: 'one', did: 'a:b' };
const two = { handle: 'two', did: 'a:c' };
const declared = (...requirements: object[]): never => ({ version: 1, requirements }) as never;

describe('an edit is taken back', () => {
  it('as it was, where nothing else has changed', () => {
    const before = declared(one, two);
    const after = declared(two);
    expect(reapplied(after, after, before)).toEqual(before);
    expect(reapplied(before, before, after)).toEqual(after);
  });

  it('without what others added, removed or changed since', () => {
    const after = declared({ ...one, handle: 'uno' }, two);
    const now = declared({ ...one, handle: 'uno' }, { ...two, access: 'stream' }, { handle: 'new', did: 'a:n' });
    expect(reapplied(now, after, declared(one, two))).toEqual(
      declared(one, { ...two, access: 'stream' }, { handle: 'new', did: 'a:n' })
    );
    expect(reapplied(declared({ ...one, handle: 'uno' }), after, declared(one, two))).toEqual(declared(one));
  });

  it('with its locks, and those of others stay', () => {
    const lock = { files: 1 };
    const after = { lock: { one: lock } };
    expect(reapplied({ lock: { one: lock, two: lock } }, after, {})).toEqual({ lock: { two: lock } });
    expect(reapplied(after, after, {})).toEqual({});
  });

  it('of the first declaration leaves none, unless somebody else declared more', () => {
    expect(reapplied(declared(one), declared(one), undefined)).toBeUndefined();
    expect(reapplied(declared(one, two), declared(one), undefined)).toEqual(declared(two));
  });

  it('twice in a field takes what is wanted', () => {
    expect(
      reapplied(declared({ ...one, access: 'mount' }), declared(one), declared({ ...one, access: 'any' }))
    ).toEqual(declared({ ...one, access: 'any' }));
  });
});
