import { nullTranslator } from '@jupyterlab/translation';
import { expect, test } from 'vitest';

import { moment } from '../format';
import { untilWords } from './loginWords';

const trans = nullTranslator.load('nbrucio');
const END = '2026-11-29T12:00:00+00:00';

test.each([
  [2 * 3600, ''],
  [40 * 60, ', in 40 min'],
  [30, ', in 30 s'],
  [-5, ', ended']
])('%d s before its end a login says so', (left, words) => {
  expect(untilWords(trans, END, new Date(END).getTime() - left * 1000)).toBe(moment(END) + words);
});
