/** The notebook as a whole: how much is ready, and the verbs. */

import { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { bytes } from '../format';
import { ISummary } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { amount, progress, readiness } from '../words';
import { Bar } from './bar';
import { IconButton } from './iconbutton';

interface IHeadProps {
  data: NotebookData;
  summary: ISummary;
  /** A card below asks a question, so its buttons precede the verbs. */
  asked: boolean;
  trans: TranslationBundle;
}

export function Head({ data, summary, asked, trans }: IHeadProps): JSX.Element {
  const { run } = data;
  const name = data.path.split('/').pop() ?? '';
  const size = summary.files ? amount(trans, summary.files, summary.bytes) : null;
  const words = run && data.syncing ? progress(trans, run, data.rate) : null;
  return (
    <div className="nbrucio-head">
      <h2 title={data.path}>{name}</h2>
      <p className="nbrucio-facts" role="status">
        {[readiness(trans, summary), size].filter(Boolean).join(' · ')}
      </p>
      {words && (
        <>
          <Bar
            label={trans.__('Progress of the sync')}
            done={run?.bytes_done ?? 0}
            total={run?.bytes_total ?? null}
            words={words}
          />
          <p className="nbrucio-facts">{words}</p>
        </>
      )}
      <Verbs data={data} summary={summary} asked={asked} trans={trans} />
    </div>
  );
}

function Verbs({ data, summary, asked, trans }: IHeadProps): JSX.Element {
  const cost = summary.missingBytes ? ` ${bytes(summary.missingBytes)}` : '';
  const done = summary.ready === summary.total;
  const busy = data.busy !== null || data.syncing;
  return (
    <div className="nbrucio-actions" role="toolbar" aria-label={trans.__('Data of the notebook')}>
      {data.syncing ? (
        <IconButton icon={stopIcon} label={trans.__('Cancel')} onClick={() => void data.cancel()} />
      ) : (
        <button
          className={`nbrucio-button${done || asked ? '' : ' nbrucio-mod-accept'}${cost ? ' nbrucio-mod-wide' : ''}`}
          title={trans.__('Download missing data')}
          disabled={data.busy !== null}
          onClick={() => void data.sync()}
        >
          <downloadIcon.react tag="span" className="nbrucio-icon" />
          {trans.__('Sync')}
          {cost}
        </button>
      )}
      <button
        className="nbrucio-button"
        title={trans.__('Show what a sync would download')}
        disabled={busy}
        onClick={() => void data.makePlan()}
      >
        {data.busy === 'plan' ? trans.__('Planning…') : trans.__('Plan')}
      </button>
      <button
        className="nbrucio-button"
        title={trans.__('Freeze the present file lists in the notebook')}
        disabled={busy || !data.writable}
        onClick={() => void data.acts.lock()}
      >
        {data.busy === 'lock' ? trans.__('Locking…') : trans.__('Lock')}
      </button>
      <button
        className="nbrucio-button nbrucio-mod-icon"
        title={trans.__('Ask Rucio for changes since the lock')}
        aria-label={trans.__('Check for changes')}
        disabled={busy}
        onClick={() => void data.check()}
      >
        <refreshIcon.react tag="span" className="nbrucio-icon" />
      </button>
    </div>
  );
}
