import { describe, expect, it } from 'vitest';

import { Hit, IBranch, inSight, parentOf, Rows } from './hits';

const hit = (name: string, type: Hit[1] = 'DATASET'): Hit => [`s:${name}`, type, 1, 1, false];
const shown = (rows: Rows): string[] =>
  Array.from({ length: rows.length }, (_, index) => {
    const row = rows.at(index);
    return row ? `${'  '.repeat(row.depth)}${row.note ? '…' : row.hit[0]}` : '?';
  });
const branch = (children: Hit[], complete = true): IBranch => ({ children, complete, fault: null });

describe('rows', () => {
  it('are the hits while nothing is open', () => {
    const rows = new Rows([hit('a'), hit('b', 'FILE')], new Map());
    expect(shown(rows)).toEqual(['s:a', 's:b']);
    expect(rows.at(0)).toMatchObject({ expanded: false, place: 1, siblings: 2 });
    expect(rows.at(1)?.expanded).toBeNull();
    expect(rows.at(2)).toBeNull();
    expect(rows.indexOf('s:b')).toBe(1);
  });

  it('show what is in an open collection, at any depth, each under its own key', () => {
    const open = new Map([
      ['s:a', branch([hit('b'), hit('x', 'FILE')])],
      ['s:a\ns:b', branch([hit('x', 'FILE')])]
    ]);
    const rows = new Rows([hit('a'), hit('c')], open);
    expect(shown(rows)).toEqual(['s:a', '  s:b', '    s:x', '  s:x', 's:c']);
    const keys = [0, 1, 2, 3, 4].map(index => rows.at(index)?.key);
    expect(new Set(keys).size).toBe(5);
    expect(rows.indexOf('s:a\ns:b\ns:x')).toBe(2);
    expect(parentOf('s:a\ns:b\ns:x')).toBe('s:a\ns:b');
    expect(parentOf('s:a')).toBeNull();
  });

  it('say that a branch is loading, or failed', () => {
    const fault = { code: 'offline', message: 'no' };
    expect(shown(new Rows([hit('a')], new Map([['s:a', branch([hit('b')], false)]])))).toEqual(['s:a', '  s:b', '  …']);
    const failed = new Rows([hit('a')], new Map([['s:a', { children: [], complete: true, fault }]]));
    expect(failed.at(1)?.note).toBe(fault);
  });

  it('of 100,000 hits are not made before they are looked at', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => hit(`n${index}`));
    const rows = new Rows(many, new Map());
    expect(rows.length).toBe(100_000);
    expect(rows.at(99_999)?.hit).toBe(many[99_999]);
  });
});

describe('what is in sight', () => {
  it.each([
    [0, 100, 10, 1000, { first: 0, last: 18 }],
    [500, 100, 10, 1000, { first: 42, last: 68 }],
    [9990, 100, 10, 1000, { first: 991, last: 1000 }],
    [99_999, 100, 10, 3, { first: 3, last: 3 }],
    [0, 0, 10, 0, { first: 0, last: 0 }]
  ])('from %d on', (top, height, rowHeight, count, expected) =>
    expect(inSight(top, height, rowHeight, count)).toEqual(expected)
  );
});
