import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { IFault } from '../types';
import { faultWords } from './fixes';

export interface IEndingLoginsProps {
  faults: IFault[];
  trans: TranslationBundle;
  onSettings: () => void;
}

/** The logins that the notebook's data needs and that end soon, with the way to renew them. */
export function EndingLogins({ faults, trans, onSettings }: IEndingLoginsProps): JSX.Element | null {
  if (!faults.length) {
    return null;
  }
  return (
    <section className="nbrucio-card nbrucio-mod-ask" aria-label={trans.__('Logins that end soon')}>
      {faults.map(fault => (
        <p key={fault.message}>{faultWords(fault)}</p>
      ))}
      <div className="nbrucio-actions">
        <button className="nbrucio-button" onClick={onSettings}>
          {trans.__('Log in again')}
        </button>
      </div>
    </section>
  );
}
