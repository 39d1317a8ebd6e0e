/** The section "Explore": search Rucio, show details, add data to the notebook. */

import React, { useEffect, useReducer, useState } from 'react';

import { Fault } from '../notebook/fault';
import { count } from '../format';
import { LongName } from '../panel/longname';
import { useVisible } from '../panel/useVisible';
import { faultOf } from '../api';
import { IUnsized } from '../schema';
import { ISectionProps } from '../section';
import { IInstances } from '../types';
import { Details } from './details';
import { Explorer, ISearch } from './explorer';
import { Results } from './results';
import { SearchForm } from './searchForm';
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
        wrong={explorer.wrongCondition}
        onChange={changed => {
          setSearch(changed);
          if (changed.filter !== search.filter) {
            explorer.dropWrongCondition();
          }
        }}
        onStop={() => explorer.stop()}
        scopes={instance => explorer.scopes(instance)}
        onSearch={() => {
          setShown(null);
          void explorer.find(search);
        }}
      />
      <p className="nbrucio-explore-state" role="status">
        {said || words(explorer, trans)}
      </p>
      {explorer.unsized && <Unsized {...explorer.unsized} trans={trans} onShow={setShown} />}
      {explorer.fault && !explorer.wrongCondition && (
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
  if (explorer.fault && !explorer.hits) {
    return '';
  }
  const found = trans._n('%2 hit', '%2 hits', explorer.hits, count(explorer.hits));
  if (explorer.busy) {
    return trans.__('%1, searching…', found);
  }
  return explorer.hits ? found : trans.__('Nothing found. * matches anything; “Everything” also searches files.');
}

/** The DIDs that a search by size leaves out; each shows its details. */
function Unsized(props: IUnsized & { trans: ISectionProps['trans']; onShow: (did: string) => void }): JSX.Element {
  const { trans, unsized, unsized_cut: cut, onShow } = props;
  return (
    <div className="nbrucio-unsized">
      <p>{trans.__('Not compared, because Rucio has no size of open datasets and containers:')}</p>
      <ul>
        {unsized.map(did => (
          <li key={did}>
            <button className="nbrucio-link" onClick={() => onShow(did)}>
              <LongName text={did} />
            </button>
          </li>
        ))}
        {cut && <li>{trans.__('and more')}</li>}
      </ul>
    </div>
  );
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
