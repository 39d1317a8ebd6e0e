import { describe, expect, it } from 'vitest';

import * as d from './declaration';
import * as e from './declarationEdits';
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

function own(metadata: d.IMetadata): JsonObject {
  return metadata.nbrucio as JsonObject;
}

describe('an edit changes one thing and keeps the rest', () => {
  const before = JSON.stringify(written());
  const given = written();

  it('adding', () => {
    const value = own(e.withRequirement(given, 'a:d', 'three', 'host', { source: 'code' }));
    expect(value.requirements).toHaveLength(4);
    expect((value.requirements as JsonObject[])[3]).toEqual({
      did: 'a:d',
      handle: 'three',
      instance: 'host',
      source: 'code'
    });
    expect(value.future).toEqual({ kept: true });
  });

  it('adding to nothing', () =>
    expect(e.withRequirement({}, 'a:b', 'b')).toEqual({
      nbrucio: { version: 1, requirements: [{ did: 'a:b', handle: 'b' }] }
    }));

  it('removing takes its locks along', () => {
    const value = own(e.withoutRequirement(given, 'one'));
    expect(value.requirements).toHaveLength(2);
    expect(Object.keys(value.lock as JsonObject)).toEqual(['two']);
  });

  it('removing the last lock removes the key', () => {
    const metadata = { nbrucio: { requirements: [{ did: 'a:b', handle: 'one' }], lock: { one: LOCK } } };
    expect(own(e.withoutRequirement(metadata, 'one'))).toEqual({ requirements: [] });
  });

  it('renaming takes locks and variants along', () => {
    const value = own(e.renamed(given, 'one', 'first'));
    expect((value.requirements as JsonObject[])[0]).toEqual({ did: 'a:b', handle: 'first', note: 'kept' });
    expect(Object.keys(value.lock as JsonObject)).toEqual(['first', 'first@small', 'two']);
    expect(value.variants).toEqual({ small: { first: { first: 1 } } });
  });

  it('choosing sets and takes back', () => {
    const chosen = own(e.withChoice(given, 'one', { match: '*.root' }, 'download')).requirements as JsonObject[];
    expect(chosen[0]).toEqual({
      did: 'a:b',
      handle: 'one',
      note: 'kept',
      select: { match: '*.root' },
      access: 'download'
    });
    const all = own(e.withChoice(given, 'two', null, null)).requirements as JsonObject[];
    expect(all[2]).toEqual({ did: 'a:c', handle: 'two', source: 'code', unused: true });
  });

  it('locking replaces what is named', () => {
    const value = own(e.withLocks(e.withInstances(given, { one: 'host' }), { two: { ...LOCK, did: 'a:c' } }));
    expect((value.lock as JsonObject).two).toMatchObject({ did: 'a:c' });
    expect((value.lock as JsonObject).one).toEqual(LOCK);
    expect((value.requirements as JsonObject[])[0]).toMatchObject({ instance: 'host' });
  });

  it('what was given stays as it was', () => expect(JSON.stringify(given)).toBe(before));
});

describe('attachments of rucio-jupyterlab', () => {
  const attached = { rucio_attachments: [{ did: 'a:b', type: 'file', variableName: 'b', extra: 1 }] };

  it('stay the data when they are locked, and when a requirement is added', () => {
    const locked = e.withLocks(e.withInstances(e.begun(attached), { b: 'host' }), { b: LOCK });
    expect(d.read(locked).requirements).toMatchObject([{ did: 'a:b', handle: 'b', instance: 'host' }]);
    expect(d.read(e.withRequirement(e.begun(attached), 'a:c', 'c')).requirements.map(one => one.handle)).toEqual([
      'b',
      'c'
    ]);
    expect(e.begun({ ...attached, ...written() })).toEqual({ ...attached, ...written() });
  });

  it('get what a save added to them, each once', () => {
    const added = [...(attached.rucio_attachments as JsonObject[]), { did: 'a:c', variableName: 'c' }, null, 'x'];
    const after = e.withAttached(attached, added);
    expect(after.nbrucio).toBeUndefined();
    expect(d.read(after).attached.map(one => one.did)).toEqual(['a:b', 'a:c']);
    expect(e.withAttached(after, added)).toBe(after);
    expect(e.withAttached({}, added)).toEqual({});
  });

  it('are imported and stay', () =>
    expect(e.imported(attached)).toEqual({
      ...attached,
      nbrucio: { version: 1, requirements: [{ did: 'a:b', handle: 'b', bind: true }] }
    }));

  it('are kept in step', () => {
    const both = e.withRequirement(e.imported(attached), 'a:c', 'c');
    expect(both.rucio_attachments).toEqual([
      ...attached.rucio_attachments,
      { did: 'a:c', type: 'collection', variableName: 'c' }
    ]);
    expect(e.renamed(both, 'b', 'x').rucio_attachments).toMatchObject([{ variableName: 'x', extra: 1 }, {}]);
    expect(e.withoutRequirement(both, 'b').rucio_attachments).toHaveLength(1);
  });
});

describe('what a save added', () => {
  const added = {
    requirements: [
      { did: 'a:b', handle: 'other' },
      { did: 'a:new', handle: 'new', source: 'code' }
    ],
    lock: { new: { ...LOCK, did: 'a:new' }, one: { ...LOCK, files: 9 }, stranger: LOCK }
  } as unknown as JsonObject;

  it('is taken over, and nothing that is here is changed', () => {
    const value = own(e.merged(written(), added));
    expect((value.requirements as JsonObject[]).map(one => one.handle)).toEqual(['one', undefined, 'two', 'new']);
    expect(value.lock).toMatchObject({ one: LOCK, new: { did: 'a:new' } });
    expect(value.lock).not.toHaveProperty('stranger');
  });

  it('twice is the same as once', () => {
    const once = e.merged(written(), added);
    expect(e.merged(once, added)).toBe(once);
  });
});

it.each([
  [{ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [[1, 2], [2, 1], false],
  [[1], { 0: 1 }, false],
  [null, undefined, false]
])('%j and %j: %s', (one, other, equal) => expect(d.same(one as JsonObject, other as JsonObject)).toBe(equal));
