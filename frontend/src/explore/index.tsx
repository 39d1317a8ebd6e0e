/** The section "Explore": search Rucio, show details, add data to the notebook. */

import { searchIcon, stopIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer, useState } from 'react';

import { Fault } from '../notebook/fault';
import { count } from '../format';
import { useVisible } from '../panel/useVisible';
import { faultOf } from '../api';
import { ISectionProps } from '../section';
import { IInstances } from '../types';
import { Details } from './details';
import { Explorer, ISearch } from './explorer';
import { Kind, KINDS } from './query';
import { Results } from './results';
import { addToNotebook, writtenFor } from './addToNotebook';

export function ExploreSection(props: ISectionProps): JSX.Element {
  const { api, notebooks, trans, show } = props;
  const [explorer] = useState(() => new Explorer(api));
  const [, redraw] = useReducer((number: number) => number + 1, 0);
  const [search, setSearch] = useState<ISearch>({ text: '', kind: 'collection', filter: '', instance: null });
  const [shown, setShown] = useState<string | null>(null);
  const [said, setSaid] = useState('');
  const [ref, visible] = useVisible<HTMLDivElement>();
  const instances = useInstances(props, visible);

  useEffect(() => {
    explorer.changed.connect(redraw);
    notebooks.changed.connect(redraw);
    return () => {
      explorer.changed.disconnect(redraw);
      notebooks.changed.disconnect(redraw);
    };
  }, [explorer, notebooks]);

  const notebook = notebooks.current;
  const add = (did: string, handle: string | null): void => {
    setSaid('');
    addToNotebook(props, did, writtenFor(instances, explorer.search?.instance ?? null), handle).then(
      ({ handle: name, present }) =>
        setSaid(
          present
            ? trans.__('%1 is in the notebook already, as %2.', did, name)
            : trans.__('%1 is in the notebook as %2.', did, name)
        ),
      (error: unknown) => setSaid(faultOf(error).message)
    );
  };
  return (
    <div className="nbrucio-explore" ref={ref}>
      <SearchForm
        {...props}
        search={search}
        instances={instances}
        busy={explorer.busy}
        onChange={setSearch}
        onStop={() => explorer.stop()}
        onSearch={() => {
          setShown(null);
          void explorer.find(search);
        }}
      />
      <p className="nbrucio-explore-state" role="status">
        {said || words(explorer, trans)}
      </p>
      {explorer.fault && (
        <Fault
          fault={explorer.fault}
          trans={trans}
          actions={{
            retry: () => explorer.search && void explorer.find(explorer.search),
            settings: () => show('settings')
          }}
        />
      )}
      <Results
        rows={explorer.rows}
        trans={trans}
        shown={shown}
        canAdd={notebook === null || notebook.writable}
        handleOf={did => notebook?.handleOf(did) ?? null}
        onToggle={row => void explorer.toggle(row.key, row.hit[0])}
        onShow={row => setShown(row.hit[0])}
        onAdd={row => add(row.hit[0], null)}
      />
      {shown !== null && (
        <Details
          api={api}
          trans={trans}
          did={shown}
          instance={explorer.search?.instance ?? null}
          notebook={notebook}
          onAdd={add}
          onClose={() => setShown(null)}
        />
      )}
    </div>
  );
}

/** The state of the list, in words. */
function words(explorer: Explorer, trans: ISectionProps['trans']): string {
  if (explorer.search === null) {
    return trans.__('Search by scope and name; * matches anything.');
  }
  const found = trans._n('%2 hit', '%2 hits', explorer.hits, count(explorer.hits));
  if (explorer.busy) {
    return trans.__('%1, searching…', found);
  }
  return explorer.hits || explorer.fault ? found : trans.__('Nothing found.');
}

/** The configured instances; null before they are known. */
function useInstances({ api }: ISectionProps, wanted: boolean): IInstances | null {
  const [instances, setInstances] = useState<IInstances | null>(null);
  useEffect(() => {
    if (wanted) {
      api.instances().then(setInstances, () => setInstances(null));
    }
  }, [api, wanted]);
  return instances;
}

interface ISearchFormProps extends ISectionProps {
  search: ISearch;
  instances: IInstances | null;
  busy: boolean;
  onChange: (search: ISearch) => void;
  onSearch: () => void;
  onStop: () => void;
}

function SearchForm(props: ISearchFormProps): JSX.Element {
  const { search, instances, trans, busy, onChange, onSearch, onStop, show } = props;
  const kinds: { [kind in Kind]: string } = {
    collection: trans.__('Datasets and containers'),
    dataset: trans.__('Datasets'),
    container: trans.__('Containers'),
    file: trans.__('Files'),
    all: trans.__('Everything')
  };
  const known = instances?.instances ?? [];
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
        onSearch();
      }}
    >
      <div className="nbrucio-search-line">
        <input
          className="nbrucio-input"
          type="search"
          aria-label={trans.__('Scope and name')}
          placeholder={trans.__('scope:name')}
          value={search.text}
          spellCheck={false}
          onChange={event => onChange({ ...search, text: event.target.value })}
        />
        {busy ? (
          <button type="button" className="nbrucio-button" aria-label={trans.__('Stop the search')} onClick={onStop}>
            <stopIcon.react tag="span" className="nbrucio-icon" />
          </button>
        ) : (
          <button className="nbrucio-button" aria-label={trans.__('Search')} disabled={!search.text.trim()}>
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
        className="nbrucio-input"
        aria-label={trans.__('Conditions on metadata')}
        placeholder={trans.__('project = demo')}
        title={trans.__('Conditions on metadata: = != < > <= >=, joined by and, or')}
        value={search.filter}
        spellCheck={false}
        onChange={event => onChange({ ...search, filter: event.target.value })}
      />
    </form>
  );
}
