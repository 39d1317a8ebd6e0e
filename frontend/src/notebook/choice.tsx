/** Change which files of a requirement are wanted, and how they are obtained. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { bytes, parseBytes } from '../format';
import { ISelection, sameSelection } from '../model/declaration';
import { handleFault } from '../model/handles';
import { IRow } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { accessWords } from '../words';

/** The values of `access` in a declaration, as in `nbrucio/core/requirement.py`; empty means that nbrucio chooses. */
const ACCESS = ['', 'store', 'mount', 'download', 'stream', 'rule', 'any'];

interface IChoiceProps {
  data: NotebookData;
  row: IRow;
  trans: TranslationBundle;
  onClose: () => void;
}

export function Choice({ data, row, trans, onClose }: IChoiceProps): JSX.Element {
  const select = row.requirement.select;
  const [handle, setHandle] = useState(row.handle);
  const [match, setMatch] = useState(select?.match ?? '');
  const [first, setFirst] = useState(select?.first ? String(select.first) : '');
  const [most, setMost] = useState(select?.max_bytes ? bytes(select.max_bytes) : '');
  const [access, setAccess] = useState(row.requirement.access ?? '');

  const fault = handleFault(
    handle,
    data.handles.filter(one => one !== row.handle)
  );
  const firstBad = first.trim() !== '' && !/^[1-9]\d*$/.test(first.trim());
  const size = select?.max_bytes && most === bytes(select.max_bytes) ? select.max_bytes : parseBytes(most);
  const mostBad = most.trim() !== '' && !size;

  const apply = (event: React.FormEvent): void => {
    event.preventDefault();
    const chosen: ISelection = {
      ...(match.trim() ? { match: match.trim() } : {}),
      ...(first.trim() ? { first: Number(first) } : {}),
      ...(size ? { max_bytes: size } : {})
    };
    const wanted = Object.keys(chosen).length ? chosen : null;
    onClose();
    const { requirement } = row;
    if (handle !== row.handle || !sameSelection(wanted, select) || (access || null) !== requirement.access) {
      void data.change(row.handle, handle, wanted, access || null);
    }
  };

  const reasons = {
    'no-name': trans.__('This is not a valid handle: it must be a Python identifier.'),
    private: trans.__('A handle must not begin with “_”.'),
    taken: trans.__('Another requirement has this handle.')
  };
  return (
    <form
      className="nbrucio-choice"
      aria-label={trans.__('Change %1', row.handle)}
      onSubmit={apply}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <Field label={trans.__('Handle')} fault={fault ? reasons[fault] : null}>
        {props => <input {...props} autoFocus value={handle} onChange={event => setHandle(event.target.value)} />}
      </Field>
      <Field label={trans.__('Only file names like')}>
        {props => (
          <input {...props} value={match} placeholder="*.root" onChange={event => setMatch(event.target.value)} />
        )}
      </Field>
      <Field
        label={trans.__('Only the first')}
        fault={firstBad ? trans.__('Enter a number of files, at least 1.') : null}
      >
        {props => (
          <input
            {...props}
            value={first}
            inputMode="numeric"
            placeholder={trans.__('all files')}
            onChange={event => setFirst(event.target.value)}
          />
        )}
      </Field>
      <Field label={trans.__('At most')} fault={mostBad ? trans.__('Enter a size such as 500 MB.') : null}>
        {props => (
          <input
            {...props}
            value={most}
            placeholder={trans.__('any size')}
            onChange={event => setMost(event.target.value)}
          />
        )}
      </Field>
      <Field label={trans.__('Access: how files are obtained')}>
        {props => (
          <select {...props} value={access} onChange={event => setAccess(event.target.value)}>
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
          disabled={fault !== null || firstBad || mostBad}
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

interface IFieldProps {
  label: string;
  fault?: string | null;
  children: (props: { className: string; 'aria-invalid': boolean }) => JSX.Element;
}

function Field({ label, fault, children }: IFieldProps): JSX.Element {
  return (
    <label className="nbrucio-field">
      <span>{label}</span>
      {children({ className: 'jp-mod-styled nbrucio-input', 'aria-invalid': Boolean(fault) })}
      {fault && (
        <span className="nbrucio-field-fault" role="alert">
          {fault}
        </span>
      )}
    </label>
  );
}
