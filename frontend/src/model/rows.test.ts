import { describe, expect, it } from 'vitest';

import { IError } from '../schema';
import { IRequirementStatus, IRun, IStatus } from '../types';
import { read } from './declaration';
import { invalidOf } from './invalid';
import { checked, consentOf, IChecked, IRow, rowsOf, summaryOf } from './rows';

const DECLARED = read({ nbrucio: { requirements: [{ did: 'a:b', handle: 'one' }] } });
const CONSENT = fault('consent-needed', 'Nobody agreed.');
const LOST = fault('no-replica', 'No replica.');

function fault(code: string, message: string): IError {
  return { code, exit_code: 4, message, subject: null, hint: null, next_command: null };
}

function known(more: Partial<IRequirementStatus> = {}): IStatus {
  const one: IRequirementStatus = {
    handle: 'one',
    did: 'a:b',
    instance: 'host',
    state: 'missing',
    type: 'DATASET',
    open: false,
    digest: null,
    drift: null,
    bytes: 100,
    here_files: 0,
    here_bytes: 0,
    reread_files: 0,
    reread_bytes: 0,
    unverified_files: 0,
    files_total: 4,
    folder: null,
    errors: [fault('offline', 'Not in the store.')],
    unchecked: null,
    ...more
  };
  return {
    notebook: 'nb',
    manifest: null,
    requirements: [one],
    totals: TOTALS,
    faults: [],
    invalid: [],
    warnings: [],
    ending_logins: [],
    sync: null
  };
}

/** Of a file that two requirements select. */
const TOTALS = { files: 1, bytes: 100, here_files: 0, here_bytes: 0 };

function row(status: IStatus | null, run: (Pick<IRun, 'state'> & Partial<IRun>) | null = null): IRow {
  const whole = run && { files_total: null, files_done: 0, bytes_total: null, bytes_done: 0, handles: {}, ...run };
  return rowsOf(DECLARED, status, whole, null)[0] as IRow;
}

describe('the state of a requirement', () => {
  it('that the server has not seen', () => expect(row(null).state).toBe('new'));
  it('whose DID was changed in the document', () => expect(row(known({ did: 'a:other' })).state).toBe('new'));
  it('that nobody asked for yet is no error', () =>
    expect(row(known())).toMatchObject({ state: 'missing', faults: [] }));
  it('that is here', () => expect(row(known({ state: 'ready', errors: [] })).state).toBe('ready'));
  it('of which some is here', () => expect(row(known({ state: 'partial' })).state).toBe('partial'));

  it('that needs consent', () => {
    const found = row(known(), { state: 'done', errors: { one: [CONSENT] } });
    expect(found).toMatchObject({ state: 'consent', faults: [] });
  });

  it('that cannot be had', () =>
    expect(row(known(), { state: 'done', errors: { one: [LOST] } })).toMatchObject({
      state: 'failed',
      faults: [LOST]
    }));

  it('that came after an error', () =>
    expect(row(known({ state: 'ready' }), { state: 'done', errors: { one: [LOST] } })).toMatchObject({
      state: 'ready',
      faults: []
    }));
});

describe('while a sync is under way', () => {
  const share = { files_total: 4, files_done: 1, bytes_total: 100, bytes_done: 30 };

  it('a requirement waits until the plan is made', () =>
    expect(row(known(), { state: 'syncing' }).state).toBe('waiting'));

  it('its own bytes are shown', () =>
    expect(row(known(), { state: 'syncing', handles: { one: share } })).toMatchObject({
      state: 'syncing',
      files: 4,
      bytes: 100,
      hereFiles: 1,
      hereBytes: 30
    }));

  it('it is ready when its last file is', () =>
    expect(row(known(), { state: 'syncing', handles: { one: { ...share, files_done: 4 } } }).state).toBe('ready'));

  it('what could not be resolved does not wait', () =>
    expect(row(null, { state: 'syncing', handles: { one: { ...share, files_total: 0 } } }).state).toBe('missing'));
});

describe('the whole', () => {
  const rows = [
    row(known({ state: 'ready', here_files: 4, here_bytes: 100 })),
    row(known({ here_files: 1, here_bytes: 25 }), { state: 'done', errors: { one: [CONSENT] } })
  ];

  it('is summed up', () =>
    expect(summaryOf(rows)).toEqual({
      total: 2,
      ready: 1,
      files: 8,
      bytes: 200,
      missingFiles: 3,
      missingBytes: 75,
      attention: true
    }));

  it('asks for what is missing only', () => expect(consentOf(rows)).toMatchObject({ files: 3, bytes: 75 }));
  it('asks nothing when nothing is to ask', () => expect(consentOf(rows.slice(0, 1))).toBeNull());
});

describe('what Rucio does not know the size of', () => {
  const unknown = row(known({ state: 'partial', bytes: null, here_bytes: null, here_files: 1, unverified_files: 1 }));

  it('is never counted as nothing', () =>
    expect(summaryOf([unknown, row(known())])).toMatchObject({ files: 8, bytes: null, missingBytes: null }));

  it('is marked', () => expect(unknown).toMatchObject({ bytes: null, hereBytes: null, unverified: 1 }));

  it('shows what has come', () => {
    const share = { files_total: 4, files_done: 1, bytes_total: null, bytes_done: 30 };
    expect(row(known(), { state: 'syncing', handles: { one: share } })).toMatchObject({ bytes: null, hereBytes: 30 });
  });

  it('is nothing to download where everything is here', () => {
    const here = row(known({ state: 'ready', bytes: null, here_bytes: null, here_files: 4 }));
    expect(summaryOf([here])).toMatchObject({ bytes: null, missingFiles: 0, missingBytes: 0 });
  });
});

it('an invalid requirement has no row, and counts as not ready, as on the command line', () => {
  const declared = read({
    nbrucio: { requirements: [{ did: 'a:b', handle: 'one' }, { handle: 'nothing' }, { did: 'bad', handle: 'bad' }] }
  });
  const refused = { number: 3, handle: 'bad', error: fault('bad-did', 'Not a DID.') };
  const status: IStatus = { ...known({ state: 'ready', errors: [] }), invalid: [refused] };
  const rows = rowsOf(declared, status, null, null);
  const invalid = invalidOf(declared, status);
  expect(rows.map(row => row.handle)).toEqual(['one']);
  expect(invalid.map(one => [one.number, one.handle, one.fault?.message])).toEqual([
    [2, 'nothing', undefined],
    [3, 'bad', 'Not a DID.']
  ]);
  expect(summaryOf(rows, invalid.length)).toMatchObject({ total: 3, ready: 1, attention: true });
});

describe('a check', () => {
  const locked = read({
    nbrucio: {
      requirements: [{ did: 'a:b', handle: 'one' }],
      lock: { one: { did: 'a:b', locked: '2026-11-03T10:00:00Z' } }
    }
  });
  const result = (status: IStatus): IChecked => checked(rowsOf(locked, status, null, null));

  it('counts changes and what is not locked', () => {
    const rows = rowsOf(DECLARED, known({ drift: 'gained 1 file' }), null, null);
    expect(checked(rows)).toEqual({ changed: 1, failed: 0, unlocked: 1, since: null });
  });

  it('names the oldest lock that was compared', () =>
    expect(result(known({ state: 'ready' }))).toEqual({
      changed: 0,
      failed: 0,
      unlocked: 0,
      since: '2026-11-03T10:00:00Z'
    }));

  it('compares nothing where Rucio did not answer', () => {
    const status = known({ state: 'ready', unchecked: fault('offline', 'No answer.') });
    expect(result(status)).toEqual({ changed: 0, failed: 1, unlocked: 0, since: null });
    expect(rowsOf(locked, status, null, null)[0]).toMatchObject({ state: 'ready', faults: [{ code: 'offline' }] });
  });
});

it('a file of two requirements counts once, as the server counts', () => {
  const rows = [row(known()), row(known())];
  expect(summaryOf(rows)).toMatchObject({ files: 8, bytes: 200, missingFiles: 8 });
  expect(summaryOf(rows, 0, { files: 4, bytes: 100, here_files: 1, here_bytes: 25 })).toMatchObject({
    files: 4,
    bytes: 100,
    missingFiles: 3,
    missingBytes: 75
  });
});

it('data that the server does not know yet is summed up', () => {
  expect(summaryOf([row(null)], 0, TOTALS)).toMatchObject({ files: 0 });
});
