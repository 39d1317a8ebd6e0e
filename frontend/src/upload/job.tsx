/** One upload: its progress, errors and buttons. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { bytes, count } from '../format';
import { Bar } from '../notebook/bar';
import { LongName } from '../panel/longname';
import { IJob, IJobDetails, JobState, Uploads } from './uploads';

interface IJobProps {
  job: IJob;
  uploads: Uploads;
  trans: TranslationBundle;
}

export function Job({ job, uploads, trans }: IJobProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const over = job.state === 'done' || job.state === 'failed';
  const name = job.dataset ?? job.paths.join(', ');
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
        <span className="nbrucio-job-state">{stateWords(trans, job.state)}</span>
      </div>
      <p>{trans.__('to %1', job.rse)}</p>
      <Bar
        label={trans.__('Progress of %1', name)}
        done={job.bytes_done}
        total={job.bytes_total}
        words={progressWords(trans, job)}
      />
      <p className="nbrucio-facts">{progressWords(trans, job)}</p>
      {job.error && (
        <p role="alert">
          {job.error.message} {job.error.hint ?? ''}
        </p>
      )}
      {!job.error && job.failed_files > 0 && (
        <p role="alert">
          {trans._n(
            '%2 file could not be sent.',
            '%2 files could not be sent.',
            job.failed_files,
            count(job.failed_files)
          )}
        </p>
      )}
      <div className="nbrucio-actions">
        {!over && button(trans.__('Cancel'), () => void uploads.cancel(job.id))}
        {over &&
          button(
            job.state === 'failed' ? trans.__('Retry') : trans.__('Upload again'),
            () => void uploads.retry(job.id)
          )}
        {button(open ? trans.__('Hide log') : trans.__('Log'), () => setOpen(!open))}
        {over && button(trans.__('Remove from list'), () => void uploads.forget(job.id))}
      </div>
      {open && <Log job={job} uploads={uploads} trans={trans} />}
    </li>
  );
}

function Log({ job, uploads, trans }: IJobProps): JSX.Element {
  const [details, setDetails] = useState<IJobDetails | null>(null);
  useEffect(() => {
    let wanted = true;
    const take = (found: IJobDetails | null): void => void (wanted && setDetails(found));
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

function stateWords(trans: TranslationBundle, state: JobState): string {
  return {
    waiting: trans.__('Waiting'),
    uploading: trans.__('Uploading'),
    done: trans.__('Done'),
    failed: trans.__('Failed')
  }[state];
}

/** `1 of 3 files · 2.1 MB of 8.4 MB`. */
function progressWords(trans: TranslationBundle, job: IJob): string {
  if (job.files_total === null || job.bytes_total === null) {
    return job.state === 'failed' ? trans.__('Nothing was uploaded.') : trans.__('Asking Rucio…');
  }
  return [
    trans.__('%1 of %2 files', count(job.files_done), count(job.files_total)),
    trans.__('%1 of %2', bytes(job.bytes_done), bytes(job.bytes_total))
  ].join(' · ');
}
