/** What the last verb has done, with its undo. It stays mounted, so that screen readers announce each change. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { NotebookData } from '../notebookdata';
import { outcomeWords } from '../words';

export function Outcome({ data, trans }: { data: NotebookData; trans: TranslationBundle }): JSX.Element {
  const { outcome } = data;
  const edited = outcome !== null && outcome.verb !== 'check' && outcome.verb !== 'undo';
  return (
    <div className="nbrucio-outcome" role="status">
      {outcome && outcomeWords(trans, outcome)}
      {edited && data.can('undo') && (
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
