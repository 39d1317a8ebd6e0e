/** The metadata of an open notebook: read from and written to its shared model, so that every view of it follows. */

import { DocumentRegistry } from '@jupyterlab/docregistry';
import { INotebookModel } from '@jupyterlab/notebook';

import { ATTACHMENTS_KEY, IMetadata, KEY, same } from './model/declaration';
import { merged, withAttached } from './model/declarationEdits';
import { Json, JsonObject } from './model/json';

/** An open notebook, which several panels may show. */
export type NotebookContext = DocumentRegistry.IContext<INotebookModel>;

const KEYS = [KEY, ATTACHMENTS_KEY] as const;

/** The part of the model's metadata that matters here. */
export function readMetadata(model: INotebookModel): IMetadata {
  const metadata: IMetadata = {};
  for (const key of KEYS) {
    const value = model.getMetadata(key) as Json | undefined;
    if (value !== undefined) {
      metadata[key] = value;
    }
  }
  return metadata;
}

/**
 * Write metadata into the model. Equal values are not written, so that the document becomes dirty only by a change.
 *
 * @returns whether anything changed.
 */
export function writeMetadata(model: INotebookModel, metadata: IMetadata): boolean {
  const present = readMetadata(model);
  const changed = KEYS.filter(key => !same(present[key], metadata[key]));
  for (const key of changed) {
    const value = metadata[key];
    if (value === undefined) {
      model.deleteMetadata(key);
    } else {
      model.setMetadata(key, value);
    }
  }
  return changed.length > 0;
}

/** Add data or locks that the server wrote into the file at a save. A clean document with the same stays clean. */
export function mergeDeclaration(model: INotebookModel, added: JsonObject, attached: readonly Json[]): void {
  const clean = !model.dirty;
  writeMetadata(model, withAttached(merged(readMetadata(model), added), attached));
  const now = readMetadata(model);
  if (clean && same(now[KEY] ?? {}, added) && (!attached.length || same(now[ATTACHMENTS_KEY], [...attached]))) {
    model.dirty = false;
  }
}
