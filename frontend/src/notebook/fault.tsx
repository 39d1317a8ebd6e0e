import { Clipboard } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { IFault } from '../types';
import { commandFor, Fix, fixesFor } from './fixes';

export interface IFaultProps {
  fault: IFault;
  trans: TranslationBundle;
  /** The action of each fix here; a fix without one is not offered. */
  actions: { [fix in Fix]?: () => void };
}

/** An error in the server's words, with its actions. */
export function Fault({ fault, trans, actions }: IFaultProps): JSX.Element {
  const labels: { [fix in Fix]: string } = {
    retry: trans.__('Try again'),
    settings: trans.__('Settings'),
    remove: trans.__('Remove'),
    explore: trans.__('Find it in Rucio'),
    edit: trans.__('Change'),
    lock: trans.__('Lock the present files')
  };
  const command = commandFor(fault);
  return (
    <div className="nbrucio-fault" role="group" aria-label={trans.__('Problem')}>
      <p>
        {fault.message}
        {fault.hint ? ` ${fault.hint}` : ''}
      </p>
      <div className="nbrucio-actions">
        {fixesFor(fault)
          .filter(fix => actions[fix])
          .map(fix => (
            <button key={fix} className="nbrucio-button" onClick={actions[fix]}>
              {labels[fix]}
            </button>
          ))}
        {command && (
          <button
            className="nbrucio-button"
            title={command}
            onClick={() => Clipboard.copyToSystem(command)}
            aria-label={trans.__('Copy the command %1', command)}
          >
            {trans.__('Copy command')}
          </button>
        )}
      </div>
    </div>
  );
}
