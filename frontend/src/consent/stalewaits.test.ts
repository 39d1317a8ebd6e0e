import { expect, it } from 'vitest';

import { isWait } from './stalewaits';

const shown = (text: unknown, type = 'display_data'): unknown => ({ output_type: type, data: { 'text/plain': text } });

it('only the line of a cell that waits is removed', () => {
  expect(isWait(shown('nbrucio: waiting for dimuon, 3 s, 4.2 MB of 9.3 MB (45 %)'))).toBe(true);
  expect(isWait(shown(['nbrucio: downloading the data of a.ipynb …']))).toBe(true);
  expect(isWait(shown('nbrucio: this cell waits for your consent to download dimuon.'))).toBe(true);
  expect(isWait(shown('nbrucio: dimuon ready, 4 files (3.1 s)'))).toBe(false);
  expect(isWait(shown('nbrucio: waiting for dimuon', 'execute_result'))).toBe(false);
  for (const odd of [{}, { output_type: 'stream', text: 'nbrucio: waiting for x' }, shown(7), shown([])]) {
    expect(isWait(odd)).toBe(false);
  }
});
