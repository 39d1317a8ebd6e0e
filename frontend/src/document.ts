/** The metadata of an open notebook: read from and written to its shared model, so that every view of it follows. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { PartialJSONValue } from '@lumino/coreutils';

import { ATTACHMENTS_KEY, IMetadata, KEY, merged, same } from './model/declaration';
import { Json, JsonObject } from './model/json';

const KEYS = [KEY, ATTACHMENTS_KEY] as const;

/** The part of the model's metadata that matters here. */
export function readMetadata(panel: NotebookPanel): IMetadata {
  const model = panel.content.model;
  const metadata: IMetadata = {};
  for (const key of KEYS) {
    const value = model?.getMetadata(key) as Json | undefined;
    if (value !== undefined) {
      metadata[key] = value;
    }
  }
  return metadata;
}

/**
 * Write metadata into the model. Equal values are not written, so that the document becomes dirty only by a change.
 *
 * @param undoable - whether it is an edit of the user, which "undo" takes back like any other.
 * @returns whether anything changed.
 */
export function writeMetadata(panel: NotebookPanel, metadata: IMetadata, undoable: boolean): boolean {
  const model = panel.content.model;
  if (!model) {
    return false;
  }
  const present = readMetadata(panel);
  const changed = KEYS.filter(key => !same(present[key], metadata[key]));
  if (changed.length) {
    const write = (): void => {
      for (const key of changed) {
        const value = metadata[key];
        if (value === undefined) {
          model.deleteMetadata(key);
        } else {
          model.setMetadata(key, value as PartialJSONValue);
        }
      }
    };
    undoable ? asEdit(panel, write) : write();
  }
  return changed.length > 0;
}

/** Add data or locks that the server wrote into the file at a save. A clean document with the same stays clean. */
export function mergeDeclaration(panel: NotebookPanel, added: JsonObject): void {
  const model = panel.content.model;
  if (!model) {
    return;
  }
  const clean = !model.dirty;
  writeMetadata(panel, merged(readMetadata(panel), added), false);
  if (clean && same(readMetadata(panel)[KEY], added)) {
    model.dirty = false;
  }
}

/** The used part of yjs's undo manager; the shared model of a notebook has one for its cells. */
interface IUndoManager {
  addToScope?: (type: unknown) => void;
  stopCapturing?: () => void;
  captureTransaction?: (transaction: { changed: Map<unknown, unknown> }) => boolean;
}

const watched = new WeakSet<IUndoManager>();
let editing = false;

/** Run `write` so that the document's undo takes it back. Other changes of metadata are still not part of undo. */
function asEdit(panel: NotebookPanel, write: () => void): void {
  const shared = panel.content.model?.sharedModel as unknown as
    { undoManager?: IUndoManager; ymeta?: unknown; transact?: (run: () => void) => void } | undefined;
  const manager = shared?.undoManager;
  if (!shared?.transact || !shared.ymeta || !manager?.addToScope || !manager.stopCapturing) {
    write();
    return;
  }
  if (!watched.has(manager)) {
    watched.add(manager);
    const before = manager.captureTransaction ?? ((): boolean => true);
    const metadata = (type: unknown): boolean =>
      type === shared.ymeta || (type as { parent?: unknown }).parent === shared.ymeta;
    manager.captureTransaction = (transaction): boolean =>
      before(transaction) && (editing || ![...transaction.changed.keys()].every(metadata));
    manager.addToScope([shared.ymeta]);
  }
  manager.stopCapturing();
  editing = true;
  try {
    shared.transact(write);
  } finally {
    editing = false;
    manager.stopCapturing();
  }
}
