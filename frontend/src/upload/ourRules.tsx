/** The rules that nbrucio made for uploaded and staged data. Requested only when the list is opened. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { faultOf } from '../api';
import { ruleProgress, stateName } from '../explore/states';
import { bytes } from '../format';
import { Fault } from '../notebook/fault';
import { LongName } from '../panel/longname';
import { IFault, IRule } from '../types';
import { Uploads } from './uploads';

interface IOurRulesProps {
  uploads: Uploads;
  trans: TranslationBundle;
}

export function OurRules({ uploads, trans }: IOurRulesProps): JSX.Element {
  const [rules, setRules] = useState<IRule[] | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  const look = (): void => {
    setFault(null);
    uploads.rules().then(setRules, (error: unknown) => setFault(faultOf(error)));
  };
  const remove = (rule: IRule): void => {
    uploads.removeRule(rule.id).then(look, (error: unknown) => setFault(faultOf(error)));
  };
  return (
    <details className="nbrucio-our-rules" onToggle={event => event.currentTarget.open && look()}>
      <summary>{trans.__('Replication rules that nbrucio made')}</summary>
      {fault && <Fault fault={fault} trans={trans} actions={{ retry: look }} />}
      {rules === null && !fault && <p>{trans.__('Asking Rucio…')}</p>}
      {rules?.length === 0 && <p>{trans.__('No replication rules.')}</p>}
      <ul>
        {rules?.map(rule => (
          <li key={rule.id}>
            <strong>
              <LongName text={rule.did} />
            </strong>
            <span>
              {[
                rule.rse,
                stateName(trans, rule.state),
                ruleProgress(trans, rule),
                typeof rule.bytes === 'number' ? bytes(rule.bytes) : null,
                rule.expires ? trans.__('until %1', rule.expires.slice(0, 10)) : trans.__('no expiry')
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
            {rule.error && <span>{rule.error}</span>}
            <button
              className="nbrucio-button"
              aria-label={trans.__('Remove the rule for %1 at %2', rule.did, rule.rse)}
              onClick={() => remove(rule)}
            >
              {trans.__('Remove')}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
