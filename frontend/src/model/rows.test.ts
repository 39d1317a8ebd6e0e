import { describe, expect, it } from 'vitest';

import { IFault, IPlan, IRequirementStatus, IRun, IStatus } from '../types';
import { read } from './declaration';
import { checked, consentOf, IRow, planTotals, rowsOf, summaryOf } from './rows';

const DECLARED = read({ nbrucio: { requirements: [{ did: 'a:b', handle: 'one' }] } });
const CONSENT: IFault = { code: 'consent-needed', message: 'Nobody agreed.' };
const LOST: IFault = { code: 'no-replica', message: 'No replica.' };

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
    unverified_files: 0,
    files_total: 4,
    folder: null,
    errors: [{ code: 'offline', message: 'Not in the store.' }],
    ...more
  };
  return { notebook: 'nb', manifest: null, requirements: [one], totals: TOTALS, faults: [], sync: null };
}

/** Of a file that two requirements select. */
const TOTALS = { files: 1, bytes: 100, here_files: 0, here_bytes: 0 };

function row(status: IStatus | null, run: IRun | null = null): IRow {
  return rowsOf(DECLARED, status, run, null)[0] as IRow;
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

it('a plan counts what two requirements hold once', () => {
  const access = {
    store: { files: 1, bytes: 10 },
    mount: { files: 0, bytes: 0 },
    download: { files: 2, bytes: 20 },
    stream: { files: 0, bytes: 0 },
    missing: { files: 0, bytes: 0 },
    reread: { files: 3, bytes: 30 }
  };
  const one = { did: 'a:b', error: null, access, unverified_files: 0 };
  const plan: IPlan = {
    download_files: 2,
    download_bytes: 20,
    refusal: null,
    requirements: [
      { ...one, handle: 'one' },
      { ...one, handle: 'two' }
    ]
  };
  expect(planTotals(plan)).toMatchObject({
    store: { files: 2, bytes: 20 },
    reread: { files: 6, bytes: 60 },
    download: { files: 2, bytes: 20 }
  });
});

describe('an invalid requirement', () => {
  const declared = read({
    nbrucio: { requirements: [{ did: 'a:b', handle: 'one' }, { handle: 'nothing' }, { did: 'bad', handle: 'bad' }] }
  });
  const status: IStatus = {
    ...known({ state: 'ready', errors: [] }),
    faults: [{ code: 'bad-did', message: 'Not a DID.', subject: 'bad' }]
  };

  it('counts as not ready, as on the command line', () => {
    const rows = rowsOf(declared, status, null, null);
    expect(summaryOf(rows, declared.invalid)).toMatchObject({ total: 3, ready: 1, attention: true });
  });

  it('has a row with its error where it has a handle and a DID', () => {
    const row = rowsOf(declared, status, null, null)[1];
    expect([row?.state, row?.faults[0]?.message]).toEqual(['failed', 'Not a DID.']);
  });
});

it('a check counts changes and names the oldest lock', () => {
  const rows = rowsOf(DECLARED, known({ drift: 'gained 1 file' }), null, null);
  expect(checked(rows)).toEqual({ changed: 1, failed: 0, since: null });
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
