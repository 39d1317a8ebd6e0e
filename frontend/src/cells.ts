/** The code cells of an open notebook. */

import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Api } from './api';
import { firstFile } from './firstFile';
import { IRequirement } from './model/declaration';
import { isReadable, snippet } from './model/snippets';

/** The texts of its code cells, in order. */
export function sources(panel: NotebookPanel): string[] {
  const found: string[] = [];
  for (const cell of panel.content.model?.cells ?? []) {
    if (cell.type === 'code') {
      found.push(cell.sharedModel.getSource());
    }
  }
  return found;
}

/** The kernel's language, in lower case; Python when unknown. */
export function languageOf(panel: NotebookPanel): string {
  const model = panel.content.model;
  const info = model?.getMetadata('language_info') as { name?: string } | undefined;
  const spec = model?.getMetadata('kernelspec') as { language?: string } | undefined;
  return (info?.name || spec?.language || 'python').toLowerCase();
}

/** Write code that reads data below the active cell, or into it when it is empty, and make its cell the active one. */
export async function insertSnippet(panel: NotebookPanel, api: Api, one: IRequirement): Promise<void> {
  const match = one.select?.match ?? '';
  const file = isReadable(match) ? match : await firstFile(api, one.did, one.instance);
  if (panel.isDisposed) {
    return;
  }
  const notebook = panel.content;
  const active = notebook.activeCell?.model;
  if (!active || active.type !== 'code' || active.sharedModel.getSource().trim()) {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(snippet(one.handle, one.did, languageOf(panel), file));
  panel.activate();
  notebook.mode = 'edit';
}

/** Write another handle where the code asks for one: `nbrucio.data["from"]`. Returns how many cells were changed. */
export function renameUses(panel: NotebookPanel, from: string, to: string): number {
  const uses = new RegExp(`(\\bdata\\s*\\[\\s*)(["'])${from}\\2(\\s*\\])`, 'g');
  let changed = 0;
  for (const cell of panel.content.model?.cells ?? []) {
    const source = cell.sharedModel.getSource();
    const next = cell.type === 'code' ? source.replace(uses, `$1$2${to}$2$3`) : source;
    if (next !== source) {
      cell.sharedModel.setSource(next);
      changed += 1;
    }
  }
  return changed;
}
