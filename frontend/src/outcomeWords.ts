/** What a verb has done, in a sentence. */

import { TranslationBundle } from '@jupyterlab/translation';

import { bytes, count } from './format';
import { IChecked } from './model/rows';
import { IOutcome } from './outcome';
import { amount } from './words';

export function outcomeWords(trans: TranslationBundle, outcome: IOutcome): string {
  switch (outcome.verb) {
    case 'check':
      return checkWords(trans, outcome);
    case 'lock':
      return lockWords(trans, outcome.locked, outcome.failed, outcome.reason);
    case 'import':
      return trans.__('Imported %1.', outcome.handles.join(', '));
    case 'add':
      return outcome.cell
        ? trans.__('Added %1, with a cell that reads it.', outcome.handle)
        : trans.__('Added %1.', outcome.handle);
    case 'present':
      return trans.__('The notebook declares this data already, as %1.', outcome.handle);
    case 'remove':
      return outcome.handle === null
        ? trans.__('Removed the invalid requirement.')
        : trans.__('%1 is no longer declared; its files stay cached.', outcome.handle);
    case 'change':
      return changeWords(trans, outcome.from, outcome.handle, outcome.cells);
    case 'sync':
      return syncWords(trans, outcome);
    case 'grant':
      return trans.__('Always downloads %1, for six months.', outcome.handles.join(', '));
    case 'cancel':
      return trans.__('Cancelled; complete files stay cached.');
    case 'decline':
      return trans.__('Nothing was downloaded. Sync downloads it later.');
    case 'plan':
      return trans.__('The plan is below; nothing was started.');
    case 'insert':
      return trans.__('Inserted code that reads %1.', outcome.handle);
    case 'copy':
      return trans.__('Copied.');
    case 'undo':
      return trans.__('Undone.');
    case 'redo':
      return trans.__('Redone.');
  }
}

function checkWords(trans: TranslationBundle, { changed, failed, unlocked, since }: IChecked): string {
  const parts = [];
  if (changed) {
    parts.push(trans._n('%1 has changed in Rucio', '%1 have changed in Rucio', changed, changed));
  } else if (since !== null) {
    const day = new Date(since).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
    parts.push(trans.__('Nothing has changed since %1', day));
  } else if (unlocked && !failed) {
    return trans.__('Nothing is locked yet, so there is nothing to compare.');
  }
  if (failed) {
    parts.push(trans.__('%1 could not be checked', count(failed)));
  }
  if (unlocked) {
    parts.push(trans._n('%1 is not locked', '%1 are not locked', unlocked, unlocked));
  }
  return `${parts.join('; ')}.`;
}

function lockWords(trans: TranslationBundle, locked: number, failed: number, reason: string | null): string {
  if (!failed) {
    return trans.__('Locked %1.', count(locked));
  }
  return trans.__('Locked %1; %2 could not be resolved: %3', count(locked), count(failed), reason ?? '');
}

function changeWords(trans: TranslationBundle, from: string | null, handle: string, cells: number): string {
  if (from === handle || from === null) {
    return trans.__('Changed %1.', handle);
  }
  return cells
    ? trans._n('Renamed to %2, also in %1 cell.', 'Renamed to %2, also in %1 cells.', cells, handle)
    : trans.__('Renamed to %1.', handle);
}

function syncWords(trans: TranslationBundle, outcome: IOutcome & { verb: 'sync' }): string {
  const { files, ready, total } = outcome;
  const done =
    files === 0
      ? trans.__('Nothing to download')
      : trans.__('Downloaded %1', files === null ? bytes(outcome.bytes) : amount(trans, files, outcome.bytes));
  return ready === total ? `${done}.` : `${done}; ${trans.__('%1 of %2 ready', count(ready), count(total))}.`;
}
