/** The found DIDs as a tree of which only what is in sight is drawn, so that 100,000 are as quick as ten. */

import {
  caretDownIcon,
  caretRightIcon,
  addIcon,
  checkIcon,
  fileIcon,
  folderIcon,
  LabIcon,
  listIcon
} from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { memo, useEffect, useLayoutEffect, useRef, useState } from 'react';

import { bytes, count } from '../format';
import { LongName } from '../panel/longname';
import { DidType } from '../types';
import { dragDid } from './drop';
import { inSight, IRow, parentOf, Rows } from './hits';

/** Each row has this height, in pixels; the style sheet sets the same. */
const ROW_PX = 42;

export const TYPE_ICONS: { [type in DidType]: LabIcon } = { FILE: fileIcon, DATASET: listIcon, CONTAINER: folderIcon };

export function typeName(trans: TranslationBundle, type: DidType): string {
  return { FILE: trans.__('File'), DATASET: trans.__('Dataset'), CONTAINER: trans.__('Container') }[type];
}

export interface IResultsProps {
  rows: Rows;
  trans: TranslationBundle;
  /** The DID whose details are shown. */
  shown: string | null;
  canAdd: boolean;
  /** The handle of a DID that the notebook declares; null for others. */
  handleOf: (did: string) => string | null;
  onToggle: (row: IRow) => void;
  onShow: (row: IRow) => void;
  onAdd: (row: IRow) => void;
}

export function Results(props: IResultsProps): JSX.Element {
  const { rows, trans } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const [active, setActive] = useState(0);

  useLayoutEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  useEffect(() => setActive(at => Math.min(at, Math.max(0, rows.length - 1))), [rows]);

  const go = (index: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(next);
    const node = box.current;
    if (node) {
      const edge = Math.min(next * ROW_PX, Math.max(node.scrollTop, (next + 1) * ROW_PX - node.clientHeight));
      node.scrollTop = edge;
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const row = rows.at(active);
    if (row && act(event, row, active, height, props, go)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  const { first, last } = inSight(top, height, ROW_PX, rows.length);
  const drawn: JSX.Element[] = [];
  for (let index = first; index < last; index += 1) {
    const row = rows.at(index);
    if (row) {
      drawn.push(
        <Row key={row.key} row={row} index={index} active={index === active} onActive={setActive} {...props} />
      );
    }
  }
  return (
    <div
      ref={box}
      className="nbrucio-results"
      role="tree"
      tabIndex={0}
      aria-label={trans.__('Data found')}
      aria-activedescendant={rows.length ? rowId(active) : undefined}
      onScroll={event => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div className="nbrucio-results-space" role="presentation" style={{ height: rows.length * ROW_PX }}>
        <div role="presentation" style={{ transform: `translateY(${first * ROW_PX}px)` }}>
          {drawn}
        </div>
      </div>
    </div>
  );
}

/** Handle a key; return whether it has an effect. */
function act(
  event: React.KeyboardEvent,
  row: IRow,
  at: number,
  height: number,
  props: IResultsProps,
  go: (index: number) => void
): boolean {
  const page = Math.max(1, Math.floor(height / ROW_PX) - 1);
  const steps: { [key: string]: number } = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: props.rows.length - 1
  };
  const to = steps[event.key];
  if (to !== undefined) {
    go(to);
  } else if (event.key === 'ArrowRight' && row.expanded === false) {
    props.onToggle(row);
  } else if (event.key === 'ArrowRight' && row.expanded) {
    go(at + 1);
  } else if (event.key === 'ArrowLeft' && row.expanded) {
    props.onToggle(row);
  } else if (event.key === 'ArrowLeft') {
    const parent = parentOf(row.key);
    if (parent) {
      go(props.rows.indexOf(parent));
    }
  } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && props.canAdd) {
    props.onAdd(row);
  } else if (event.key === 'Enter' || event.key === ' ') {
    props.onShow(row);
  } else {
    return false;
  }
  return true;
}

interface IRowProps extends IResultsProps {
  row: IRow;
  index: number;
  active: boolean;
  onActive: (index: number) => void;
}

function Row(props: IRowProps): JSX.Element {
  const { row, index, active, trans, shown, canAdd, handleOf, onActive, onToggle, onShow, onAdd } = props;
  const [did, type, size, files, open] = row.hit;
  const indent = { paddingLeft: 4 + row.depth * 14 };
  if (row.note) {
    const words = row.note === 'loading' ? trans.__('Loading…') : row.note.message;
    return (
      <div id={rowId(index)} className="nbrucio-hit nbrucio-mod-note" role="treeitem" style={indent} title={words}>
        {words}
      </div>
    );
  }
  const kind = open && type !== 'FILE' ? trans.__('%1, open', typeName(trans, type)) : typeName(trans, type);
  const handle = handleOf(did);
  const declared = handle === null ? null : trans.__('in this notebook as %1', handle);
  const facts = [
    kind,
    type !== 'FILE' && files !== null ? trans._n('%2 file', '%2 files', files, count(files)) : null,
    size === null ? null : bytes(size)
  ];
  return (
    <div
      id={rowId(index)}
      className="nbrucio-hit"
      role="treeitem"
      aria-level={row.depth + 1}
      aria-posinset={row.place}
      aria-setsize={row.siblings}
      aria-expanded={row.expanded ?? undefined}
      aria-selected={did === shown}
      aria-label={[did, kind, declared].filter(Boolean).join(', ')}
      data-active={active || undefined}
      data-did={did}
      style={indent}
      title={[did, kind, declared].filter(Boolean).join('\n')}
      draggable
      onDragStart={event => {
        dragDid(event.dataTransfer, did);
      }}
      onClick={() => {
        onActive(index);
        onShow(row);
      }}
    >
      <span
        className="nbrucio-hit-caret"
        aria-hidden
        onClick={event => {
          event.stopPropagation();
          onActive(index);
          if (row.expanded !== null) {
            onToggle(row);
          }
        }}
      >
        {row.expanded !== null && <Glyph icon={row.expanded ? caretDownIcon : caretRightIcon} />}
      </span>
      <Glyph icon={TYPE_ICONS[type]} />
      <span className="nbrucio-hit-text">
        <LongName className="nbrucio-hit-name" text={did} />
        <span className="nbrucio-hit-facts">{facts.filter(Boolean).join(' · ')}</span>
      </span>
      <button
        className="nbrucio-hit-add"
        tabIndex={-1}
        disabled={!canAdd}
        data-declared={declared !== null || undefined}
        aria-label={declared ? `${did}, ${declared}` : trans.__('Add %1 to the notebook', did)}
        title={declared ?? (canAdd ? trans.__('Add to the notebook') : trans.__('Open a notebook to add data to it'))}
        onClick={event => {
          event.stopPropagation();
          onActive(index);
          onAdd(row);
        }}
      >
        <Glyph icon={declared ? checkIcon : addIcon} />
      </button>
    </div>
  );
}

/** An icon as its bare markup: Lab's own component parses it anew for each row, which is most of a row's cost. */
const Glyph = memo(function Glyph({ icon }: { icon: LabIcon }): JSX.Element {
  return <span className="nbrucio-icon" aria-hidden dangerouslySetInnerHTML={{ __html: icon.svgstr }} />;
});

function rowId(index: number): string {
  return `nbrucio-hit-${index}`;
}
