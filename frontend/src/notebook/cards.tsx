/** The cards above the list when there is something to decide: consent, a plan, attachments. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { NotebookData } from '../notebookdata';
import { bytes, count } from '../format';
import { sharedFailures } from '../model/failures';
import { IConsent, IRow, planTotals } from '../model/rows';
import { LongName } from '../panel/longname';
import { Access, IPlan } from '../types';
import { amount, files } from '../words';
import { Fault } from './fault';

/** Of so many reasons that several requirements share. */
const MOST_FAILURES = 3;

interface ICardProps {
  data: NotebookData;
  trans: TranslationBundle;
}

/** The question before a download that needs consent. */
export function ConsentCard({ data, trans, consent }: ICardProps & { consent: IConsent }): JSX.Element {
  const names = consent.rows.map(row => row.handle).join(', ');
  return (
    <section className="nbrucio-card nbrucio-mod-ask" aria-label={trans.__('Consent')}>
      <p>
        {trans.__('This notebook wants to download:')}{' '}
        {consent.files > 0 && <strong>{amount(trans, consent.files, consent.bytes)}</strong>} ({names})
      </p>
      <div className="nbrucio-actions">
        <button className="nbrucio-button nbrucio-mod-accept" onClick={() => void data.sync(true)}>
          {trans.__('Fetch once')}
        </button>
        <button
          className="nbrucio-button"
          title={trans.__('Download these whenever a notebook needs them, up to this size, for six months')}
          onClick={() => void data.grant(consent.rows)}
        >
          {trans.__('Always for these')}
        </button>
        <button className="nbrucio-button" onClick={() => data.decline()}>
          {trans.__('Not now')}
        </button>
      </div>
    </section>
  );
}

/** The plan of a sync. */
export function PlanCard({ data, trans, plan }: ICardProps & { plan: IPlan }): JSX.Element {
  const totals = planTotals(plan);
  const labels: [Access, string][] = [
    ['store', trans.__('stored')],
    ['reread', trans.__('stored, to read again')],
    ['mount', trans.__('mounted')],
    ['download', trans.__('to download')],
    ['stream', trans.__('to stream')],
    ['missing', trans.__('not available')]
  ];
  const free = plan.download_files === 0;
  const unverified = plan.requirements.reduce((total, row) => total + row.unverified_files, 0);
  return (
    <section className="nbrucio-card" aria-label={trans.__('Plan')}>
      <p>
        <strong>
          {free
            ? trans.__('A sync would download nothing.')
            : trans.__('A sync would download %1.', amount(trans, plan.download_files, plan.download_bytes))}
        </strong>
      </p>
      <table className="nbrucio-plan">
        <tbody>
          {labels
            .filter(([way]) => totals[way].files)
            .map(([way, label]) => (
              <tr key={way}>
                <th scope="row">{label}</th>
                <td>{count(totals[way].files)}</td>
                <td>{bytes(totals[way].bytes)}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {unverified > 0 && (
        <p>{trans.__('%1 unverified: Rucio has no checksum to compare with.', files(trans, unverified))}</p>
      )}
      {plan.refusal && <Fault fault={plan.refusal} trans={trans} actions={{}} />}
      <div className="nbrucio-actions">
        {!free && !plan.refusal && (
          <button className="nbrucio-button nbrucio-mod-accept" onClick={() => void data.sync()}>
            {trans.__('Sync')}
          </button>
        )}
        <button className="nbrucio-button" onClick={() => data.dropPlan()}>
          {trans.__('Close')}
        </button>
      </div>
    </section>
  );
}

/** The attachments of rucio-jupyterlab. */
export function ImportCard({ data, trans }: ICardProps): JSX.Element {
  const { attached } = data.declaration;
  return (
    <section className="nbrucio-card" aria-label={trans.__('Attached by rucio-jupyterlab')}>
      <p>{trans.__('Attached to this notebook by rucio-jupyterlab:')}</p>
      <ul className="nbrucio-attached">
        {attached.map(one => (
          <li key={one.handle}>
            <code>{one.handle}</code> <LongName className="nbrucio-did" text={one.did} />
          </li>
        ))}
      </ul>
      <div className="nbrucio-actions">
        <button
          className="nbrucio-button nbrucio-mod-accept"
          disabled={!data.writable}
          onClick={() => void data.importAttached()}
        >
          {trans.__('Import')}
        </button>
      </div>
    </section>
  );
}

/** The errors of the notebook as a whole. */
export function Faults({ data, trans }: ICardProps): JSX.Element | null {
  const found = [...(data.fault ? [data.fault] : []), ...(data.status?.faults ?? [])];
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
        <Fault key={fault.message} fault={fault} trans={trans} actions={{ retry: () => void data.retry() }} />
      ))}
    </section>
  );
}

/** What several requirements fail for, once, with one button for all of them. */
export function SharedFailures({ data, rows, trans }: ICardProps & { rows: readonly IRow[] }): JSX.Element | null {
  const failures = sharedFailures(rows);
  if (!failures.length) {
    return null;
  }
  return (
    <section className="nbrucio-card nbrucio-mod-fault" aria-label={trans.__('Problems of several requirements')}>
      {failures.slice(0, MOST_FAILURES).map(({ fault, handles }) => (
        <div key={handles[0]} className="nbrucio-fault" role="group" aria-label={trans.__('Problem')}>
          <p>
            <strong>{trans.__('%1 requirements failed.', count(handles.length))}</strong>{' '}
            {trans.__('The first is %1: %2', handles[0] ?? '', fault.message)}
          </p>
        </div>
      ))}
      <div className="nbrucio-actions">
        <button className="nbrucio-button" disabled={data.syncing} onClick={() => void data.retry()}>
          {trans.__('Try again')}
        </button>
      </div>
    </section>
  );
}
