/** What the panel shows of a notebook's data, made from what is declared, what is here and what is under way. Pure. */

import { Access, IFault, IPlan, IPlanRow, IRequirementStatus, IRun, IShare, IStatus } from '../types';
import { IDeclaration, ILockEntry, IRequirement } from './declaration';

/**
 * - `new`: declared in the open document, and the server has not seen it yet
 * - `waiting`: a sync is under way and has not come to it
 * - `syncing`: its files are coming
 * - `consent`: it would cost a download that nobody agreed to
 */
export type RowState = 'ready' | 'partial' | 'missing' | 'failed' | 'new' | 'waiting' | 'syncing' | 'consent';

export interface IRow {
  handle: string;
  did: string;
  instance: string | null;
  type: string | null;
  open: boolean;
  state: RowState;
  /** Totals are null before they are known. */
  files: number | null;
  bytes: number | null;
  hereFiles: number;
  hereBytes: number;
  requirement: IRequirement;
  lock: ILockEntry | null;
  drift: string | null;
  faults: IFault[];
  plan: IPlanRow | null;
  folder: string | null;
}

export interface ISummary {
  total: number;
  ready: number;
  files: number;
  bytes: number;
  missingFiles: number;
  missingBytes: number;
  /** Something needs a person: consent, or an error. */
  attention: boolean;
}

export interface IConsent {
  rows: IRow[];
  files: number;
  bytes: number;
}

const CONSENT = 'consent-needed';

export function rowsOf(
  declaration: IDeclaration,
  status: IStatus | null,
  run: IRun | null,
  plan: IPlan | null
): IRow[] {
  return declaration.requirements.map(one => rowOf(one, declaration.lock[one.handle] ?? null, status, run, plan));
}

/** What of the declaration counts as a whole. */
export function summaryOf(rows: IRow[]): ISummary {
  const sum = (part: (row: IRow) => number): number => rows.reduce((total, row) => total + part(row), 0);
  return {
    total: rows.length,
    ready: rows.filter(row => row.state === 'ready').length,
    files: sum(row => row.files ?? 0),
    bytes: sum(row => row.bytes ?? 0),
    missingFiles: sum(row => (row.files ?? 0) - row.hereFiles),
    missingBytes: sum(row => (row.bytes ?? 0) - row.hereBytes),
    attention: rows.some(row => row.state === 'failed' || row.state === 'consent' || row.faults.length > 0)
  };
}

/** What the user is asked to agree to; null when there is nothing to ask. */
export function consentOf(rows: IRow[]): IConsent | null {
  const asked = rows.filter(row => row.state === 'consent');
  if (!asked.length) {
    return null;
  }
  const { missingFiles, missingBytes } = summaryOf(asked);
  return { rows: asked, files: missingFiles, bytes: missingBytes };
}

/** The files and bytes of a plan by the way they are had, summed over its requirements. */
export function planTotals(plan: IPlan): { [way in Access]: { files: number; bytes: number } } {
  const totals = {} as { [way in Access]: { files: number; bytes: number } };
  for (const way of ['store', 'reread', 'mount', 'download', 'stream', 'missing'] as const) {
    totals[way] = { files: 0, bytes: 0 };
    for (const row of plan.requirements) {
      totals[way].files += row.access[way]?.files ?? 0;
      totals[way].bytes += row.access[way]?.bytes ?? 0;
    }
  }
  // What several requirements hold is brought once.
  totals.download = { files: plan.download_files, bytes: plan.download_bytes };
  return totals;
}

function rowOf(
  requirement: IRequirement,
  lock: ILockEntry | null,
  status: IStatus | null,
  run: IRun | null,
  plan: IPlan | null
): IRow {
  const { handle } = requirement;
  const known = status?.requirements.find(one => one.handle === handle && sameDid(one, requirement)) ?? null;
  const share = run?.state === 'syncing' ? (run.handles?.[handle] ?? null) : null;
  const faults = faultsOf(known, run, handle);
  return {
    handle,
    did: requirement.parameter ? (known?.did ?? requirement.did) : requirement.did,
    instance: known?.instance ?? requirement.instance,
    type: known?.type ?? lock?.type ?? null,
    open: known?.open ?? lock?.open ?? false,
    state: stateOf(known, run, share, faults),
    ...amounts(known, lock, share),
    requirement,
    lock,
    drift: known?.drift ?? run?.drift?.[handle] ?? null,
    faults: faults.filter(fault => fault.code !== CONSENT),
    plan: plan?.requirements.find(row => row.handle === handle) ?? null,
    folder: known?.folder ?? null
  };
}

function sameDid(known: IRequirementStatus, requirement: IRequirement): boolean {
  return requirement.parameter || known.did === requirement.did;
}

/** What is wrong now: what the last sync found, as long as it still is not here; else what a look at the disk finds. */
function faultsOf(known: IRequirementStatus | null, run: IRun | null, handle: string): IFault[] {
  if (!known || known.state === 'ready' || run?.state === 'syncing') {
    return [];
  }
  const found = run?.errors?.[handle];
  if (found?.length) {
    return found;
  }
  // A look at the disk asks nobody, so "not asked yet" is no error before a sync was tried.
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
  return faults.length ? 'failed' : known.state === 'failed' ? 'missing' : known.state;
}

function amounts(
  known: IRequirementStatus | null,
  lock: ILockEntry | null,
  share: IShare | null
): { files: number | null; bytes: number | null; hereFiles: number; hereBytes: number } {
  if (share && share.files_total > 0) {
    return {
      files: share.files_total,
      bytes: share.bytes_total,
      hereFiles: share.files_done,
      hereBytes: Math.min(share.bytes_done, share.bytes_total)
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
