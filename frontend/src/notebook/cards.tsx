/** The cards above the list when there is something to decide: consent, a plan, attachments. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { NotebookData } from '../notebookdata';
import { bytes, count } from '../format';
import { IConsent } from '../model/rows';
import { LongName } from '../panel/longname';
import { ISectionProps } from '../section';
import { Access, IPlan } from '../types';
import { amount, files, sumsWords } from '../words';
import { Fault } from './fault';

/** Of handles in a sentence, and of attachments in a list. */
const MOST_NAMES = 5;
const MOST_ATTACHED = 20;

export interface ICardProps {
  data: NotebookData;
  trans: TranslationBundle;
}

/** Shows another section of the panel, where something is mended. */
export type IShow = Pick<ISectionProps, 'show'>;

/** The question before a download that needs consent. */
export function ConsentCard({ data, trans, consent }: ICardProps & { consent: IConsent }): JSX.Element {
  const names = consent.rows.slice(0, MOST_NAMES).map(row => row.handle);
  const more = consent.rows.length - names.length;
  return (
    <section className="nbrucio-card nbrucio-mod-ask" aria-label={trans.__('Consent')}>
      <p>
        {trans.__('This notebook wants to download:')}{' '}
        {consent.files > 0 && <strong>{amount(trans, consent.files, consent.bytes)}</strong>} ({names.join(', ')}
        {more > 0 && ` ${trans.__('and %1 more', count(more))}`})
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
export function PlanCard({ data, trans, plan, show }: ICardProps & IShow & { plan: IPlan }): JSX.Element {
  const labels: [Access, string][] = [
    ['store', trans.__('cached')],
    ['reread', trans.__('cached, to verify again')],
    ['mount', trans.__('mounted')],
    ['download', trans.__('to download')],
    ['stream', trans.__('to stream')],
    ['missing', trans.__('missing: no replica can be read here')]
  ];
  const download = plan.access.download ?? { files: 0, bytes: 0 };
  const free = download.files === 0;
  const rows = plan.notebooks.flatMap(notebook => notebook.requirements);
  const sums = sumsWords(
    trans,
    rows.map(row => row.sums)
  );
  const unverified = rows.reduce((total, row) => total + row.unverified_files, 0);
  return (
    <section className="nbrucio-card" aria-label={trans.__('Plan')}>
      <p>
        <strong>
          {free
            ? trans.__('A sync would download nothing.')
            : trans.__('A sync would download %1.', amount(trans, download.files, download.bytes))}
        </strong>
      </p>
      <table className="nbrucio-plan">
        <tbody>
          {labels.map(([way, label]) => {
            const part = plan.access[way];
            return part?.files ? (
              <tr key={way}>
                <th scope="row">{label}</th>
                <td>{count(part.files)}</td>
                <td>{bytes(part.bytes)}</td>
              </tr>
            ) : null;
          })}
        </tbody>
      </table>
      {sums && (
        <p>
          {sums}
          <button className="nbrucio-link" onClick={() => void data.makePlan(true)}>
            {trans.__('Ask for each file')}
          </button>
        </p>
      )}
      {unverified > 0 && (
        <p>{trans.__('%1 unverified: Rucio has no checksum to compare with.', files(trans, unverified))}</p>
      )}
      {plan.session_left_bytes !== null && (
        <p>{trans.__('Left to download in this session: %1.', bytes(plan.session_left_bytes))}</p>
      )}
      {plan.reason !== null && !plan.refusal?.hint?.includes(plan.reason) && (
        <p>{trans.__("This site's reason for its limits: %1", plan.reason)}</p>
      )}
      {plan.refusal && <Fault fault={plan.refusal} trans={trans} actions={{ settings: () => show('settings') }} />}
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
        {attached.slice(0, MOST_ATTACHED).map(one => (
          <li key={one.handle}>
            <code>{one.handle}</code> <LongName className="nbrucio-did" text={one.did} />
          </li>
        ))}
        {attached.length > MOST_ATTACHED && (
          <li>{trans.__('… and %1 more', count(attached.length - MOST_ATTACHED))}</li>
        )}
      </ul>
      <div className="nbrucio-actions">
        <button
          className="nbrucio-button nbrucio-mod-accept"
          disabled={!data.writable}
          onClick={() => void data.acts.importAttached()}
        >
          {trans.__('Import')}
        </button>
      </div>
    </section>
  );
}
