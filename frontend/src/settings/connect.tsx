/** The form for a Rucio server that is not configured yet: tested first, then added and logged in. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { Api, faultOf } from '../api';
import { withoutCommands } from '../notebook/fixes';
import { IInstanceAdded, IInstanceTested } from '../schema';
import { IFault } from '../types';
import { TextField, Trouble } from './controls';
import { bodyOf, EMPTY, Field, FIELDS, IDraft, isComplete, Kind, KINDS, savedBodyOf } from './kinds';
import { kindWords } from './loginWords';

/** An instance that was added; `password` logs in there at once. */
export interface IAdded {
  name: string;
  password: string | null;
}

interface IConnectProps {
  api: Api;
  trans: TranslationBundle;
  onAdded: (added: IAdded) => void;
  /** Null where the form is always open. */
  onClose: (() => void) | null;
}

export function Connect({ api, trans, onAdded, onClose }: IConnectProps): JSX.Element {
  const [draft, setDraft] = useState<IDraft>(EMPTY);
  const [busy, setBusy] = useState(false);
  const [tested, setTested] = useState<IInstanceTested | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);

  const change = (part: Partial<IDraft>): void => {
    setDraft({ ...draft, ...part });
    setTested(null);
    setFault(null);
  };
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setFault(null);
    await act().catch((error: unknown) => setFault(faultOf(error)));
    setBusy(false);
  };
  const test = async (): Promise<IInstanceTested> => {
    const found = await api.post<IInstanceTested>('instances/test', bodyOf(draft));
    setTested(found);
    return found;
  };
  const add = async (): Promise<void> => {
    const { name } = await api.post<IInstanceAdded>('instances', savedBodyOf(draft));
    onAdded({ name, password: draft.kind === 'userpass' ? (draft.fields.password ?? null) : null });
  };
  const connect = async (): Promise<void> => {
    const found = await test();
    if (found.ok || (draft.kind === 'oidc' && failedAtLogin(found))) {
      await add(); // the login of oidc, on a web page, needs the instance
    }
  };
  const ready = isComplete(draft) && !busy;
  return (
    <form
      className="nbrucio-connect"
      aria-label={trans.__('Connect to a Rucio server')}
      onSubmit={event => {
        event.preventDefault();
        if (ready) {
          void attempt(connect);
        }
      }}
    >
      <Fields draft={draft} change={change} trans={trans} />
      <div role="status">
        {busy && <p>{trans.__('Asking the server…')}</p>}
        {tested && <Steps tested={tested} />}
      </div>
      {fault && <Trouble fault={fault} />}
      <div className="nbrucio-actions">
        <button className="nbrucio-button nbrucio-mod-accept" type="submit" disabled={!ready}>
          {trans.__('Connect')}
        </button>
        <button
          className="nbrucio-button"
          type="button"
          disabled={!ready}
          onClick={() => void attempt(async () => void (await test()))}
        >
          {trans.__('Test connection')}
        </button>
        {tested && !tested.ok && (
          <button className="nbrucio-button" type="button" disabled={!ready} onClick={() => void attempt(add)}>
            {trans.__('Add anyway')}
          </button>
        )}
        {onClose && (
          <button className="nbrucio-button" type="button" onClick={onClose}>
            {trans.__('Close')}
          </button>
        )}
      </div>
    </form>
  );
}

function failedAtLogin(tested: IInstanceTested): boolean {
  return tested.steps.some(step => step.name === 'login' && step.error?.code === 'credentials');
}

function Steps({ tested }: { tested: IInstanceTested }): JSX.Element {
  return (
    <ul className="nbrucio-steps">
      {tested.steps.map(step => (
        <li key={step.name} data-ok={!step.error}>
          {step.error ? '✗' : '✓'} {withoutCommands(step.text)} {withoutCommands(step.error?.hint ?? '')}
        </li>
      ))}
    </ul>
  );
}

interface IFieldsProps {
  draft: IDraft;
  change: (part: Partial<IDraft>) => void;
  trans: TranslationBundle;
}

function Fields({ draft, change, trans }: IFieldsProps): JSX.Element {
  const labels: { [field in Field]: string } = {
    client_proxy: trans.__('Proxy file'),
    username: trans.__('Username'),
    password: trans.__('Password'),
    token_file: trans.__('Token file'),
    oidc_audience: trans.__('Audience'),
    oidc_issuer: trans.__('Issuer'),
    client_cert: trans.__('Certificate file'),
    client_key: trans.__('Key file'),
    ssh_private_key: trans.__('SSH key file')
  };
  const usual: { [field in Field]?: string } = {
    client_proxy: trans.__('X509_USER_PROXY'),
    username: draft.account || trans.__('the account'),
    token_file: trans.__('none: log in on a web page'),
    oidc_audience: trans.__('optional'),
    oidc_issuer: trans.__('optional')
  };
  return (
    <>
      <TextField
        label={trans.__('Host')}
        placeholder="https://rucio.example.org"
        value={draft.host}
        onChange={host => change({ host })}
      />
      <TextField
        label={trans.__('Account')}
        placeholder={trans.__('your Rucio account')}
        value={draft.account}
        onChange={account => change({ account })}
      />
      <label className="nbrucio-field">
        {trans.__('Kind of login')}
        <select
          className="nbrucio-input"
          value={draft.kind}
          onChange={event => change({ kind: event.target.value as Kind })}
        >
          {KINDS.map(kind => (
            <option key={kind} value={kind}>
              {kindWords(trans, kind)}
            </option>
          ))}
        </select>
      </label>
      {FIELDS[draft.kind].map(field => (
        <TextField
          key={field}
          label={labels[field]}
          secret={field === 'password'}
          placeholder={usual[field] ?? ''}
          value={draft.fields[field] ?? ''}
          onChange={value => change({ fields: { ...draft.fields, [field]: value } })}
        />
      ))}
      <details>
        <summary className="nbrucio-summary">{trans.__('More')}</summary>
        <TextField
          label={trans.__('Name here')}
          placeholder={trans.__('from the host')}
          value={draft.name}
          onChange={name => change({ name })}
        />
        <TextField
          label={trans.__('Login host')}
          placeholder={trans.__('the same host')}
          value={draft.auth_host}
          onChange={auth_host => change({ auth_host })}
        />
      </details>
    </>
  );
}
