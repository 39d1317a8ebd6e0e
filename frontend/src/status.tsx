/** The status of a notebook's data: the chip in its toolbar, and the item in the status bar. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { nbrucioIcon } from './icons';
import { NotebookData } from './notebookdata';
import { Notebooks } from './notebooks';
import { statusText } from './words';

interface IStatusProps {
  data: NotebookData;
  trans: TranslationBundle;
  onClick: () => void;
}

function Status({ data, trans, onClick }: IStatusProps): JSX.Element {
  const summary = data.summary;
  const words = summary.total ? statusText(trans, summary, data.run, data.rate) : '';
  const mood = data.syncing
    ? 'syncing'
    : summary.attention
      ? 'attention'
      : summary.ready === summary.total
        ? 'ready'
        : 'waiting';
  return (
    <button
      className="nbrucio-summary"
      data-mood={summary.total ? mood : 'none'}
      title={trans.__('Data of the notebook')}
      aria-label={words ? trans.__('Data of the notebook: %1', words) : trans.__('Data of the notebook')}
      onClick={onClick}
    >
      <nbrucioIcon.react tag="span" className="nbrucio-icon" />
      {words && <span>{words}</span>}
    </button>
  );
}

/** The chip in a notebook's toolbar. */
export class Chip extends ReactWidget {
  constructor(
    panel: NotebookPanel,
    notebooks: Notebooks,
    private readonly _trans: TranslationBundle,
    private readonly _onClick: () => void
  ) {
    super();
    this.addClass('nbrucio-chip');
    this._data = notebooks.of(panel);
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._data.changed}>
        {() => <Status data={this._data} trans={this._trans} onClick={this._onClick} />}
      </UseSignal>
    );
  }

  private readonly _data: NotebookData;
}

/** The item in the status bar: of the notebook in front, as long as it declares anything. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _notebooks: Notebooks,
    private readonly _trans: TranslationBundle,
    private readonly _onClick: () => void
  ) {
    super();
    this.addClass('nbrucio-status');
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._notebooks.changed}>
        {() => {
          const data = this._notebooks.current;
          return data && data.summary.total ? (
            <Status data={data} trans={this._trans} onClick={this._onClick} />
          ) : (
            <></>
          );
        }}
      </UseSignal>
    );
  }
}
