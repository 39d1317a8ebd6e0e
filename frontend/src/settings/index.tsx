/** The section "Settings": servers and logins, opening a notebook, the cache, consent to downloads. */

import { refreshIcon, settingsIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer, useState } from 'react';

import { faultOf } from '../api';
import { bytes, count } from '../format';
import { IconButton } from '../notebook/iconbutton';
import { Fault } from '../notebook/fault';
import { useVisible } from '../panel/useVisible';
import { IOpening, IStoreSpace } from '../schema';
import { ISectionProps } from '../section';
import { IFault, IGrant, IInstances } from '../types';
import { Level, levelsUpTo } from './openingChoice';
import { IAdded } from './connect';
import { Servers } from './servers';
import { Welcome } from './welcome';

interface IFacts {
  instances: IInstances;
  store: IStoreSpace;
  opening: IOpening;
  grants: IGrant[];
}

export function SettingsSection(props: ISectionProps): JSX.Element {
  const { api, app, trans, show } = props;
  const [ref, visible] = useVisible<HTMLDivElement>();
  const [facts, setFacts] = useState<IFacts | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  const [added, setAdded] = useState<IAdded | null>(null);
  const [asked, ask] = useReducer((number: number) => number + 1, 0);

  useEffect(() => {
    if (!visible) {
      return;
    }
    let wanted = true;
    Promise.all([
      api.instances(),
      api.get<IStoreSpace>('store', { usage: 1 }),
      api.get<IOpening>('opening'),
      api.get<{ grants: IGrant[] }>('grants')
    ]).then(
      ([instances, store, opening, { grants }]) => {
        if (wanted) {
          setFault(null);
          setFacts({ instances, store, opening, grants });
        }
      },
      (error: unknown) => void (wanted && setFault(faultOf(error)))
    );
    return () => {
      wanted = false;
    };
  }, [api, visible, asked]);

  const revoke = (grant: IGrant): void => {
    api
      .delete('grants', { did: grant.did, instance: grant.instance })
      .then(ask, (error: unknown) => setFault(faultOf(error)));
  };
  return (
    <div className="nbrucio-settings" ref={ref}>
      <div className="nbrucio-actions">
        <IconButton icon={refreshIcon} label={trans.__('Refresh')} onClick={ask} />
        <IconButton
          icon={settingsIcon}
          label={trans.__('Settings editor')}
          onClick={() => void app.commands.execute('settingeditor:open', { query: trans.__('Data (Rucio)') })}
        />
      </div>
      {fault && <Fault fault={fault} trans={trans} actions={{ retry: ask }} />}
      {!facts && !fault && <p>{trans.__('Loading…')}</p>}
      {facts && (
        <Servers
          api={api}
          trans={trans}
          instances={facts.instances}
          asked={asked}
          added={added}
          onFind={() => show('explore')}
        />
      )}
      {facts && (
        <Welcome
          api={api}
          trans={trans}
          instances={facts.instances}
          onAdded={one => {
            setAdded(one);
            ask();
          }}
        />
      )}
      {facts && <Opening {...props} opening={facts.opening} onChanged={ask} />}
      {facts && <Store trans={trans} store={facts.store} />}
      {facts && <Grants trans={trans} grants={facts.grants} onRevoke={revoke} />}
    </div>
  );
}

type Trans = ISectionProps['trans'];

function Opening(props: ISectionProps & { opening: IOpening; onChanged: () => void }): JSX.Element {
  const { api, trans, settings, opening, onChanged } = props;
  const words: { [level in Level]: string } = {
    off: trans.__('Nothing'),
    read: trans.__('Show ready data'),
    look: trans.__('Also ask Rucio, use mounted files'),
    fetch: trans.__('Also download data that you fetched or added')
  };
  const budget = Math.round(opening.budget_bytes / 1_000_000);
  const [typed, setTyped] = useState<string | null>(null);
  const set = async (change: { onOpen?: Level; openBudget?: number }): Promise<void> => {
    for (const [key, value] of Object.entries(change)) {
      await settings?.set(key, value);
    }
    const level = change.onOpen ?? opening.level;
    const size = change.openBudget === undefined ? opening.budget_bytes : change.openBudget * 1_000_000;
    await api.post('opening', { level, budget_bytes: size });
    setTyped(null);
    onChanged();
  };
  return (
    <>
      <h3>{trans.__('When a notebook opens')}</h3>
      <select
        className="nbrucio-input"
        aria-label={trans.__('When a notebook opens')}
        value={opening.level}
        onChange={event => void set({ onOpen: event.target.value as Level })}
      >
        {levelsUpTo(opening.allowed.level).map(level => (
          <option key={level} value={level}>
            {words[level]}
          </option>
        ))}
      </select>
      {opening.level === 'fetch' && (
        <p className="nbrucio-facts">
          {trans.__(
            'Opening a notebook downloads only data that you fetched or added yourself before, up to that size, for six months.'
          )}
        </p>
      )}
      {opening.level === 'fetch' && (
        <label className="nbrucio-field">
          {trans.__('At most (MB)')}
          <input
            className="nbrucio-input"
            type="number"
            min={0}
            max={opening.allowed.budget_bytes / 1_000_000}
            value={typed ?? String(budget)}
            onChange={event => setTyped(event.target.value)}
            onBlur={() => {
              if (typed !== null && typed.trim() !== '' && Number(typed) >= 0) {
                void set({ openBudget: Number(typed) });
              }
            }}
          />
        </label>
      )}
    </>
  );
}

function Store({ trans, store }: { trans: Trans; store: IStoreSpace }): JSX.Element {
  const used =
    store.files === null || store.bytes === null
      ? null
      : trans.__('%1 in %2', bytes(store.bytes), trans._n('%2 file', '%2 files', store.files, count(store.files)));
  const rows: [string, string | null][] = [
    [trans.__('Folder'), store.path],
    [trans.__('Contents'), used],
    [trans.__('Free'), store.free_bytes === null ? trans.__('unknown') : bytes(store.free_bytes)],
    [trans.__('Kept free'), bytes(store.keep_free_bytes)],
    [
      trans.__('Download limit of a sync'),
      store.max_download_bytes === null ? trans.__('no limit') : bytes(store.max_download_bytes)
    ],
    [trans.__('Network'), store.offline ? trans.__('off, by NBRUCIO_SAFE or the policy') : null]
  ];
  return (
    <>
      <h3>{trans.__('Cache')}</h3>
      <table className="nbrucio-facts-table">
        <tbody>
          {rows
            .filter(([, value]) => value !== null)
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

interface IGrantsProps {
  trans: Trans;
  grants: IGrant[];
  onRevoke: (grant: IGrant) => void;
}

function Grants({ trans, grants, onRevoke }: IGrantsProps): JSX.Element {
  return (
    <>
      <h3>{trans.__('Consent to downloads')}</h3>
      {grants.length === 0 && <p>{trans.__('None. Downloads that you agree to are listed here.')}</p>}
      <ul className="nbrucio-grants">
        {grants.map(grant => (
          <li key={`${grant.instance} ${grant.did}`}>
            <span title={`${grant.did}\n${grant.instance}`}>{grant.did}</span>
            <span>
              {grant.max_bytes === null ? trans.__('any size') : trans.__('up to %1', bytes(grant.max_bytes))}
            </span>
            <button
              className="nbrucio-button"
              aria-label={trans.__('Withdraw consent to %1', grant.did)}
              onClick={() => onRevoke(grant)}
            >
              {trans.__('Withdraw')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
