import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { IFault } from '../types';
import { faultWords, Fix, fixesFor } from './fixes';

export interface IFaultProps {
  fault: IFault;
  trans: TranslationBundle;
  /** The action of each fix here; a fix without one is not offered. */
  actions: { [fix in Fix]?: () => void };
}

/** A library is added to the server's Python, which the panel cannot do. */
function words(fault: IFault, trans: TranslationBundle): string {
  const text = faultWords(fault);
  return fault.code === 'missing-dependency' && fault.next_command && fault.subject
    ? `${text} ${trans.__('Ask whoever runs this Jupyter to add %1.', fault.subject)}`
    : text;
}

/** An error in the server's words, with its actions in place of commands. */
export function Fault({ fault, trans, actions }: IFaultProps): JSX.Element {
  const labels: { [fix in Fix]: string } = {
    retry: trans.__('Try again'),
    settings: trans.__('Settings'),
    remove: trans.__('Remove'),
    explore: trans.__('Find it in Rucio'),
    edit: trans.__('Change'),
    lock: trans.__('Lock the present files')
  };
  return (
    <div className="nbrucio-fault" role="group" aria-label={trans.__('Problem')}>
      <p>{words(fault, trans)}</p>
      <div className="nbrucio-actions">
        {fixesFor(fault)
          .filter(fix => actions[fix])
          .map(fix => (
            <button key={fix} className="nbrucio-button" onClick={actions[fix]}>
              {labels[fix]}
            </button>
          ))}
      </div>
    </div>
  );
}
