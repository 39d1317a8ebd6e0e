/** The section for the active notebook: its data, their state, and the verbs. */

import { UseSignal } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { consentOf } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { ISectionProps } from '../section';
import { ConsentCard, Faults, ImportCard, PlanCard } from './cards';
import { Head } from './head';
import { Row } from './row';

export function NotebookSection(props: ISectionProps): JSX.Element {
  const { notebooks, trans } = props;
  return (
    <UseSignal signal={notebooks.changed}>
      {() => {
        const data = notebooks.current;
        return data ? (
          <Declared key={data.panel.id} {...props} data={data} />
        ) : (
          <p className="nbrucio-empty">{trans.__('Open a notebook to show the data that it declares.')}</p>
        );
      }}
    </UseSignal>
  );
}

interface ISaid {
  words: string;
  undo?: (() => void) | undefined;
}

function Declared(props: ISectionProps & { data: NotebookData }): JSX.Element {
  const { data, trans, show } = props;
  const [said, setSaid] = useState<ISaid | null>(null);
  useEffect(() => {
    const timer = said && window.setTimeout(() => setSaid(null), 10_000);
    return () => {
      if (timer) {
        window.clearTimeout(timer);
      }
    };
  }, [said]);
  const rows = data.rows;
  const consent = data.declined || data.syncing ? null : consentOf(rows);
  return (
    <>
      {rows.length > 0 && (
        <Head data={data} summary={data.summary} asked={consent !== null || data.plan !== null} trans={trans} />
      )}
      {data.declaration.unreadable && (
        <p className="nbrucio-empty">
          {trans.__('nbrucio cannot read the declaration of this notebook. A newer nbrucio may have written it.')}
        </p>
      )}
      <Faults data={data} trans={trans} />
      {consent && <ConsentCard data={data} trans={trans} consent={consent} />}
      {data.plan && <PlanCard data={data} trans={trans} plan={data.plan} />}
      {data.declaration.attached.length > 0 && <ImportCard data={data} trans={trans} />}
      <div className="nbrucio-said" role="status">
        {said && (
          <>
            {said.words}
            {said.undo && (
              <button
                className="nbrucio-link"
                onClick={() => {
                  said.undo?.();
                  setSaid(null);
                }}
              >
                {trans.__('Undo')}
              </button>
            )}
          </>
        )}
      </div>
      {rows.length > 0 ? (
        <ul className="nbrucio-rows" aria-label={trans.__('Declared data')}>
          {rows.map(row => (
            <Row key={row.handle} {...props} row={row} onSaid={(words, undo) => setSaid({ words, undo })} />
          ))}
        </ul>
      ) : (
        <div className="nbrucio-empty">
          <p>{trans.__('This notebook declares no data.')}</p>
          <button className="nbrucio-button" onClick={() => show('explore')}>
            {trans.__('Find data in Rucio')}
          </button>
        </div>
      )}
    </>
  );
}
