/** The parts of a declaration that nbrucio cannot use: invalid requirements, each with its actions, and unknown keys. */

import { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon, editIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { count } from '../format';
import { IRefused } from '../model/invalid';
import { NotebookData } from '../notebookdata';
import { LongName } from '../panel/longname';
import { Choice } from './choice';
import { IconButton } from './iconbutton';

/** A hostile notebook may have thousands. */
const MOST = 20;

interface IInvalidProps {
  data: NotebookData;
  trans: TranslationBundle;
}

export function InvalidRows({ data, trans }: IInvalidProps): JSX.Element | null {
  const { invalid } = data;
  if (!invalid.length) {
    return null;
  }
  const more = invalid.length - MOST;
  return (
    <>
      <ul className="nbrucio-invalid" aria-label={trans.__('Invalid requirements')}>
        {invalid.slice(0, MOST).map(one => (
          <InvalidRow key={`${one.number} ${one.handle ?? ''}`} data={data} trans={trans} one={one} />
        ))}
      </ul>
      {more > 0 && <p className="nbrucio-empty">{trans.__('… and %1 more invalid requirements', count(more))}</p>}
    </>
  );
}

function InvalidRow({ data, trans, one }: IInvalidProps & { one: IRefused }): JSX.Element {
  const [changing, setChanging] = useState(false);
  const name = one.handle ?? trans.__('Requirement %1', one.number);
  return (
    <li className="nbrucio-row" data-state="invalid" data-number={one.number}>
      <div className="nbrucio-row-head">
        <LongName className="nbrucio-handle" text={name} />
        <span className="nbrucio-state">{trans.__('Invalid')}</span>
      </div>
      <div className="nbrucio-row-body">
        {one.did !== null && <LongName className="nbrucio-did" text={one.did} />}
        <p className="nbrucio-reason">{one.fault?.message ?? trans.__('This is not a valid requirement.')}</p>
        <div className="nbrucio-actions">
          <IconButton
            icon={editIcon}
            label={trans.__('Edit')}
            disabled={!data.writable}
            onClick={() => setChanging(!changing)}
          />
          <IconButton
            icon={deleteIcon}
            label={trans.__('Remove')}
            disabled={!data.writable}
            onClick={() => void data.acts.removeInvalid(one)}
          />
        </div>
        {changing && (
          <Choice
            label={trans.__('Edit %1', name)}
            chosen={{ did: one.did ?? '', handle: one.handle ?? '', select: one.select, access: one.access }}
            taken={data.handlesBeside(one.number)}
            withDid
            trans={trans}
            onApply={chosen => void data.acts.correct(one, chosen)}
            onClose={() => setChanging(false)}
          />
        )}
      </div>
    </li>
  );
}

/** The keys that are probably misspelt. They have no effect. */
export function UnknownKeys({ data, trans }: IInvalidProps): JSX.Element | null {
  const warnings = data.status?.warnings ?? [];
  if (!warnings.length) {
    return null;
  }
  return (
    <section className="nbrucio-card nbrucio-mod-ask" aria-label={trans.__('Unknown keys')}>
      {warnings.slice(0, MOST).map(({ message, hint }) => (
        <p key={message}>{[message, hint].filter(Boolean).join(' ')}</p>
      ))}
      {warnings.length > MOST && <p>{trans.__('… and %1 more', count(warnings.length - MOST))}</p>}
      <p>{trans.__('Unknown keys are kept and have no effect.')}</p>
    </section>
  );
}
