/** The form of a search: scope and name, the kind of DIDs, the Rucio server, conditions. */

import { searchIcon, stopIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useRef } from 'react';

import { faultWords } from '../notebook/fixes';
import { IScopes } from '../schema';
import { ISectionProps } from '../section';
import { IFault, IInstances } from '../types';
import { ISearch } from './explorer';
import { Kind, KINDS, marked } from './query';
import { ScopeField } from './scopeField';

const FAULT_ID = 'nbrucio-wrong-condition';

interface ISearchFormProps extends ISectionProps {
  search: ISearch;
  instances: IInstances | null;
  busy: boolean;
  /** The error of its conditions; null when there is none. */
  wrong: IFault | null;
  onChange: (search: ISearch) => void;
  onSearch: () => void;
  onStop: () => void;
  scopes: (instance: string | null) => Promise<IScopes>;
}

export function SearchForm(props: ISearchFormProps): JSX.Element {
  const { search, instances, trans, busy, wrong, onChange, onSearch, onStop, scopes, show } = props;
  const kinds: { [kind in Kind]: string } = {
    collection: trans.__('Datasets and containers'),
    dataset: trans.__('Datasets'),
    container: trans.__('Containers'),
    file: trans.__('Files'),
    all: trans.__('Everything')
  };
  const known = instances?.instances ?? [];
  const canSearch = search.text.trim() !== '' || search.filter.trim() !== '';
  const conditions = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (wrong?.position && conditions.current) {
      const [before, part] = marked(conditions.current.value, wrong.position);
      conditions.current.focus();
      conditions.current.setSelectionRange(before.length, before.length + part.length);
    }
  }, [wrong]);
  if (instances && !known.length) {
    return (
      <p className="nbrucio-empty">
        {trans.__('No Rucio server is configured here.')}
        <button className="nbrucio-link" onClick={() => show('settings')}>
          {trans.__('Settings')}
        </button>
      </p>
    );
  }
  return (
    <form
      className="nbrucio-search"
      role="search"
      onSubmit={event => {
        event.preventDefault();
        if (canSearch) {
          onSearch();
        }
      }}
    >
      <div className="nbrucio-search-line">
        <ScopeField
          trans={trans}
          text={search.text}
          scopes={() => scopes(search.instance)}
          onChange={text => onChange({ ...search, text })}
        />
        {busy ? (
          <button type="button" className="nbrucio-button" aria-label={trans.__('Stop the search')} onClick={onStop}>
            <stopIcon.react tag="span" className="nbrucio-icon" />
          </button>
        ) : (
          <button className="nbrucio-button" aria-label={trans.__('Search')} disabled={!canSearch}>
            <searchIcon.react tag="span" className="nbrucio-icon" />
          </button>
        )}
      </div>
      <div className="nbrucio-search-line">
        <select
          className="nbrucio-input"
          aria-label={trans.__('What to search')}
          value={search.kind}
          onChange={event => onChange({ ...search, kind: event.target.value as Kind })}
        >
          {KINDS.map(kind => (
            <option key={kind} value={kind}>
              {kinds[kind]}
            </option>
          ))}
        </select>
        {known.length > 1 && (
          <select
            className="nbrucio-input"
            aria-label={trans.__('Rucio server')}
            value={search.instance ?? known.find(one => one.default)?.name ?? ''}
            onChange={event => onChange({ ...search, instance: event.target.value })}
          >
            {known.map(one => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        )}
      </div>
      <input
        ref={conditions}
        className="nbrucio-input"
        aria-label={trans.__('Conditions on metadata')}
        aria-invalid={wrong !== null}
        aria-describedby={wrong ? FAULT_ID : undefined}
        placeholder={trans.__('project = demo')}
        title={trans.__('Conditions on metadata: = != < > <= >=, joined by and, or, ( )')}
        value={search.filter}
        spellCheck={false}
        onChange={event => onChange({ ...search, filter: event.target.value })}
      />
      {wrong && <WrongCondition fault={wrong} text={search.filter} />}
    </form>
  );
}

/** The condition with its wrong part marked, and the error. */
function WrongCondition({ fault, text }: { fault: IFault; text: string }): JSX.Element {
  const [before, wrong, after] = marked(text, fault.position ?? [0, 0]);
  return (
    <div className="nbrucio-wrong-condition">
      <code aria-hidden>
        {before}
        <mark data-missing={wrong === '' || undefined}>{wrong}</mark>
        {after}
      </code>
      <p id={FAULT_ID} role="alert">
        {faultWords(fault)}
      </p>
    </div>
  );
}
