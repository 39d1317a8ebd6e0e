/** The first start: the ways to a first Rucio server, and the form for further ones. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { Api, faultOf } from '../api';
import { IInstancesImported } from '../schema';
import { IFault, IInstances } from '../types';
import { Connect, IAdded } from './connect';
import { Trouble } from './controls';

interface IWelcomeProps {
  api: Api;
  trans: TranslationBundle;
  instances: IInstances;
  onAdded: (added: IAdded | null) => void;
}

/** The three ways while nothing is configured; otherwise one button that opens the form. */
export function Welcome({ api, trans, instances, onAdded }: IWelcomeProps): JSX.Element | null {
  const [connecting, setConnecting] = useState(false);
  const { ways } = instances;
  if (instances.fixed) {
    return ways && <p>{trans.__('The administrator of this machine has configured no Rucio server.')}</p>;
  }
  if (ways) {
    return (
      <section className="nbrucio-welcome" aria-label={trans.__('Welcome')}>
        <p>
          {instances.start ??
            trans.__('Find data in Rucio, add it to a notebook and read it in a cell. Start with a Rucio server:')}
        </p>
        <h3>{trans.__('Connect to a Rucio server')}</h3>
        <Connect api={api} trans={trans} onAdded={onAdded} onClose={null} />
        <h3>{trans.__('Or')}</h3>
        <OtherWays api={api} trans={trans} sandbox={ways.sandbox} onDone={() => onAdded(null)} />
      </section>
    );
  }
  const added = (one: IAdded): void => {
    setConnecting(false);
    onAdded(one);
  };
  return connecting ? (
    <Connect api={api} trans={trans} onAdded={added} onClose={() => setConnecting(false)} />
  ) : (
    <div className="nbrucio-actions">
      <button className="nbrucio-button" onClick={() => setConnecting(true)}>
        {trans.__('Connect to a Rucio server')}
      </button>
    </div>
  );
}

interface IOtherWaysProps {
  api: Api;
  trans: TranslationBundle;
  sandbox: boolean;
  onDone: () => void;
}

function OtherWays({ api, trans, sandbox, onDone }: IOtherWaysProps): JSX.Element {
  const [busy, setBusy] = useState<string | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  const [skipped, setSkipped] = useState<string[]>([]);
  const attempt = async (words: string, act: () => Promise<void>): Promise<void> => {
    setBusy(words);
    setFault(null);
    setSkipped([]);
    await act().catch((error: unknown) => setFault(faultOf(error)));
    setBusy(null);
  };
  const load = async (): Promise<void> => {
    const done = await api.post<IInstancesImported>('instances/import', {});
    if (done.file) {
      onDone();
      return;
    }
    const reasons = done.found.map(one =>
      trans.__('%1 (%2) was not added: %3.', one.name, one.where, one.skipped ?? '')
    );
    setSkipped([...reasons, ...done.notices]);
  };
  const start = async (): Promise<void> => {
    await api.post('instances/sandbox', {});
    onDone();
  };
  return (
    <>
      <div className="nbrucio-actions">
        <button
          className="nbrucio-button nbrucio-mod-wide"
          title={trans.__('Also a rucio.cfg in a usual place')}
          disabled={busy !== null}
          onClick={() => void attempt(trans.__('Reading the settings…'), load)}
        >
          {trans.__("Use rucio-jupyterlab's settings")}
        </button>
        {sandbox && (
          <button
            className="nbrucio-button nbrucio-mod-wide"
            title={trans.__('A Rucio server with example data on this machine')}
            disabled={busy !== null}
            onClick={() => void attempt(trans.__('Starting the sandbox…'), start)}
          >
            {trans.__('Try the sandbox')}
          </button>
        )}
      </div>
      <div role="status">
        {busy && <p>{busy}</p>}
        {skipped.map(reason => (
          <p key={reason}>{reason}</p>
        ))}
      </div>
      {fault && <Trouble fault={fault} />}
    </>
  );
}
