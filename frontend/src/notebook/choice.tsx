/** The form that changes a requirement: which files are wanted, and how they are obtained. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { bytes, parseBytes } from '../format';
import { ISelection } from '../model/declaration';
import { handleFault, isDid } from '../model/handles';
import { IChoice } from '../model/invalid';
import { accessWords, handleFaultWords } from '../words';
import { Field } from './field';

/** The values of `access` in a declaration, as in `nbrucio/core/requirement.py`; empty means that nbrucio chooses. */
const ACCESS = ['', 'store', 'mount', 'download', 'stream', 'rule', 'any'];

interface IChoiceProps {
  label: string;
  /** The requirement as it is. */
  chosen: IChoice;
  /** The handles of the other requirements. */
  taken: readonly string[];
  /** Whether its DID may be changed. */
  withDid?: boolean;
  trans: TranslationBundle;
  onApply: (chosen: IChoice) => void;
  onClose: () => void;
}

export function Choice(props: IChoiceProps): JSX.Element {
  const { label, chosen, taken, withDid, trans, onApply, onClose } = props;
  const { select } = chosen;
  const [did, setDid] = useState(chosen.did);
  const [handle, setHandle] = useState(chosen.handle);
  const [match, setMatch] = useState(select?.match ?? '');
  const [first, setFirst] = useState(select?.first ? String(select.first) : '');
  const [most, setMost] = useState(select?.max_bytes ? bytes(select.max_bytes) : '');
  const [access, setAccess] = useState(chosen.access ?? '');

  const fault = handleFault(handle, taken);
  // The name of a parameter in braces is no DID, and stays.
  const didBad = withDid === true && !isDid(did) && !(did === chosen.did && did.startsWith('{'));
  const firstBad = first.trim() !== '' && !/^[1-9]\d*$/.test(first.trim());
  const size = select?.max_bytes && most === bytes(select.max_bytes) ? select.max_bytes : parseBytes(most);
  const mostBad = most.trim() !== '' && !size;

  const apply = (event: React.FormEvent): void => {
    event.preventDefault();
    const wanted: ISelection = {
      ...(match.trim() ? { match: match.trim() } : {}),
      ...(first.trim() ? { first: Number(first) } : {}),
      ...(size ? { max_bytes: size } : {})
    };
    onClose();
    onApply({ did, handle, select: Object.keys(wanted).length ? wanted : null, access: access || null });
  };

  return (
    <form
      className="nbrucio-choice"
      aria-label={label}
      onSubmit={apply}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      {withDid && (
        <Field label={trans.__('DID')} fault={didBad ? trans.__('Enter a DID: scope:name.') : null}>
          {field => <input {...field} autoFocus value={did} onChange={event => setDid(event.target.value.trim())} />}
        </Field>
      )}
      <Field label={trans.__('Handle')} fault={fault && handleFaultWords(trans, fault)}>
        {field => (
          <input {...field} autoFocus={!withDid} value={handle} onChange={event => setHandle(event.target.value)} />
        )}
      </Field>
      <Field label={trans.__('Only file names like')}>
        {field => (
          <input {...field} value={match} placeholder="*.root" onChange={event => setMatch(event.target.value)} />
        )}
      </Field>
      <Field
        label={trans.__('Only the first')}
        fault={firstBad ? trans.__('Enter a number of files, at least 1.') : null}
      >
        {field => (
          <input
            {...field}
            value={first}
            inputMode="numeric"
            placeholder={trans.__('all files')}
            onChange={event => setFirst(event.target.value)}
          />
        )}
      </Field>
      <Field label={trans.__('At most')} fault={mostBad ? trans.__('Enter a size such as 500 MB.') : null}>
        {field => (
          <input
            {...field}
            value={most}
            placeholder={trans.__('any size')}
            onChange={event => setMost(event.target.value)}
          />
        )}
      </Field>
      <Field label={trans.__('Access: how files are obtained')}>
        {field => (
          <select {...field} value={access} onChange={event => setAccess(event.target.value)}>
            {ACCESS.map(one => (
              <option key={one} value={one}>
                {accessWords(trans, one || null)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <div className="nbrucio-actions">
        <button
          type="submit"
          className="nbrucio-button nbrucio-mod-accept"
          disabled={fault !== null || didBad || firstBad || mostBad}
        >
          {trans.__('Apply')}
        </button>
        <button type="button" className="nbrucio-button" onClick={onClose}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}
