import { expect, it } from 'vitest';

import { sharedFailures } from './failures';
import { IRow } from './rows';

function row(handle: string, code: string | null, message = ''): IRow {
  return { handle, did: `a:${handle}`, faults: code ? [{ code, message }] : [] } as unknown as IRow;
}

it('failures for one reason are one, whatever the names in their words', () => {
  const rows = [
    row('one', 'offline', 'a:one cannot be resolved: cern does not answer.'),
    row('two', 'offline', 'a:two cannot be resolved: cern does not answer.'),
    row('three', 'did-not-found', 'a:three does not exist.'),
    row('four', null)
  ];
  expect(sharedFailures(rows).map(failure => failure.handles)).toEqual([['one', 'two']]);
});

it('failures of one kind for different reasons are not', () => {
  expect(
    sharedFailures([row('one', 'offline', 'cern does not answer.'), row('two', 'offline', 'No network.')])
  ).toEqual([]);
});
