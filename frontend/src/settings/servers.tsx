/** A card for each configured Rucio server: who the user is there, by what, until when, and the login. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { ILoggedOut, ILogin, IWhoami } from '../schema';
import { IFault, IInstance, IInstances } from '../types';
import { IAdded } from './connect';
import { Trouble } from './controls';
import { LogIn } from './login';
import { credentialWords, kindWords, untilWords } from './loginWords';

interface IServersProps {
  api: Api;
  trans: TranslationBundle;
  instances: IInstances;
  /** Asks for each login anew when it changes. */
  asked: number;
  /** The instance that was just added in the panel. */
  added: IAdded | null;
  /** Opens Explore. */
  onFind: () => void;
}

export function Servers({ instances, ...rest }: IServersProps): JSX.Element {
  return (
    <>
      {(instances.instances.length > 0 || instances.faults.length > 0) && <h3>{rest.trans.__('Rucio servers')}</h3>}
      <ul className="nbrucio-servers">
        {instances.instances.map(one => (
          <Server key={one.name} {...rest} instance={one} />
        ))}
        {instances.faults.map(one => (
          <li key={one.name} data-login="out">
            <strong>{one.name}</strong>
            <Trouble fault={one.error} />
          </li>
        ))}
      </ul>
      {instances.warnings.map(warning => (
        <p key={warning}>{warning}</p>
      ))}
    </>
  );
}

/** What is shown of a login; the error may be the browser's. */
type IShown = Pick<ILogin, 'state' | 'account' | 'identity' | 'by' | 'until' | 'renewed_by'> & { error: IFault | null };

/** The login of an instance, as its server sees it; null until it has answered. */
function useWhoami(api: Api, instance: string, asked: number): IShown | null {
  const [login, setLogin] = useState<IShown | null>(null);
  useEffect(() => {
    const asking = new AbortController();
    setLogin(null);
    api.get<IWhoami>('whoami', { instance }, asking.signal).then(
      ({ instances }) => setLogin(instances[0] ?? null),
      (error: unknown) => {
        if (!asking.signal.aborted) {
          setLogin({ ...NOTHING, error: faultOf(error) });
        }
      }
    );
    return () => asking.abort();
  }, [api, instance, asked]);
  return login;
}

const NOTHING: IShown = {
  state: 'failed',
  account: null,
  identity: null,
  by: null,
  until: null,
  renewed_by: null,
  error: null
};

type IServerProps = Omit<IServersProps, 'instances'> & { instance: IInstance };

function Server({ api, trans, instance, asked, added, onFind }: IServerProps): JSX.Element {
  const [again, setAgain] = useState(0);
  const [renewing, setRenewing] = useState(false);
  const [note, setNote] = useState<string | null>(null);
  const login = useWhoami(api, instance.name, asked + again);
  const atOnce = added?.name === instance.name && again === 0 ? { password: added.password } : undefined;
  const active = login?.state === 'active' && !login.error;
  const form = login !== null && ((!active && login.state !== 'unchecked') || renewing);

  const onLoggedIn = (): void => {
    setRenewing(false);
    setNote(null);
    setAgain(again + 1);
  };
  const logOut = (): void => {
    api.post<ILoggedOut>('logout', { instance: instance.name }).then(
      ({ remains }) => {
        setNote(remains);
        setAgain(again + 1);
      },
      (error: unknown) => setNote(faultOf(error).message)
    );
  };
  return (
    <li data-login={login === null ? 'asking' : active ? 'in' : 'out'} data-instance={instance.name}>
      <strong>
        {instance.name}
        {instance.default ? ` (${trans.__('default')})` : ''}
      </strong>
      <span>{instance.host}</span>
      <div role="status">
        {login === null && <span>{trans.__('Logging in…')}</span>}
        {login && active && <Who login={login} instance={instance} trans={trans} />}
        {note && <p>{note}</p>}
      </div>
      {login?.error && !atOnce && <Trouble fault={login.error} />}
      {instance.mounts.length > 0 && <span>{trans.__('Mounted here: %1', instance.mounts.join(', '))}</span>}
      {form && (
        <LogIn
          api={api}
          trans={trans}
          instance={instance.name}
          kind={instance.auth_type}
          username={login.identity ?? login.account}
          atOnce={atOnce}
          onLoggedIn={onLoggedIn}
        />
      )}
      {active && (
        <div className="nbrucio-actions">
          {added?.name === instance.name && (
            <button className="nbrucio-button nbrucio-mod-accept" onClick={onFind}>
              {trans.__('Find data')}
            </button>
          )}
          {!renewing && (
            <button className="nbrucio-button" onClick={() => setRenewing(true)}>
              {trans.__('Log in again')}
            </button>
          )}
          {login.by?.kind === 'saved-token' && (
            <button className="nbrucio-button" onClick={logOut}>
              {trans.__('Log out')}
            </button>
          )}
        </div>
      )}
    </li>
  );
}

interface IWhoProps {
  login: IShown;
  instance: IInstance;
  trans: TranslationBundle;
}

function Who({ login, instance, trans }: IWhoProps): JSX.Element {
  const kind = kindWords(trans, instance.auth_type);
  const place = login.by?.file ?? login.by?.variable;
  const rows: [string, string | null][] = [
    [trans.__('Identity'), login.identity],
    [trans.__('By'), login.by && [credentialWords(trans, login.by.kind), place].filter(Boolean).join(' · ')],
    [trans.__('Until'), login.until && untilWords(trans, login.until)],
    [trans.__('Renewed by'), login.renewed_by && renewalWords(trans, login.renewed_by)]
  ];
  return (
    <>
      <span>
        {login.account ? trans.__('Logged in as %1 (%2)', login.account, kind) : trans.__('Logged in (%1)', kind)}
      </span>
      <table className="nbrucio-facts-table nbrucio-mod-keys">
        <tbody>
          {rows
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </>
  );
}

/** What renews a login; the panel's button in place of a command for a terminal. */
function renewalWords(trans: TranslationBundle, by: string): string {
  const here = ['nbrucio login', 'voms-proxy-init', 'kinit'];
  return here.includes(by) ? trans.__('you, with “Log in again”') : by;
}
