/** The rows of the panel, made from declaration, status, sync and plan. Pure. */

import { IFault, IPlan, IPlanRow, IRequirementStatus, IRun, IShare, IStatus, ITotals } from '../types';
import { IDeclaration, ILockEntry, IRequirement } from './declaration';
import { refusal } from './invalid';

/**
 * - `new`: declared in the open document, and not checked by the server yet
 * - `waiting`: a sync is running and has not reached it
 * - `syncing`: its files are being downloaded
 * - `consent`: its download needs consent
 */
export type RowState = 'ready' | 'partial' | 'missing' | 'failed' | 'new' | 'waiting' | 'syncing' | 'consent';

export interface IRow {
  handle: string;
  did: string;
  instance: string | null;
  type: string | null;
  open: boolean;
  state: RowState;
  /** Null before it is known. */
  files: number | null;
  /** Null before it is known, and where Rucio does not know the size of a file. */
  bytes: number | null;
  hereFiles: number;
  hereBytes: number | null;
  /** Files that are here and of which Rucio has no checksum. */
  unverified: number;
  requirement: IRequirement;
  lock: ILockEntry | null;
  drift: string | null;
  faults: IFault[];
  /** The last check could not ask Rucio about it; the reason is among the faults. */
  unchecked: boolean;
  plan: IPlanRow | null;
  folder: string | null;
}

export interface ISummary {
  total: number;
  ready: number;
  files: number;
  /** Null where Rucio does not know a size. */
  bytes: number | null;
  missingFiles: number;
  missingBytes: number | null;
  /** Something needs a person: consent, or an error. */
  attention: boolean;
}

export interface IConsent {
  rows: IRow[];
  files: number;
  bytes: number | null;
}

export interface IChecked {
  changed: number;
  /** Rucio did not answer for them. */
  failed: number;
  /** They have no lock to compare with. */
  unlocked: number;
  since: string | null;
}

const CONSENT = 'consent-needed';

export function rowsOf(
  declaration: IDeclaration,
  status: IStatus | null,
  run: IRun | null,
  plan: IPlan | null
): IRow[] {
  const known = new Map(status?.requirements.map(one => [one.handle, one]));
  const plans = new Map(plan?.notebooks.flatMap(one => one.requirements).map(one => [one.handle, one]));
  const reason = refusal(status);
  const valid = declaration.requirements.filter(one => !reason(one.number, one.handle));
  return valid.map(one => {
    const found = known.get(one.handle);
    const lock = declaration.lock[one.handle] ?? null;
    return rowOf(one, lock, found && sameDid(found, one) ? found : null, run, plans.get(one.handle) ?? null);
  });
}

/**
 * Totals over the rows. `invalid` entries of the declaration count as not ready, as in `nbrucio status`.
 *
 * @param totals - of the server, which counts a file of several requirements once. Rows that it does not know yet are
 *   summed up instead.
 */
export function summaryOf(rows: readonly IRow[], invalid = 0, totals: ITotals | null = null): ISummary {
  const sum = (part: (row: IRow) => number): number => rows.reduce((total, row) => total + part(row), 0);
  const summary = {
    total: rows.length + invalid,
    ready: rows.filter(row => row.state === 'ready').length,
    files: sum(row => row.files ?? 0),
    bytes: totalOf(rows.map(row => (row.files === null ? 0 : row.bytes))),
    missingFiles: sum(row => (row.files ?? 0) - row.hereFiles),
    missingBytes: totalOf(rows.map(missingBytesOf)),
    attention:
      invalid > 0 || rows.some(row => row.state === 'failed' || row.state === 'consent' || row.faults.length > 0)
  };
  if (!totals || rows.some(row => row.state === 'new' || row.state === 'syncing' || row.state === 'waiting')) {
    return summary;
  }
  return {
    ...summary,
    files: totals.files,
    bytes: totals.bytes,
    missingFiles: totals.files - totals.here_files,
    missingBytes: totals.bytes === null || totals.here_bytes === null ? null : totals.bytes - totals.here_bytes
  };
}

/** The result of a check, in numbers of requirements, and the day of the oldest lock that was compared. */
export function checked(rows: readonly IRow[]): IChecked {
  const compared = rows.filter(row => row.lock !== null && !row.unchecked);
  return {
    changed: rows.filter(row => row.drift !== null).length,
    failed: rows.filter(row => row.unchecked).length,
    unlocked: rows.length - rows.filter(row => row.lock !== null || row.unchecked).length,
    since: compared.map(row => row.lock?.locked ?? '').sort()[0] ?? null
  };
}

/** The data that needs the user's consent; null without any. */
export function consentOf(rows: IRow[]): IConsent | null {
  const asked = rows.filter(row => row.state === 'consent');
  if (!asked.length) {
    return null;
  }
  const { missingFiles, missingBytes } = summaryOf(asked);
  return { rows: asked, files: missingFiles, bytes: missingBytes };
}

/** The sum of `sizes`; null when one of them is unknown. */
function totalOf(sizes: (number | null)[]): number | null {
  return sizes.reduce((total, size) => (total === null || size === null ? null : total + size), 0);
}

function missingBytesOf(row: IRow): number | null {
  if (row.files === null || row.files === row.hereFiles) {
    return 0;
  }
  return row.bytes === null || row.hereBytes === null ? null : row.bytes - row.hereBytes;
}

function rowOf(
  requirement: IRequirement,
  lock: ILockEntry | null,
  known: IRequirementStatus | null,
  run: IRun | null,
  plan: IPlanRow | null
): IRow {
  const { handle } = requirement;
  const share = run?.state === 'syncing' ? (run.handles?.[handle] ?? null) : null;
  const faults = faultsOf(known, run, handle);
  const unchecked = known?.unchecked ?? null;
  return {
    handle,
    did: requirement.parameter ? (known?.did ?? requirement.did) : requirement.did,
    instance: known?.instance ?? requirement.instance,
    type: known?.type ?? lock?.type ?? null,
    open: known?.open ?? lock?.open ?? false,
    state: stateOf(known, run, share, faults),
    ...amounts(known, lock, share),
    unverified: known?.unverified_files ?? 0,
    requirement,
    lock,
    drift: known?.drift ?? run?.drift?.[handle] ?? null,
    faults: [...faults.filter(fault => fault.code !== CONSENT), ...(unchecked ? [unchecked] : [])],
    unchecked: unchecked !== null,
    plan,
    folder: known?.folder ?? null
  };
}

function sameDid(known: IRequirementStatus, requirement: IRequirement): boolean {
  return requirement.parameter || known.did === requirement.did;
}

/** The errors of the last sync while the data is missing, else those of the status. */
function faultsOf(known: IRequirementStatus | null, run: IRun | null, handle: string): IFault[] {
  if (!known || known.state === 'ready' || run?.state === 'syncing') {
    return [];
  }
  const found = run?.errors?.[handle];
  if (found?.length) {
    return found;
  }
  // A status asks no server, so that "not resolved yet" is no error before a sync.
  return known.errors.filter(fault => fault.code !== 'offline');
}

function stateOf(known: IRequirementStatus | null, run: IRun | null, share: IShare | null, faults: IFault[]): RowState {
  if (share && share.files_done < share.files_total) {
    return 'syncing';
  }
  if (share) {
    return share.files_total > 0 ? 'ready' : 'missing'; // no file is known of what could not be resolved
  }
  if (!known) {
    return run?.state === 'syncing' ? 'waiting' : 'new';
  }
  if (known.state === 'ready') {
    return 'ready';
  }
  if (run?.state === 'syncing') {
    return 'waiting';
  }
  if (faults.some(fault => fault.code === CONSENT)) {
    return 'consent';
  }
  return faults.length || known.unchecked ? 'failed' : known.state === 'failed' ? 'missing' : known.state;
}

function amounts(
  known: IRequirementStatus | null,
  lock: ILockEntry | null,
  share: IShare | null
): { files: number | null; bytes: number | null; hereFiles: number; hereBytes: number | null } {
  if (share && share.files_total > 0) {
    return {
      files: share.files_total,
      bytes: share.bytes_total,
      hereFiles: share.files_done,
      hereBytes: share.bytes_total === null ? share.bytes_done : Math.min(share.bytes_done, share.bytes_total)
    };
  }
  if (known && known.files_total > 0) {
    return {
      files: known.files_total,
      bytes: known.bytes,
      hereFiles: known.here_files,
      hereBytes: known.here_bytes
    };
  }
  return { files: lock?.files ?? null, bytes: lock?.bytes ?? null, hereFiles: 0, hereBytes: 0 };
}
