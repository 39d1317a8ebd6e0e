/** The details of one DID in Rucio, and its actions. */

import { Clipboard } from '@jupyterlab/apputils';
import { closeIcon, copyIcon, addIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { bytes, count } from '../format';
import { handleFault, proposeHandle } from '../model/handles';
import { IconButton } from '../notebook/iconbutton';
import { NotebookData } from '../notebookdata';
import { LongName } from '../panel/longname';
import { DidType, IFault, IRule } from '../types';
import { didSnippet } from './query';
import { TYPE_ICONS, typeName } from './results';

/** The answer of `GET details`. */
export interface IDetails {
  did: string;
  type: DidType;
  open: boolean;
  bytes: number | null;
  files: number | null;
  metadata: { [key: string]: string | number | boolean };
  replicas: { rse: string; files: number; files_total: number; bytes: number | null; states: string[] }[];
  replicas_cut: boolean;
  rules: (IRule & { account: string })[];
  webui: string | null;
  /** Its path on this machine; null when missing. */
  path: string | null;
  faults: { [part: string]: IFault };
}

interface IDetailsProps {
  api: Api;
  trans: TranslationBundle;
  did: string;
  instance: string | null;
  notebook: NotebookData | null;
  onAdd: (did: string, handle: string) => void;
  onClose: () => void;
}

export function Details(props: IDetailsProps): JSX.Element {
  const { api, trans, did, instance, notebook, onClose } = props;
  // The path may change when a sync ends.
  const moment = notebook?.syncing ? 'syncing' : 'idle';
  const [details, setDetails] = useState<IDetails | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);

  useEffect(() => {
    setDetails(null);
    setFault(null);
  }, [api, did, instance]);
  useEffect(() => {
    const asked = new AbortController();
    api
      .get<IDetails>('details', { did, instance }, asked.signal)
      .then(setDetails)
      .catch((error: unknown) => asked.signal.aborted || setFault(faultOf(error)));
    return () => asked.abort();
  }, [api, did, instance, moment]);

  const Icon = details && TYPE_ICONS[details.type];
  return (
    <section className="nbrucio-details" aria-label={trans.__('Details of %1', did)}>
      <header>
        {Icon && <Icon.react tag="span" className="nbrucio-icon" />}
        <h3>
          <LongName text={did} />
        </h3>
        <button
          className="nbrucio-button nbrucio-mod-icon"
          aria-label={trans.__('Close the details')}
          onClick={onClose}
        >
          <closeIcon.react tag="span" className="nbrucio-icon" />
        </button>
      </header>
      {fault && <p role="alert">{fault.message}</p>}
      {!details && !fault && <p>{trans.__('Asking Rucio…')}</p>}
      {details && <Facts details={details} trans={trans} />}
      <Act key={did} path={details?.path ?? null} {...props} />
      {details && <Replicas details={details} trans={trans} />}
      {details && <Rules details={details} trans={trans} />}
      {details && <Metadata details={details} trans={trans} />}
    </section>
  );
}

interface IPartProps {
  details: IDetails;
  trans: TranslationBundle;
}

function Facts({ details, trans }: IPartProps): JSX.Element {
  const { type, open, files, bytes: size } = details;
  const facts = [
    open && type !== 'FILE' ? trans.__('%1, open', typeName(trans, type)) : typeName(trans, type),
    files !== null && type !== 'FILE' ? trans._n('%2 file', '%2 files', files, count(files)) : null,
    size === null ? null : bytes(size)
  ];
  return (
    <p className="nbrucio-facts">
      {facts.filter(Boolean).join(' · ')}
      {details.webui && (
        <a className="nbrucio-link" href={details.webui} target="_blank" rel="noreferrer noopener">
          {trans.__('Rucio WebUI')}
        </a>
      )}
    </p>
  );
}

/** Add it under a handle, or copy something of it. */
function Act({ trans, did, path, notebook, onAdd }: IDetailsProps & { path: string | null }): JSX.Element {
  const taken = notebook?.handles ?? [];
  const [typed, setTyped] = useState<string | null>(null);
  const declared = notebook?.declaration.requirements.find(one => one.did === did);
  const handle = typed ?? proposeHandle(did, taken);
  const wrong = handleFault(handle, taken) !== null;
  const copies: [string, string | null | undefined, string][] = [
    [trans.__('DID'), did, did],
    [trans.__('Code'), declared ? `nbrucio.data["${declared.handle}"]` : didSnippet(did), ''],
    [trans.__('Path'), path, trans.__('The path is known after the download')]
  ];
  return (
    <>
      <form
        className="nbrucio-add"
        onSubmit={event => {
          event.preventDefault();
          onAdd(did, handle);
        }}
      >
        {declared ? (
          <p>
            {trans.__('In this notebook as ')}
            <code>{declared.handle}</code>
          </p>
        ) : (
          <>
            <input
              className="nbrucio-input"
              aria-label={trans.__('Handle: the name that code uses')}
              aria-invalid={wrong}
              title={trans.__('The name that code uses')}
              value={handle}
              spellCheck={false}
              disabled={!notebook?.writable}
              onChange={event => setTyped(event.target.value)}
            />
            <button className="nbrucio-button nbrucio-mod-accept" disabled={!notebook?.writable || wrong}>
              <addIcon.react tag="span" className="nbrucio-icon" />
              {trans.__('Add to notebook')}
            </button>
          </>
        )}
      </form>
      <div className="nbrucio-actions" role="group" aria-label={trans.__('Copy')}>
        {copies.map(([label, text, title]) => (
          <span key={label} title={text ?? title}>
            <IconButton
              icon={copyIcon}
              label={label}
              disabled={!text}
              onClick={() => text && Clipboard.copyToSystem(text)}
            />
          </span>
        ))}
      </div>
    </>
  );
}

function Part({ title, fault, children }: React.PropsWithChildren<{ title: string; fault?: IFault }>): JSX.Element {
  return (
    <>
      <h4>{title}</h4>
      {fault ? <p>{fault.message}</p> : children}
    </>
  );
}

function Replicas({ details, trans }: IPartProps): JSX.Element {
  return (
    <Part title={trans.__('Replicas')} {...faultProps(details, 'replicas')}>
      {details.replicas.length ? (
        <table className="nbrucio-facts-table">
          <tbody>
            {details.replicas.map(one => (
              <tr key={one.rse}>
                <th scope="row">{one.rse}</th>
                <td>
                  {details.type === 'FILE'
                    ? one.states.map(state => stateName(trans, state)).join(', ')
                    : trans.__('%1 of %2 files', count(one.files), count(one.files_total))}
                </td>
                <td>{bytes(one.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p>{trans.__('No replicas.')}</p>
      )}
      {details.replicas_cut && <p>{trans.__('Only the first datasets of this container were read.')}</p>}
    </Part>
  );
}

function Rules({ details, trans }: IPartProps): JSX.Element {
  return (
    <Part title={trans.__('Replication rules')} {...faultProps(details, 'rules')}>
      {details.rules.length ? (
        <table className="nbrucio-facts-table">
          <tbody>
            {details.rules.map(one => (
              <tr key={one.id} title={one.error ?? one.id}>
                <th scope="row">{one.rse}</th>
                <td>{stateName(trans, one.state)}</td>
                <td>{one.account}</td>
                <td>{one.expires ? trans.__('until %1', one.expires.slice(0, 10)) : trans.__('no expiry')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p>{trans.__('No replication rules.')}</p>
      )}
    </Part>
  );
}

function Metadata({ details, trans }: IPartProps): JSX.Element {
  return (
    <Part title={trans.__('Metadata')} {...faultProps(details, 'metadata')}>
      <table className="nbrucio-facts-table nbrucio-mod-keys">
        <tbody>
          {Object.entries(details.metadata).map(([key, value]) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td>{String(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function faultProps(details: IDetails, part: string): { fault?: IFault } {
  const fault = details.faults[part];
  return fault ? { fault } : {};
}

/** The state of a replica or rule, in the words of Rucio's WebUI. */
export function stateName(trans: TranslationBundle, state: string): string {
  const words: { [state: string]: string } = {
    AVAILABLE: trans.__('available'),
    UNAVAILABLE: trans.__('unavailable'),
    COPYING: trans.__('copying'),
    BAD: trans.__('bad'),
    BEING_DELETED: trans.__('being deleted'),
    TEMPORARY_UNAVAILABLE: trans.__('temporarily unavailable'),
    OK: trans.__('ok'),
    REPLICATING: trans.__('replicating'),
    STUCK: trans.__('stuck'),
    SUSPENDED: trans.__('suspended'),
    WAITING_APPROVAL: trans.__('waiting for approval'),
    INJECT: trans.__('injecting')
  };
  return words[state] ?? state.toLowerCase();
}
