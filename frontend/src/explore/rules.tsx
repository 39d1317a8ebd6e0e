/** The replication rules on a DID, and "Stage to…", which makes one. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useCallback, useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { bytes } from '../format';
import { faultWords } from '../notebook/fixes';
import { useVisible } from '../panel/useVisible';
import { IDetails, IQuota, IQuotas, IStaged } from '../schema';
import { IDidRule, IFault } from '../types';
import { faultProps, Part } from './part';
import { awaitsApproval, isUnderWay, ruleProgress, stateName } from './states';

/** Between two requests for rules that Rucio works on, while they are visible. */
const POLL_MS = 15_000;

interface IRulesProps {
  api: Api;
  trans: TranslationBundle;
  did: string;
  instance: string | null;
  details: IDetails;
}

export function Rules({ api, trans, did, instance, details }: IRulesProps): JSX.Element {
  const [rules, setRules] = useState<IDidRule[]>(details.rules);
  const [ref, visible] = useVisible<HTMLDivElement>();
  const refresh = useCallback(async (): Promise<void> => {
    setRules((await api.get<{ rules: IDidRule[] }>('rules', { did, instance })).rules);
  }, [api, did, instance]);
  const underWay = rules.some(isUnderWay);
  const unapproved = rules.some(awaitsApproval);
  useEffect(() => {
    const quietly = (): void => void refresh().catch(() => undefined);
    if (visible && underWay) {
      const timer = window.setInterval(quietly, POLL_MS);
      return () => window.clearInterval(timer);
    }
    if (visible && unapproved) {
      // The next look at this page is soon enough for what a person does.
      const onReturn = (): void => {
        if (document.visibilityState === 'visible') {
          quietly();
        }
      };
      document.addEventListener('visibilitychange', onReturn);
      return () => document.removeEventListener('visibilitychange', onReturn);
    }
    return undefined;
  }, [refresh, visible, underWay, unapproved]);
  return (
    <div ref={ref}>
      <Part title={trans.__('Replication rules')} {...faultProps(details, 'rules')}>
        {rules.length ? (
          <ul className="nbrucio-did-rules">
            {rules.map(one => (
              <li key={one.id} data-state={one.state} title={one.id}>
                <strong>{one.rse}</strong> <span className="nbrucio-mark">{stateName(trans, one.state)}</span>
                <p>
                  {[
                    ruleProgress(trans, one),
                    one.account,
                    one.expires ? trans.__('until %1', one.expires.slice(0, 10)) : trans.__('no expiry')
                  ].join(' · ')}
                </p>
                {one.reasons.map(reason => (
                  <p key={reason} className="nbrucio-reason">
                    {reason}
                  </p>
                ))}
              </li>
            ))}
          </ul>
        ) : (
          <p>{trans.__('No replication rules.')}</p>
        )}
        <Stage api={api} trans={trans} did={did} instance={instance} onStaged={refresh} />
      </Part>
    </div>
  );
}

interface IStageProps {
  api: Api;
  trans: TranslationBundle;
  did: string;
  instance: string | null;
  onStaged: () => Promise<void>;
}

function Stage({ api, trans, did, instance, onStaged }: IStageProps): JSX.Element {
  const [quotas, setQuotas] = useState<IQuota[] | null>(null);
  const [rse, setRse] = useState('');
  const [lifetime, setLifetime] = useState('');
  const [said, setSaid] = useState('');
  const [fault, setFault] = useState<IFault | null>(null);
  const fail = (error: unknown): void => setFault(faultOf(error));

  const open = (): void => {
    setFault(null);
    api.get<IQuotas>('stage', { instance }).then(found => {
      setQuotas(found.quotas);
      setRse(found.quotas[0]?.rse ?? '');
    }, fail);
  };
  const stage = async (): Promise<void> => {
    setFault(null);
    setSaid('');
    const order = { did, rse, lifetime: lifetime.trim() || null, instance };
    const { made } = await api.post<IStaged>('stage', order);
    await onStaged();
    setQuotas(null);
    setSaid(made ? trans.__('Rucio replicates it to %1.', rse) : trans.__('You have this rule already.'));
  };
  const quota = quotas?.find(one => one.rse === rse);
  return (
    <>
      {quotas === null ? (
        <div className="nbrucio-actions">
          <button className="nbrucio-button" onClick={open}>
            {trans.__('Stage to…')}
          </button>
        </div>
      ) : (
        <form
          className="nbrucio-stage"
          aria-label={trans.__('Stage to an RSE')}
          onSubmit={event => {
            event.preventDefault();
            stage().catch(fail);
          }}
        >
          <label className="nbrucio-field">
            {trans.__('RSE')}
            <select
              className="nbrucio-input"
              value={rse}
              autoFocus
              aria-describedby="nbrucio-quota"
              onChange={event => setRse(event.target.value)}
            >
              {quotas.map(one => (
                <option key={one.rse} value={one.rse}>
                  {one.mounted ? trans.__('%1 (mounted here)', one.rse) : one.rse}
                </option>
              ))}
            </select>
          </label>
          <p id="nbrucio-quota" className="nbrucio-facts">
            {quota ? quotaWords(trans, quota) : trans.__('Your account has no quota at any RSE.')}
          </p>
          <label className="nbrucio-field">
            {trans.__('Keep for')}
            <input
              className="nbrucio-input"
              value={lifetime}
              placeholder={trans.__('usual; or 12h, 30d, 2w')}
              spellCheck={false}
              onChange={event => setLifetime(event.target.value)}
            />
          </label>
          <div className="nbrucio-actions">
            <button className="nbrucio-button nbrucio-mod-accept" disabled={!quota}>
              {trans.__('Stage')}
            </button>
            <button type="button" className="nbrucio-button" onClick={() => setQuotas(null)}>
              {trans.__('Cancel')}
            </button>
          </div>
        </form>
      )}
      {fault && <p role="alert">{faultWords(fault)}</p>}
      <p role="status">{said}</p>
    </>
  );
}

/** `1.2 GB of 2.0 GB left`. */
export function quotaWords(trans: TranslationBundle, { used, limit }: IQuota): string {
  return limit === null
    ? trans.__('No limit on your quota.')
    : trans.__('Quota left: %1 of %2.', bytes(Math.max(0, limit - used)), bytes(limit));
}
