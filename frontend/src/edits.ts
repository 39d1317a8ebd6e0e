/**
 * Edits of the user in the panel: each is one entry of the notebook's undo, with declaration, locks and code.
 *
 * The shared model's undo manager knows cells only. Here it learns the metadata, for these edits and no other writes. It
 * puts back whole values, so that what others wrote meanwhile is put in again.
 */

import { INotebookModel } from '@jupyterlab/notebook';

import { readMetadata, writeMetadata } from './document';
import { ATTACHMENTS_KEY, IMetadata, KEY, same } from './model/declaration';
import { reapplied } from './model/reapply';

export type Direction = 'undo' | 'redo';

/** The metadata before and after one edit. */
interface IEdit {
  before: IMetadata;
  after: IMetadata;
}

interface IEntry {
  meta: Map<unknown, unknown>;
}

interface ITransaction {
  origin: unknown;
  changedParentTypes: Map<unknown, unknown>;
}

/** The used part of yjs's undo manager. */
interface IUndoManager {
  scope: unknown[];
  undoStack: IEntry[];
  redoStack: IEntry[];
  ignoreRemoteMapChanges: boolean;
  captureTransaction: (transaction: ITransaction) => boolean;
  doc: { on: (event: 'beforeTransaction', then: (transaction: ITransaction) => void) => void };
  addToScope: (types: unknown[]) => void;
  stopCapturing: () => void;
  on: (event: string, then: (event: { stackItem: IEntry; type: Direction }) => void) => void;
}

interface ISharedModel {
  undoManager: IUndoManager;
  ymeta: unknown;
  transact: (run: () => void) => void;
  undo: () => void;
  redo: () => void;
}

const EDIT = 'nbrucio:edit';

const top = (stack: IEntry[]): IEntry | undefined => stack[stack.length - 1];

export class Edits {
  /** @param onReturned - an edit was taken back or made again, from here or by Lab's undo and redo. */
  constructor(
    private readonly _model: INotebookModel,
    private readonly _onReturned: (direction: Direction) => void
  ) {}

  /** Run `write`, which changes metadata and cells, as one edit. Nothing is noted when the metadata stays equal. */
  make(write: () => void): void {
    const shared = this._shared;
    const manager = this._watched(shared);
    const before = readMetadata(this._model);
    manager.stopCapturing();
    this._writing = true;
    try {
      shared.transact(write);
    } finally {
      this._writing = false;
      manager.stopCapturing();
    }
    const after = readMetadata(this._model);
    if (!same(before[KEY], after[KEY]) || !same(before[ATTACHMENTS_KEY], after[ATTACHMENTS_KEY])) {
      this._last = { before, after };
      top(manager.undoStack)?.meta.set(EDIT, this._last);
    }
  }

  /** Whether the notebook's undo would take back, or redo make again, the last edit. */
  can(direction: Direction): boolean {
    const manager = this._manager;
    const stack = direction === 'undo' ? manager?.undoStack : manager?.redoStack;
    return this._last !== null && top(stack ?? [])?.meta.get(EDIT) === this._last;
  }

  undo(): void {
    this._shared.undo();
  }

  redo(): void {
    this._shared.redo();
  }

  private get _shared(): ISharedModel {
    return this._model.sharedModel as unknown as ISharedModel;
  }

  private _watched(shared: ISharedModel): IUndoManager {
    const manager = shared.undoManager;
    if (manager === this._manager) {
      return manager;
    }
    this._manager = manager;
    const captures = manager.captureTransaction;
    const cells = [...manager.scope];
    manager.captureTransaction = (transaction): boolean =>
      captures(transaction) &&
      (this._writing || transaction.origin === manager || cells.some(type => transaction.changedParentTypes.has(type)));
    // A save may add to the declaration right after an edit; yjs would then refuse to put back the value before.
    manager.ignoreRemoteMapChanges = true;
    manager.addToScope([shared.ymeta]);
    let present: IMetadata = {};
    manager.doc.on('beforeTransaction', transaction => {
      if (transaction.origin === manager) {
        present = readMetadata(this._model);
      }
    });
    // Undo adds an entry for redo, and redo one for undo, before it reports the entry that it took.
    let added: IEntry | null = null;
    manager.on('stack-item-added', ({ stackItem }) => {
      added = stackItem;
    });
    manager.on('stack-item-popped', ({ stackItem, type }) => {
      const edit = stackItem.meta.get(EDIT) as IEdit | undefined;
      if (edit) {
        added?.meta.set(EDIT, edit);
        this._last = edit;
        this._return(present, type === 'undo' ? edit.after : edit.before, type === 'undo' ? edit.before : edit.after);
        this._onReturned(type);
      }
    });
    return manager;
  }

  private _return(now: IMetadata, from: IMetadata, to: IMetadata): void {
    const next: IMetadata = {};
    for (const key of [KEY, ATTACHMENTS_KEY] as const) {
      next[key] = reapplied(now[key], from[key], to[key]);
    }
    writeMetadata(this._model, next);
  }

  private _writing = false;
  private _last: IEdit | null = null;
  private _manager: IUndoManager | null = null;
}
