/** A search and its results, which stay while Lab is open, also when the section is hidden. */

import { ISignal, Signal } from '@lumino/signaling';

import { Api, faultOf, Query } from '../api';
import { IScopes, IUnsized } from '../schema';
import { IFault } from '../types';
import { Hit, IBranch, Rows } from './hits';
import { readRows } from './lines';
import { Kind, patternOf } from './query';

export interface ISearch {
  text: string;
  kind: Kind;
  filter: string;
  instance: string | null;
}

/** Between two redraws while rows stream in. */
const INTERVAL_MS = 120;

export class Explorer {
  constructor(private readonly _api: Api) {}

  /** Rows, state or error have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The search that the rows answer; null before the first. */
  search: ISearch | null = null;
  rows = new Rows([], new Map());
  hits = 0;
  busy = false;
  fault: IFault | null = null;
  /** What the search left out because Rucio has no size of it. */
  unsized: IUnsized | null = null;

  /** The error is about the conditions of the search. */
  get wrongCondition(): IFault | null {
    return this.fault?.position ? this.fault : null;
  }

  /** A condition was changed: its error is about the one before. */
  dropWrongCondition(): void {
    if (this.wrongCondition) {
      this.fault = null;
      this._changed.emit();
    }
  }

  /** Start a new search and cancel the previous one. */
  async find(search: ISearch): Promise<void> {
    this.stop();
    const asked = new AbortController();
    this._asked = asked;
    this.search = search;
    this._hits = [];
    this._branches.clear();
    this.fault = null;
    this.unsized = null;
    this.busy = true;
    this._show();
    const query = {
      pattern: patternOf(search.text),
      kind: search.kind,
      filter: search.filter.trim() ? [search.filter] : [],
      instance: search.instance
    };
    const note = (unsized: IUnsized): void => void (this.unsized = unsized);
    const fault = await this._read('find', query, asked, rows => this._hits.push(...rows), note);
    if (this._asked === asked) {
      this.fault = fault;
      this.busy = false;
      this._show();
    }
  }

  /** The scopes of an instance, asked for once. */
  scopes(instance: string | null): Promise<IScopes> {
    const key = instance ?? '';
    let asked = this._scopes.get(key);
    if (!asked) {
      asked = this._api.get<IScopes>('scopes', { instance });
      this._scopes.set(key, asked);
      asked.catch(() => this._scopes.delete(key)); // the search itself shows the error
    }
    return asked;
  }

  /** Stop searching; what was found stays. */
  stop(): void {
    this._asked?.abort();
    this._asked = null;
    this.busy = false;
    this._later();
  }

  /** Open a collection, or close it. */
  async toggle(key: string, did: string): Promise<void> {
    const open = this._branches.get(key);
    if (open) {
      this._branches.delete(key);
      this._show();
      return;
    }
    const branch: IBranch = { children: [], complete: false, fault: null };
    this._branches.set(key, branch);
    this._show();
    const query = { did, instance: this.search?.instance ?? null };
    branch.fault = await this._read('contents', query, new AbortController(), rows => branch.children.push(...rows));
    branch.complete = true;
    this._show();
  }

  private async _read(
    route: string,
    query: Query,
    asked: AbortController,
    take: (rows: Hit[]) => void,
    note: (unsized: IUnsized) => void = () => undefined
  ): Promise<IFault | null> {
    try {
      const response = await this._api.open('GET', route, query, undefined, asked.signal);
      if (!response.body) {
        return null;
      }
      const current =
        <T>(act: (found: T) => void) =>
        (found: T): void => {
          if (!asked.signal.aborted) {
            act(found);
            this._later();
          }
        };
      return await readRows(response.body, current(take), current(note));
    } catch (error) {
      return asked.signal.aborted ? null : faultOf(error);
    }
  }

  private _later(): void {
    this._timer ??= window.setTimeout(() => this._show(), INTERVAL_MS);
  }

  private _show(): void {
    if (this._timer !== null) {
      window.clearTimeout(this._timer);
      this._timer = null;
    }
    this.hits = this._hits.length;
    this.rows = new Rows(this._hits, this._branches);
    this._changed.emit();
  }

  private readonly _scopes = new Map<string, Promise<IScopes>>();
  private _hits: Hit[] = [];
  private readonly _branches = new Map<string, IBranch>();
  private _asked: AbortController | null = null;
  private _timer: number | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
