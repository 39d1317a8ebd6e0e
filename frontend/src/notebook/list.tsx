/** The requirements, of which only the visible ones are drawn, so that 10,000 are as quick as ten. */

import React, { useLayoutEffect, useMemo, useReducer, useRef, useState } from 'react';

import { count } from '../format';
import { sharedFailures } from '../model/failures';
import { IRow } from '../model/rows';
import { tops, visible } from '../model/window';
import { NotebookData } from '../notebookdata';
import { ISectionProps } from '../section';
import { Row } from './row';

/** Shorter lists need no filter. */
const MANY = 20;

interface IRowListProps extends ISectionProps {
  data: NotebookData;
  rows: IRow[];
}

export function RowList(props: IRowListProps): JSX.Element {
  const { rows, trans } = props;
  const [filter, setFilter] = useState('');
  const [failedFirst, setFailedFirst] = useState(true);
  const many = rows.length > MANY;
  const shown = useMemo(() => (many ? chosen(rows, filter, failedFirst) : rows), [rows, many, filter, failedFirst]);
  return (
    <>
      {many && (
        <div className="nbrucio-filter">
          <input
            className="nbrucio-input"
            type="search"
            aria-label={trans.__('Filter by handle, DID or state')}
            placeholder={trans.__('Filter')}
            value={filter}
            spellCheck={false}
            onChange={event => setFilter(event.target.value)}
          />
          <label>
            <input type="checkbox" checked={failedFirst} onChange={event => setFailedFirst(event.target.checked)} />
            {trans.__('Failed first')}
          </label>
          <p className="nbrucio-facts" role="status">
            {shown.length < rows.length && trans.__('%1 of %2 shown', count(shown.length), count(rows.length))}
          </p>
        </div>
      )}
      <Drawn {...props} rows={shown} />
    </>
  );
}

/** The rows that match every word of the filter, the failed ones first. */
export function chosen(rows: readonly IRow[], filter: string, failedFirst: boolean): IRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter(row => {
    const text = `${row.handle} ${row.did} ${row.state}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
  const failed = (row: IRow): number => (row.state === 'failed' ? 0 : 1);
  return failedFirst ? found.sort((one, other) => failed(one) - failed(other)) : found;
}

function Drawn(props: IRowListProps): JSX.Element {
  const { rows, trans } = props;
  const list = useRef<HTMLUListElement>(null);
  const heights = useRef(new Map<string, number>());
  const [forms] = useState(() => new Set<string>());
  const [, redraw] = useReducer((number: number) => number + 1, 0);
  const [span, setSpan] = useState({ from: 0, to: 600 });

  useLayoutEffect(() => {
    const node = list.current;
    const box = node?.closest('.nbrucio-section');
    if (!node || !box) {
      return;
    }
    const look = (): void => {
      const from = box.getBoundingClientRect().top - node.getBoundingClientRect().top;
      setSpan(now =>
        now.from === from && now.to === from + box.clientHeight ? now : { from, to: from + box.clientHeight }
      );
    };
    const observer = new ResizeObserver(look);
    observer.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, []);

  const edges = tops(
    rows.map(row => row.handle),
    heights.current
  );
  const { first, last } = visible(edges, span.from, span.to);
  const shared = useMemo(() => new Set(sharedFailures(rows).flatMap(failure => failure.handles)), [rows]);
  const measure = (handle: string, height: number): void => {
    if (heights.current.get(handle) !== height) {
      heights.current.set(handle, height);
      redraw();
    }
  };
  return (
    <ul
      ref={list}
      className="nbrucio-rows"
      aria-label={trans.__('Declared data')}
      style={{ height: edges[edges.length - 1] }}
    >
      {rows.map((row, at) =>
        // A row with an open form stays, wherever it is.
        (at >= first && at < last) || forms.has(row.handle) ? (
          <Row
            {...props}
            key={row.handle}
            row={row}
            place={{ at: at + 1, of: rows.length, top: edges[at] ?? 0 }}
            shared={shared.has(row.handle)}
            onHeight={measure}
            onForm={open => void (open ? forms.add(row.handle) : forms.delete(row.handle))}
          />
        ) : null
      )}
    </ul>
  );
}
