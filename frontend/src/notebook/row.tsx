/** One requirement: its data, its state, and its actions. */

import { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, caretDownIcon, caretRightIcon, copyIcon, deleteIcon, editIcon } from '@jupyterlab/ui-components';
import React, { useLayoutEffect, useRef, useState } from 'react';

import { bytes, count } from '../format';
import { sameSelection } from '../model/declaration';
import { IRow } from '../model/rows';
import { NotebookData } from '../notebookdata';
import { LongName } from '../panel/longname';
import { useLatest } from '../panel/useLatest';
import { ISectionProps } from '../section';
import { accessWords, amount, files, stateWords, typeWords } from '../words';
import { Bar } from './bar';
import { Choice } from './choice';
import { Fault } from './fault';
import { firstFaults } from './fixes';
import { IconButton } from './iconbutton';

interface IRowProps extends ISectionProps {
  data: NotebookData;
  row: IRow;
  /** Its number, from 1, of how many, and its distance from the top of the list, in pixels. */
  place: { at: number; of: number; top: number };
  /** A card above offers to try it again. */
  shared: boolean;
  onHeight: (handle: string, height: number) => void;
  /** The row has a form now, or no longer. */
  onForm: (open: boolean) => void;
}

export function Row(props: IRowProps): JSX.Element {
  const { data, row, trans, place, onHeight, onForm } = props;
  const [open, setOpen] = useState(false);
  const [changing, setForm] = useState(false);
  const node = useRef<HTMLLIElement>(null);
  const measured = useLatest(onHeight);
  useLayoutEffect(() => {
    const element = node.current;
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(() => measured(row.handle, element.offsetHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [measured, row.handle]);
  const setChanging = (form: boolean): void => {
    onForm(form);
    setForm(form);
  };
  const remove = (): void => void data.acts.remove(row.handle);
  return (
    <li
      ref={node}
      className="nbrucio-row"
      data-state={row.state}
      data-handle={row.handle}
      aria-posinset={place.at}
      aria-setsize={place.of}
      style={{ top: place.top }}
    >
      <div className="nbrucio-row-head">
        <button className="nbrucio-row-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <caretDownIcon.react tag="span" /> : <caretRightIcon.react tag="span" />}
          <LongName className="nbrucio-handle" text={row.handle} />
        </button>
        <span className="nbrucio-state">{stateWords(trans, row.state)}</span>
      </div>
      <div className="nbrucio-row-body">
        <LongName className="nbrucio-did" text={row.did} />
        <div className="nbrucio-facts">{facts(trans, row)}</div>
        <Advance row={row} trans={trans} />
        <Notes {...props} onChange={() => setChanging(true)} onRemove={remove} />
        {changing && <Change data={data} row={row} trans={trans} onClose={() => setChanging(false)} />}
        {open && <Details {...props} onChange={() => setChanging(!changing)} onRemove={remove} />}
      </div>
    </li>
  );
}

function Change({
  data,
  row,
  trans,
  onClose
}: Pick<IRowProps, 'data' | 'row' | 'trans'> & { onClose: () => void }): JSX.Element {
  const { did, select, access } = row.requirement;
  return (
    <Choice
      label={trans.__('Change %1', row.handle)}
      chosen={{ did, handle: row.handle, select, access }}
      taken={data.handlesBeside(row.requirement.number)}
      trans={trans}
      onApply={chosen => {
        if (chosen.handle !== row.handle || !sameSelection(chosen.select, select) || chosen.access !== access) {
          void data.acts.change(row.handle, chosen.handle, chosen.select, chosen.access);
        }
      }}
      onClose={onClose}
    />
  );
}

/** `Dataset · 4 files · 8.4 MB · first 2 · Stream`. */
function facts(trans: TranslationBundle, row: IRow): string {
  const { select, access } = row.requirement;
  return [
    typeWords(trans, row),
    row.files === null ? null : files(trans, row.files),
    row.files === null ? null : bytes(row.bytes),
    row.unverified ? trans.__('%1 unverified', count(row.unverified)) : null,
    select?.match ? trans.__('only %1', select.match) : null,
    select?.first ? trans.__('first %1', select.first) : null,
    select?.max_bytes ? trans.__('at most %1', bytes(select.max_bytes)) : null,
    access ? accessWords(trans, access) : null
  ]
    .filter(Boolean)
    .join(' · ');
}

/** The progress bar of a requirement that is being or partly downloaded. */
function Advance({ row, trans }: { row: IRow; trans: TranslationBundle }): JSX.Element | null {
  const moving = row.state === 'syncing' || row.state === 'waiting';
  if (!moving && !(row.hereFiles > 0 && row.state !== 'ready')) {
    return null;
  }
  const words =
    row.files === null
      ? trans.__('Waiting')
      : trans.__('%1 of %2', bytes(row.hereBytes), bytes(row.bytes)) +
        ` · ${trans.__('%1 of %2', row.hereFiles, files(trans, row.files))}`;
  return (
    <>
      <Bar label={trans.__('Progress of %1', row.handle)} done={row.hereBytes ?? 0} total={row.bytes} words={words} />
      <div className="nbrucio-facts">{words}</div>
    </>
  );
}

interface INotesProps extends IRowProps {
  onChange: () => void;
  onRemove: () => void;
}

/** Changes in Rucio, errors and data that no code uses, each with its action. */
function Notes({ data, row, trans, show, shared, onChange, onRemove }: INotesProps): JSX.Element {
  const { shown, more } = firstFaults(row.faults, 3);
  const cost = row.plan?.access.download;
  return (
    <>
      {row.drift && (
        <div className="nbrucio-note" role="group" aria-label={trans.__('Changed')}>
          <p>{trans.__('%1: %2.', row.handle, row.drift)}</p>
          <div className="nbrucio-actions">
            <button
              className="nbrucio-button"
              disabled={!data.writable}
              onClick={() => void data.acts.lock([row.handle])}
            >
              {trans.__('Lock the present files')}
            </button>
          </div>
        </div>
      )}
      {row.requirement.unused && (
        <div className="nbrucio-note" role="group" aria-label={trans.__('Unused')}>
          <p>{trans.__('No code uses it any more.')}</p>
          <div className="nbrucio-actions">
            <button className="nbrucio-button" disabled={!data.writable} onClick={onRemove}>
              {trans.__('Remove')}
            </button>
          </div>
        </div>
      )}
      {cost && cost.files > 0 && (
        <div className="nbrucio-facts">{trans.__('to download: %1', amount(trans, cost.files, cost.bytes))}</div>
      )}
      {shown.map(fault => (
        <Fault
          key={fault.message}
          fault={fault}
          trans={trans}
          actions={{
            ...(shared ? {} : { retry: () => void (row.unchecked ? data.check() : data.retry()) }),
            settings: () => show('settings'),
            explore: () => show('explore'),
            ...(data.writable
              ? { edit: onChange, remove: onRemove, lock: () => void data.acts.lock([row.handle]) }
              : {})
          }}
        />
      ))}
      {more > 0 && <div className="nbrucio-facts">{trans.__('… and %1 more', more)}</div>}
    </>
  );
}

function Details({ data, row, trans, onChange, onRemove }: INotesProps): JSX.Element {
  const locked = row.lock?.locked;
  const code = `nbrucio.data["${row.handle}"]`;
  return (
    <div className="nbrucio-details">
      <dl>
        {row.instance && (
          <>
            <dt>{trans.__('Instance')}</dt>
            <dd>{row.instance}</dd>
          </>
        )}
        <dt>{trans.__('Access')}</dt>
        <dd>{accessWords(trans, row.requirement.access)}</dd>
        <dt>{trans.__('Locked')}</dt>
        <dd>
          {locked
            ? `${new Date(locked).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })} · ${amount(trans, row.lock?.files ?? 0, row.lock?.bytes ?? null)}`
            : trans.__('no')}
        </dd>
        {row.folder && (
          <>
            <dt>{trans.__('Folder')}</dt>
            <dd className="nbrucio-did" title={row.folder}>
              {row.folder}
            </dd>
          </>
        )}
      </dl>
      <div className="nbrucio-actions">
        <IconButton icon={addIcon} label={trans.__('Insert code')} onClick={() => void data.acts.insert(row.handle)} />
        <IconButton icon={copyIcon} label={trans.__('Copy code')} onClick={() => data.acts.copy(code)} />
        <IconButton icon={editIcon} label={trans.__('Change')} disabled={!data.writable} onClick={onChange} />
        <IconButton icon={deleteIcon} label={trans.__('Remove')} disabled={!data.writable} onClick={onRemove} />
      </div>
    </div>
  );
}
