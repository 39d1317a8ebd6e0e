/** The errors of a notebook as a whole, and those that several of its requirements share. */

import React from 'react';

import { count } from '../format';
import { sharedFailures } from '../model/failures';
import { IRow } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { IFault } from '../types';
import { ICardProps, IShow } from './cards';
import { Fault, IFaultProps } from './fault';

/** Of so many reasons that several requirements share. */
const MOST_FAILURES = 3;

/** The errors of the notebook as a whole. */
export function Faults({ data, trans, show }: ICardProps & IShow): JSX.Element | null {
  const found = [...(data.fault ? [data.fault] : []), ...unshownFaults(data)];
  const failed = data.run?.state === 'failed' && !data.fault ? data.run.message : null;
  if (failed) {
    found.unshift({ code: 'interrupted', message: failed });
  }
  if (!found.length) {
    return null;
  }
  return (
    <section className="nbrucio-card nbrucio-mod-fault" aria-label={trans.__('Problems of the notebook')}>
      {found.map(fault => (
        <Fault
          key={fault.message}
          fault={fault}
          trans={trans}
          actions={{
            retry: () => void data.retry(),
            ...mending(show),
            ...(data.writable ? { lock: () => void data.acts.lock() } : {})
          }}
        />
      ))}
    </section>
  );
}

/** The errors of the status that no requirement shows. */
function unshownFaults({ status, invalid }: NotebookData): IFault[] {
  const shown = new Set(
    [...invalid.map(one => one.fault), ...(status?.requirements ?? []).map(one => one.unchecked)].map(
      fault => fault?.message
    )
  );
  return (status?.faults ?? []).filter(fault => !shown.has(fault.message));
}

/** What several requirements fail for, once, with one button for all of them. */
export function SharedFailures({
  data,
  rows,
  trans,
  show
}: ICardProps & IShow & { rows: readonly IRow[] }): JSX.Element | null {
  const failures = sharedFailures(rows);
  if (!failures.length) {
    return null;
  }
  return (
    <section className="nbrucio-card nbrucio-mod-fault" aria-label={trans.__('Problems of several requirements')}>
      {failures.slice(0, MOST_FAILURES).map(({ fault, handles }) => (
        <React.Fragment key={handles[0]}>
          <p>
            <strong>{trans.__('%1 requirements failed.', count(handles.length))}</strong>{' '}
            {trans.__('The first is %1:', handles[0] ?? '')}
          </p>
          <Fault fault={fault} trans={trans} actions={mending(show)} />
        </React.Fragment>
      ))}
      <div className="nbrucio-actions">
        <button
          className="nbrucio-button"
          disabled={data.syncing}
          onClick={() => void (rows.some(row => row.unchecked) ? data.check() : data.retry())}
        >
          {trans.__('Try again')}
        </button>
      </div>
    </section>
  );
}

/** The actions in other sections. */
function mending(show: IShow['show']): IFaultProps['actions'] {
  return { settings: () => show('settings'), explore: () => show('explore') };
}
