/** The section for the active notebook: its data, their state, and the verbs. */

import { UseSignal } from '@jupyterlab/ui-components';
import React, { useRef } from 'react';

import { consentOf } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { ISectionProps } from '../section';
import { ConsentCard, ImportCard, PlanCard } from './cards';
import { EndingLogins } from './endinglogins';
import { Head } from './head';
import { InvalidRows, UnknownKeys } from './invalidrows';
import { Outcome } from './outcomeLine';
import { RowList } from './list';
import { Faults, SharedFailures } from './problems';

export function NotebookSection(props: ISectionProps): JSX.Element {
  const { notebooks, isShown, shown } = props;
  // While the section is hidden, its last rendering stays, and progress costs nothing.
  const last = useRef(<></>);
  const render = (): JSX.Element => {
    if (isShown('notebook')) {
      last.current = <Current {...props} data={notebooks.current} />;
    }
    return last.current;
  };
  return <UseSignal signal={shown}>{() => <UseSignal signal={notebooks.changed}>{render}</UseSignal>}</UseSignal>;
}

function Current(props: ISectionProps & { data: NotebookData | null }): JSX.Element {
  const { data, trans } = props;
  return data ? (
    <Declared key={data.id} {...props} data={data} />
  ) : (
    <p className="nbrucio-empty">{trans.__('Open a notebook to show the data that it declares.')}</p>
  );
}

function Declared(props: ISectionProps & { data: NotebookData }): JSX.Element {
  const { data, trans, show } = props;
  const rows = data.rows;
  const consent = data.declined || data.syncing ? null : consentOf(rows);
  return (
    <>
      {data.summary.total > 0 && (
        <Head data={data} summary={data.summary} asked={consent !== null || data.plan !== null} trans={trans} />
      )}
      <Outcome data={data} trans={trans} />
      {data.declaration.unreadable && (
        <p className="nbrucio-empty">
          {trans.__('nbrucio cannot read the declaration of this notebook. A newer nbrucio may have written it.')}
        </p>
      )}
      <Faults data={data} trans={trans} show={show} />
      <SharedFailures data={data} rows={rows} trans={trans} show={show} />
      {consent && <ConsentCard data={data} trans={trans} consent={consent} />}
      {data.plan && <PlanCard data={data} trans={trans} plan={data.plan} show={show} />}
      {data.declaration.attached.length > 0 && <ImportCard data={data} trans={trans} />}
      <EndingLogins faults={data.status?.ending_logins ?? []} trans={trans} onSettings={() => show('settings')} />
      <UnknownKeys data={data} trans={trans} />
      <InvalidRows data={data} trans={trans} />
      {rows.length > 0 && <RowList {...props} rows={rows} />}
      {data.summary.total === 0 && (
        <div className="nbrucio-empty">
          <p>{trans.__('This notebook declares no data.')}</p>
          <p>{trans.__('Find a dataset and press +: that declares it, downloads it and adds a cell that reads it.')}</p>
          <button className="nbrucio-button" onClick={() => show('explore')}>
            {trans.__('Find data in Rucio')}
          </button>
        </div>
      )}
    </>
  );
}
