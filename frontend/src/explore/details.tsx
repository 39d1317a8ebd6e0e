/** The details of one DID in Rucio, and its actions. */

import { Clipboard } from '@jupyterlab/apputils';
import { closeIcon, copyIcon, addIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { bytes, count } from '../format';
import { handleFault, proposeHandle } from '../model/handles';
import { faultWords } from '../notebook/fixes';
import { IconButton } from '../notebook/iconbutton';
import { NotebookData } from '../notebookdata';
import { LongName } from '../panel/longname';
import { IDetails } from '../schema';
import { IFault } from '../types';
import { handleFaultWords } from '../words';
import { Cost } from './cost';
import { faultProps, IPartProps, Part } from './part';
import { didSnippet } from './query';
import { Replicas } from './replicas';
import { TYPE_ICONS, typeName } from './results';
import { Rules } from './rules';

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
      {fault && <p role="alert">{faultWords(fault)}</p>}
      {!details && !fault && <p>{trans.__('Asking Rucio…')}</p>}
      {details && <Facts details={details} trans={trans} />}
      {/* Keys differ among siblings: with equal ones React leaves old copies in the page. */}
      <Act key={`act ${did}`} path={details?.path ?? null} {...props} />
      {details && <Replicas details={details} trans={trans} />}
      {details && <Cost key={`${did} ${moment}`} api={api} trans={trans} did={did} instance={instance} />}
      {details && (
        <Rules key={`rules ${did}`} api={api} trans={trans} did={did} instance={instance} details={details} />
      )}
      {details && <Metadata details={details} trans={trans} />}
    </section>
  );
}

function Facts({ details, trans }: IPartProps): JSX.Element {
  const { type, open, files, bytes: size } = details;
  const facts = [
    open && type !== 'FILE' ? trans.__('%1, open', typeName(trans, type)) : typeName(trans, type),
    files !== null && type !== 'FILE' ? trans._n('%2 file', '%2 files', files, count(files)) : null,
    size === null && open ? trans.__('Rucio has no size while it is open') : bytes(size)
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
  const wrong = handleFault(handle, taken);
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
              aria-invalid={wrong !== null}
              title={trans.__('The name that code uses')}
              value={handle}
              spellCheck={false}
              disabled={!notebook?.writable}
              onChange={event => setTyped(event.target.value)}
            />
            <button className="nbrucio-button nbrucio-mod-accept" disabled={!notebook?.writable || wrong !== null}>
              <addIcon.react tag="span" className="nbrucio-icon" />
              {trans.__('Add to notebook')}
            </button>
          </>
        )}
      </form>
      {wrong && !declared && (
        <p className="nbrucio-field-fault" role="alert">
          {handleFaultWords(trans, wrong)}
        </p>
      )}
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
