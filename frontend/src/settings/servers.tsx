/** The configured Rucio servers, and whether the login to each works. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { IFault, IInstance, IInstances } from '../types';

interface IServersProps {
  api: Api;
  trans: TranslationBundle;
  instances: IInstances;
  /** Asks for each login anew when it changes. */
  asked: number;
}

export function Servers({ api, trans, instances, asked }: IServersProps): JSX.Element {
  const none = !instances.instances.length && !instances.faults.length;
  return (
    <>
      <h3>{trans.__('Rucio servers')}</h3>
      {none && (
        <p>
          {instances.start ??
            trans.__('No Rucio server is configured. nbrucio reads rucio.cfg and ~/.config/nbrucio/config.toml.')}
        </p>
      )}
      <ul className="nbrucio-servers">
        {instances.instances.map(one => (
          <Server key={one.name} api={api} trans={trans} instance={one} asked={asked} />
        ))}
        {instances.faults.map(one => (
          <li key={one.name} data-login="out">
            <strong>{one.name}</strong>
            <span role="alert">{one.error.message}</span>
          </li>
        ))}
      </ul>
      {instances.warnings.map(warning => (
        <p key={warning}>{warning}</p>
      ))}
    </>
  );
}

/** The answer of `GET login`. */
interface ILogin {
  account: string | null;
  error: IFault | null;
}

interface IServerProps {
  api: Api;
  trans: TranslationBundle;
  instance: IInstance;
  asked: number;
}

function Server({ api, trans, instance, asked }: IServerProps): JSX.Element {
  const [login, setLogin] = useState<ILogin | null>(null);
  useEffect(() => {
    const asking = new AbortController();
    setLogin(null);
    api.get<ILogin>('login', { instance: instance.name }, asking.signal).then(setLogin, (error: unknown) => {
      if (!asking.signal.aborted) {
        setLogin({ account: null, error: faultOf(error) });
      }
    });
    return () => asking.abort();
  }, [api, instance.name, asked]);
  const account = login?.account ?? instance.account;
  return (
    <li data-login={login === null ? 'asking' : login.error ? 'out' : 'in'}>
      <strong>
        {instance.name}
        {instance.default ? ` (${trans.__('default')})` : ''}
      </strong>
      <span>{instance.host}</span>
      {login === null && <span>{trans.__('Logging in…')}</span>}
      {login !== null && !login.error && (
        <span>
          {account
            ? trans.__('Logged in as %1 (%2)', account, instance.auth_type ?? '')
            : trans.__('Logged in (%1)', instance.auth_type ?? '')}
        </span>
      )}
      {login?.error && (
        <span role="alert">
          {login.error.message} {login.error.hint ?? ''}
        </span>
      )}
      {login?.error?.next_command && <code>{login.error.next_command}</code>}
      {instance.mounts.length > 0 && <span>{trans.__('Mounted here: %1', instance.mounts.join(', '))}</span>}
    </li>
  );
}
