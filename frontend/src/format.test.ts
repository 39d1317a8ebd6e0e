import { describe, expect, it } from 'vitest';

import { bytes, count, duration, parseBytes, rate } from './format';

describe('amounts', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [8_400_000, '8.4 MB'],
    [1_234_567_890, '1.2 GB'],
    [3e15, '3.0 PB']
  ])('%d bytes read %s', (size, words) => expect(bytes(size)).toBe(words));

  it('what Rucio does not know is not nothing', () => expect(bytes(null)).toBe('unknown size'));
  it('a rate is per second', () => expect(rate(1.2e9)).toBe('1.2 GB/s'));
  it('counts have separators', () => expect(count(1234567)).toBe('1,234,567'));

  it.each([
    [0.2, '1 s'],
    [89, '89 s'],
    [90, '2 min'],
    [3600, '60 min'],
    [9000, '2.5 h']
  ])('%d seconds read %s', (seconds, words) => expect(duration(seconds)).toBe(words));
});

describe('sizes that people type', () => {
  it.each([
    ['2048', 2048],
    ['500 MB', 500_000_000],
    ['1.5gb', 1_500_000_000],
    [' 4 GiB ', 4 * 1024 ** 3],
    ['2k', 2000],
    ['', null],
    ['much', null],
    ['-3 MB', null],
    ['99999 EB', null]
  ])('%s', (text, size) => expect(parseBytes(text)).toBe(size));
});
