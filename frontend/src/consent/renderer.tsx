/** Shows a pending question for consent in the output of its cell. Nothing of a saved output is used but its id. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { consentOf, IConsent, IRow, summaryOf } from '../model/rows';
import { ConsentCard } from '../notebook/cards';
import { NotebookData } from '../notebookdata';
import { idIn, MIME } from './question';

/** Before plain text, which other front ends show. */
const RANK = 10;

/** Let outputs in this panel show questions. */
export function renderQuestions(panel: NotebookPanel, data: NotebookData, trans: TranslationBundle): void {
  const factory = {
    safe: true, // it shows no content of the output
    mimeTypes: [MIME],
    createRenderer: () => new QuestionOutput(data, trans)
  };
  panel.content.rendermime.addFactory(factory, RANK);
}

/** What a sync would download: all that needs consent, or where opening asks for none, the data of this cell. */
function asked(rows: IRow[], handles: readonly string[]): IConsent | null {
  const waiting = rows.filter(row => handles.includes(row.handle) && row.state !== 'ready');
  const { missingFiles, missingBytes } = summaryOf(waiting);
  return consentOf(rows) ?? (waiting.length ? { rows: waiting, files: missingFiles, bytes: missingBytes } : null);
}

class QuestionOutput extends ReactWidget {
  constructor(
    private readonly _data: NotebookData,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('nbrucio-question');
  }

  /** Called by Lab with the output. */
  async renderModel(model: { data: unknown }): Promise<void> {
    this._id = idIn(model.data);
    this.update();
    if (this._data.question.pending?.id !== this._id) {
      await this._data.question.refresh().catch(() => undefined); // without the server nothing is pending
    }
  }

  protected render(): JSX.Element {
    const trans = this._trans;
    return (
      <UseSignal signal={this._data.changed}>
        {() => {
          const data = this._data;
          const { pending } = data.question;
          if (pending === null || pending.id !== this._id) {
            return <p>{trans.__('This cell asked for consent to a download.')}</p>;
          }
          const consent = data.syncing ? null : asked(data.rows, pending.handles);
          return consent ? (
            <ConsentCard data={data} trans={trans} consent={consent} />
          ) : (
            <p>{data.syncing ? trans.__('Downloading…') : trans.__('Loading…')}</p>
          );
        }}
      </UseSignal>
    );
  }

  private _id: string | null = null;
}
