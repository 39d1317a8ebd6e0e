/** Logs in at one instance: by a password or passphrase, on a web page, or with what is on this machine. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useRef, useState } from 'react';

import { Api, faultOf } from '../api';
import { useLatest } from '../panel/useLatest';
import { ILoginJob } from '../schema';
import { IFault } from '../types';
import { TextField, Trouble } from './controls';
import { pageUrl } from './kinds';

const POLL_MS = 1000;

interface ILogInProps {
  api: Api;
  trans: TranslationBundle;
  instance: string;
  kind: string | null;
  username: string | null;
  /** Log in at once: with this password, or without one if it is null. */
  atOnce?: { password: string | null } | undefined;
  onLoggedIn: () => void;
}

export function LogIn({ api, trans, instance, kind, username, atOnce, onLoggedIn }: ILogInProps): JSX.Element {
  const [user, setUser] = useState(username ?? '');
  const [secret, setSecret] = useState('');
  const [voms, setVoms] = useState('');
  const [job, start, fault] = useLogin(api, onLoggedIn);
  const running = job?.state === 'running' || job?.state === 'waiting';
  const byPassword = kind === 'userpass';
  const byProgram = kind === 'x509_proxy' || kind === 'gss';

  const logIn = (password: string | null): void => {
    setSecret('');
    void start({
      instance,
      renew: true,
      username: byPassword ? user : null,
      password: byPassword || byProgram ? password : null,
      voms: voms.trim() || null
    });
  };
  const begun = useRef(false);
  useEffect(() => {
    if (atOnce && !begun.current) {
      begun.current = true;
      logIn(atOnce.password);
    }
  });
  return (
    <form
      className="nbrucio-login"
      aria-label={trans.__('Log in at %1', instance)}
      onSubmit={event => {
        event.preventDefault();
        logIn(secret);
      }}
    >
      {byPassword && <TextField label={trans.__('Username')} value={user} onChange={setUser} />}
      {kind === 'x509_proxy' && (
        <TextField label={trans.__('VO')} placeholder={trans.__('for example cms')} value={voms} onChange={setVoms} />
      )}
      {(byPassword || byProgram) && (
        <TextField
          label={kind === 'x509_proxy' ? trans.__('Passphrase') : trans.__('Password')}
          secret
          value={secret}
          onChange={setSecret}
        />
      )}
      {job?.page && running && <Page api={api} trans={trans} job={job} />}
      {(job?.error ?? fault) && <Trouble fault={(job?.error ?? fault) as IFault} />}
      <div className="nbrucio-actions">
        <button className="nbrucio-button nbrucio-mod-accept" type="submit" disabled={running}>
          {running ? trans.__('Logging in…') : trans.__('Log in')}
        </button>
        {running && (
          <button
            className="nbrucio-button"
            type="button"
            onClick={() => void api.delete('login', { id: job?.id }).catch(() => undefined)}
          >
            {trans.__('Cancel')}
          </button>
        )}
      </div>
    </form>
  );
}

/** A started login, asked for once a second until it has ended; how to start one; and an error of asking. */
function useLogin(
  api: Api,
  onLoggedIn: () => void
): [ILoginJob | null, (body: object) => Promise<void>, IFault | null] {
  const [job, setJob] = useState<ILoginJob | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  const report = useLatest(onLoggedIn);
  useEffect(() => {
    if (job === null || job.state === 'failed') {
      return;
    }
    if (job.state === 'done') {
      report();
      return;
    }
    const timer = window.setTimeout(() => {
      api.get<ILoginJob>('login', { id: job.id }).then(setJob, (error: unknown) => {
        setJob(null);
        setFault(faultOf(error));
      });
    }, POLL_MS);
    return () => window.clearTimeout(timer);
  }, [api, job, report]);
  const start = async (body: object): Promise<void> => {
    setFault(null);
    await api.post<ILoginJob>('login', body).then(setJob, (error: unknown) => setFault(faultOf(error)));
  };
  return [job, start, fault];
}

/** The web page of a login, as a link, and a field for the code that it may show. */
function Page({ api, trans, job }: { api: Api; trans: TranslationBundle; job: ILoginJob }): JSX.Element {
  const [code, setCode] = useState('');
  const url = pageUrl(job.page?.url ?? '');
  if (url === null) {
    return <p role="alert">{trans.__('The server sent no web page to log in on.')}</p>;
  }
  return (
    <>
      <p role="status">
        <a className="nbrucio-page" href={url} target="_blank" rel="noopener noreferrer">
          {trans.__('Log in on this page')}
        </a>{' '}
        {new URL(url).host}
        {job.page?.paste_code ? '' : ` · ${trans.__('then this panel continues by itself')}`}
      </p>
      {job.page?.paste_code && (
        <>
          <TextField label={trans.__('Code of the page')} value={code} onChange={setCode} />
          <button
            className="nbrucio-button"
            type="button"
            disabled={!code.trim()}
            onClick={() => void api.post('login', { id: job.id, code: code.trim() }).catch(() => undefined)}
          >
            {trans.__('Send the code')}
          </button>
        </>
      )}
    </>
  );
}
