import { expect, it } from 'vitest';

import { Rate } from './progress';

it('tells nothing before two figures', () => {
  const rate = new Rate();
  expect(rate.bytesPerSecond).toBeNull();
  rate.add(100, 0);
  expect(rate.bytesPerSecond).toBeNull();
  expect(rate.secondsTo(1000)).toBeNull();
});

it('tells the rate and the time that is left', () => {
  const rate = new Rate();
  rate.add(0, 0);
  rate.add(500, 1000);
  expect(rate.bytesPerSecond).toBe(500);
  expect(rate.secondsTo(2000)).toBe(3);
  expect(rate.secondsTo(null)).toBeNull();
});

it('follows a change within seconds', () => {
  const rate = new Rate();
  for (let second = 0; second <= 60; second += 1) {
    rate.add(second <= 30 ? second * 1000 : 30_000 + (second - 30) * 10, second * 1000);
  }
  expect(rate.bytesPerSecond).toBeCloseTo(10);
});

it('starts anew with a new sync', () => {
  const rate = new Rate();
  rate.add(0, 0);
  rate.add(9000, 1000);
  rate.add(0, 2000);
  rate.add(10, 3000);
  expect(rate.bytesPerSecond).toBe(10);
});

it('a standstill has no end', () => {
  const rate = new Rate();
  rate.add(10, 0);
  rate.add(10, 1000);
  expect(rate.bytesPerSecond).toBe(0);
  expect(rate.secondsTo(20)).toBeNull();
});
