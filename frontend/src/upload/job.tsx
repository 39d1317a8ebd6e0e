/** One upload: its progress, errors and buttons. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { bytes, count } from '../format';
import { Bar } from '../notebook/bar';
import { faultWords, fixesFor } from '../notebook/fixes';
import { LongName } from '../panel/longname';
import { IUploadDetails, IUploadJob } from '../schema';
import { Uploads } from './uploads';

interface IJobProps {
  job: IUploadJob;
  uploads: Uploads;
  trans: TranslationBundle;
  onSettings: () => void;
}

export function Job({ job, uploads, trans, onSettings }: IJobProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const over = job.state === 'done' || job.state === 'failed';
  const name = job.dataset ?? job.paths.join(', ');
  const faults = [job.error, ...job.failures.map(one => one.error)];
  const inSettings = faults.some(fault => fault && fixesFor(fault).includes('settings'));
  const button = (label: string, act: () => void): JSX.Element => (
    <button className="nbrucio-button" aria-label={`${label}: ${name}`} onClick={act}>
      {label}
    </button>
  );
  return (
    <li className="nbrucio-job" data-state={job.state}>
      <div className="nbrucio-job-head">
        <strong>
          <LongName text={name} />
        </strong>
        <span className="nbrucio-job-state">{stateWords(trans, job)}</span>
      </div>
      <p>{trans.__('to %1', job.rse)}</p>
      <Bar
        label={trans.__('Progress of %1', name)}
        done={job.bytes_done}
        total={job.bytes_total}
        words={progressWords(trans, job)}
      />
      <p className="nbrucio-facts">{progressWords(trans, job)}</p>
      {job.error && <p role="alert">{faultWords(job.error)}</p>}
      {job.failures.length > 0 && <Failures job={job} trans={trans} />}
      <div className="nbrucio-actions">
        {!over && button(trans.__('Cancel'), () => void uploads.cancel(job.id))}
        {over &&
          button(
            job.state === 'failed' ? trans.__('Try again') : trans.__('Upload again'),
            () => void uploads.retry(job.id)
          )}
        {inSettings && button(trans.__('Settings'), onSettings)}
        {button(open ? trans.__('Hide log') : trans.__('Log'), () => setOpen(!open))}
        {over && button(trans.__('Remove from list'), () => void uploads.forget(job.id))}
      </div>
      {open && <Log job={job} uploads={uploads} trans={trans} />}
    </li>
  );
}

/** Why files were not sent: the first of them, and how many there are. */
function Failures({ job, trans }: Pick<IJobProps, 'job' | 'trans'>): JSX.Element {
  const more = job.failed_files - job.failures.length;
  return (
    <div role="alert">
      <p>
        {trans._n(
          '%2 file was not uploaded:',
          '%2 files were not uploaded:',
          job.failed_files,
          count(job.failed_files)
        )}
      </p>
      <ul className="nbrucio-failures">
        {job.failures.map(one => (
          <li key={one.did}>{one.error && faultWords(one.error)}</li>
        ))}
        {more > 0 && <li>{trans._n('and %2 more, in the log', 'and %2 more, in the log', more, count(more))}</li>}
      </ul>
    </div>
  );
}

function Log({ job, uploads, trans }: Omit<IJobProps, 'onSettings'>): JSX.Element {
  const [details, setDetails] = useState<IUploadDetails | null>(null);
  useEffect(() => {
    let wanted = true;
    const take = (found: IUploadDetails | null): void => void (wanted && setDetails(found));
    uploads.details(job.id).then(take, () => take(null));
    return () => {
      wanted = false;
    };
  }, [uploads, job.id, job.state, job.files_done]);
  return (
    <pre className="nbrucio-log" tabIndex={0} aria-label={trans.__('Log')}>
      {details ? details.log.join('\n') : trans.__('Loading…')}
    </pre>
  );
}

function stateWords(trans: TranslationBundle, job: IUploadJob): string {
  if (job.error?.code === 'interrupted') {
    return trans.__('Interrupted');
  }
  const words: { [state in IUploadJob['state']]: string } = {
    waiting: trans.__('Waiting'),
    uploading: trans.__('Uploading'),
    done: trans.__('Done'),
    failed: trans.__('Failed')
  };
  return words[job.state];
}

/** `1 of 3 files · 2.1 MB of 8.4 MB`. */
function progressWords(trans: TranslationBundle, job: IUploadJob): string {
  if (job.files_total === null || job.bytes_total === null) {
    return job.state === 'failed' ? trans.__('Nothing was uploaded.') : trans.__('Asking Rucio…');
  }
  return [
    // The server counts a failed file as done, since nothing more happens to it.
    trans.__('%1 of %2 files', count(job.files_done - job.failed_files), count(job.files_total)),
    trans.__('%1 of %2', bytes(job.bytes_done), bytes(job.bytes_total))
  ].join(' · ');
}
