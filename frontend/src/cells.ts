/** The code cells of an open notebook. */

import { NotebookPanel } from '@jupyterlab/notebook';

import { Api } from './api';
import { firstFile } from './firstFile';
import { IRequirement } from './model/declaration';
import { isReadable, snippet } from './model/snippets';

/** The kernel's language, in lower case; Python when unknown. */
export function languageOf(panel: NotebookPanel): string {
  const model = panel.content.model;
  const info = model?.getMetadata('language_info') as { name?: string } | undefined;
  const spec = model?.getMetadata('kernelspec') as { language?: string } | undefined;
  return (info?.name || spec?.language || 'python').toLowerCase();
}

/** Code that reads data, for the language of the notebook. */
export async function codeFor(
  panel: NotebookPanel,
  api: Api,
  one: Pick<IRequirement, 'handle' | 'did' | 'instance' | 'select'>
): Promise<string> {
  const match = one.select?.match ?? '';
  const file = isReadable(match) ? match : await firstFile(api, one.did, one.instance);
  return snippet(one.handle, one.did, languageOf(panel), file);
}

/** Write code below the active cell, or into it when it is empty. Returns the index of its cell. */
export function writeCode(panel: NotebookPanel, source: string): number {
  const { activeCell, activeCellIndex } = panel.content;
  if (activeCell?.model.type === 'code' && !activeCell.model.sharedModel.getSource().trim()) {
    activeCell.model.sharedModel.setSource(source);
    return activeCellIndex;
  }
  const index = activeCell ? activeCellIndex + 1 : 0;
  // Trusted, as it is new here: Lab marks cells in the same way.
  panel.content.model?.sharedModel.insertCell(index, { cell_type: 'code', source, metadata: { trusted: true } });
  return index;
}

/** Show a cell, and put the cursor into it. */
export function showCell(panel: NotebookPanel, index: number): void {
  panel.content.activeCellIndex = index;
  panel.activate();
  panel.content.mode = 'edit';
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
