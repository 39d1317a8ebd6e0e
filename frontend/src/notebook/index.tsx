/** The section on the notebook in front: what it declares, how far that is, and the verbs on it. */

import { UseSignal } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { consentOf, summaryOf } from '../model/rows';
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
          <p className="nbrucio-empty">{trans.__('Open a notebook to see the data that it declares.')}</p>
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
        <Head data={data} summary={summaryOf(rows)} asked={consent !== null || data.plan !== null} trans={trans} />
      )}
      {data.declaration.unreadable && (
        <p className="nbrucio-empty">{trans.__('This nbrucio cannot read what the notebook declares.')}</p>
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
