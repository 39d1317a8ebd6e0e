/** The results of a search and the opened collections, as rows of a list that may be very long. Pure. */

import { Hit, IFault } from '../types';

/** One row of the streams `find` and `contents`: DID, type, bytes, files, whether it is open. */
export type { Hit };

/** The content of a collection that has arrived so far. */
export interface IBranch {
  children: Hit[];
  /** All content has arrived. */
  complete: boolean;
  fault: IFault | null;
}

/** A visible row. `key` is its path from the top, since several collections may contain one DID. */
export interface IRow {
  key: string;
  hit: Hit;
  depth: number;
  /** Null: it has no content to open. */
  expanded: boolean | null;
  /** Its place among its siblings, from 1, and how many there are. */
  place: number;
  siblings: number;
  /** Set in the row of a branch that is loading, or that failed. */
  note: 'loading' | IFault | null;
}

/** Rows by number without making all of them: a list of 100,000 hits is only indexed. */
export class Rows {
  /** `branches` are the open collections, by key. */
  constructor(
    private readonly _hits: readonly Hit[],
    private readonly _branches: ReadonlyMap<string, IBranch>
  ) {
    if (_branches.size) {
      this._flat = [];
      this._add(_hits, '', 0);
    }
  }

  get length(): number {
    return this._flat ? this._flat.length : this._hits.length;
  }

  at(index: number): IRow | null {
    if (this._flat) {
      return this._flat[index] ?? null;
    }
    const hit = this._hits[index];
    return hit ? row(hit, '', 0, index, this._hits.length, false) : null;
  }

  /** The number of the row with this key; -1 when it is not shown. */
  indexOf(key: string): number {
    return this._flat
      ? this._flat.findIndex(one => one.key === key)
      : this._hits.findIndex(hit => keyOf('', hit) === key);
  }

  private _add(hits: readonly Hit[], parent: string, depth: number): void {
    const flat = this._flat as IRow[];
    hits.forEach((hit, index) => {
      const key = keyOf(parent, hit);
      const branch = this._branches.get(key);
      flat.push(row(hit, parent, depth, index, hits.length, branch !== undefined));
      if (!branch) {
        return;
      }
      this._add(branch.children, key, depth + 1);
      if (branch.fault || !branch.complete) {
        const note = branch.fault ?? 'loading';
        flat.push({ key: `${key}\n`, hit, depth: depth + 1, expanded: null, place: 1, siblings: 1, note });
      }
    });
  }

  private readonly _flat: IRow[] | null = null;
}

function row(hit: Hit, parent: string, depth: number, index: number, siblings: number, open: boolean): IRow {
  const expanded = hit[1] === 'FILE' ? null : open;
  return { key: keyOf(parent, hit), hit, depth, expanded, place: index + 1, siblings, note: null };
}

function keyOf(parent: string, hit: Hit): string {
  return parent ? `${parent}\n${hit[0]}` : hit[0];
}

/** The key of the collection that contains a row; null at the top. */
export function parentOf(key: string): string | null {
  const cut = key.lastIndexOf('\n');
  return cut < 0 ? null : key.slice(0, cut);
}

/** Which rows of equal height are in sight, with some more on both sides. */
export function inSight(
  top: number,
  height: number,
  rowHeight: number,
  count: number,
  more = 8
): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / rowHeight) - more);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + more);
  return { first: Math.min(first, last), last };
}
