/** What the last verb has done, with its undo. It stays mounted, so that screen readers announce each change. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { NotebookData } from '../notebookdata';
import { IOutcome } from '../outcome';
import { outcomeWords } from '../outcomeWords';

/** These edit the notebook. */
const EDITS: readonly IOutcome['verb'][] = ['add', 'lock', 'import', 'remove', 'change', 'redo'];

export function Outcome({ data, trans }: { data: NotebookData; trans: TranslationBundle }): JSX.Element {
  const { outcome } = data;
  return (
    <div className="nbrucio-outcome" role="status">
      {outcome && outcomeWords(trans, outcome)}
      {outcome && EDITS.includes(outcome.verb) && data.can('undo') && (
        <button className="nbrucio-link" onClick={() => data.edits.undo()}>
          {trans.__('Undo')}
        </button>
      )}
      {outcome?.verb === 'undo' && data.can('redo') && (
        <button className="nbrucio-link" onClick={() => data.edits.redo()}>
          {trans.__('Redo')}
        </button>
      )}
    </div>
  );
}
