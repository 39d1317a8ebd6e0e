/** DIDs that are dragged from the results into cells. The server knows what keeps the code valid at each place. */

import { Cell } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';

import { Api } from '../api';
import { languageOf } from '../cells';
import { IChange } from '../schema';
import { didSnippet } from './query';

const DID_TYPE = 'application/vnd.nbrucio.did';

/** Put a DID into a drag; anything but a cell of a notebook receives the code that reads it. */
export function dragDid(transfer: DataTransfer, did: string): void {
  transfer.setData(DID_TYPE, did);
  transfer.setData('text/plain', didSnippet(did));
  transfer.effectAllowed = 'copy';
}

/** Let the cells of a notebook take dropped DIDs. */
export function acceptDrops(panel: NotebookPanel, api: Api): void {
  const onDrop = (event: DragEvent): void => {
    const did = event.dataTransfer?.getData(DID_TYPE);
    const target = event.target as Node;
    const cell = panel.content.widgets.find(one => one.editorWidget?.node.contains(target));
    if (!did || !cell?.editor || cell.readOnly) {
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // the editor would insert the plain text
    const position = cell.editor.getPositionForCoordinate(new DOMRect(event.clientX, event.clientY));
    const offset = position ? cell.editor.getOffsetAt(position) : cell.model.sharedModel.getSource().length;
    void insert(panel, cell, api, did, offset);
  };
  panel.node.addEventListener('drop', onDrop, true);
  panel.disposed.connect(() => panel.node.removeEventListener('drop', onDrop, true));
}

async function insert(panel: NotebookPanel, cell: Cell, api: Api, did: string, offset: number): Promise<void> {
  const source = cell.model.sharedModel.getSource();
  const characters = (end: number): number => Array.from(source.slice(0, end)).length;
  const units = (end: number): number => Array.from(source).slice(0, end).join('').length;
  let change: IChange = { start: characters(offset), end: characters(offset), text: didSnippet(did) };
  try {
    const place = { source, offset: characters(offset), did, cell: cell.model.type, language: languageOf(panel) };
    change = await api.post<IChange>('drop', place);
  } catch (error) {
    console.warn('nbrucio: the place of a dropped DID could not be checked', error);
  }
  if (cell.isDisposed) {
    return;
  }
  if (cell.model.sharedModel.getSource() !== source) {
    return insert(panel, cell, api, did, Math.min(offset, cell.model.sharedModel.getSource().length));
  }
  const start = units(change.start);
  cell.model.sharedModel.updateSource(start, units(change.end), change.text);
  panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
  panel.content.mode = 'edit';
  const editor = cell.editor;
  const end = editor?.getPositionAt(start + change.text.length);
  if (editor && end) {
    editor.focus();
    editor.setCursorPosition(end);
  }
}
