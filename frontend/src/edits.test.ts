import { YNotebook } from '@jupyter/ydoc';
import { INotebookModel } from '@jupyterlab/notebook';
import { expect, it } from 'vitest';

import { writeMetadata } from './document';
import { Direction, Edits } from './edits';
import { Json } from './model/json';

/** A real shared notebook, as Lab has just opened it. */
function opened(): { shared: YNotebook; model: INotebookModel } {
  const shared = YNotebook.create({ disableDocumentWideUndoRedo: true });
  const cell = { cell_type: 'code', id: 'x', source: 'one', metadata: {}, outputs: [], execution_count: null };
  shared.fromJSON({ metadata: { nbrucio: declared('one') }, nbformat: 4, nbformat_minor: 5, cells: [cell] });
  shared.clearUndoHistory();
  const model = {
    sharedModel: shared,
    getMetadata: (key: string) => shared.getMetadata(key),
    setMetadata: (key: string, value: never) => shared.setMetadata(key, value),
    deleteMetadata: (key: string) => shared.deleteMetadata(key)
  };
  return { shared, model: model as never };
}

function declared(...handles: string[]): Json {
  return { version: 1, requirements: handles.map(handle => ({ did: `a:${handle}`, handle })) };
}

it('an edit is undone and redone as a whole, also after a save added to the declaration', () => {
  const { shared, model } = opened();
  const returned: Direction[] = [];
  const edits = new Edits(model, direction => returned.push(direction));
  const seen = (): unknown => [shared.getMetadata('nbrucio'), shared.cells[0]?.getSource()];
  edits.make(() => {
    writeMetadata(model, { nbrucio: declared('uno') });
    shared.cells[0]?.setSource('uno');
  });
  writeMetadata(model, { nbrucio: declared('uno', 'used') }); // of the server, at the save
  expect(edits.can('undo')).toBe(true);
  edits.undo();
  expect(seen()).toEqual([declared('one', 'used'), 'one']);
  writeMetadata(model, { nbrucio: declared('one', 'used', 'more') });
  expect([edits.can('undo'), edits.can('redo')]).toEqual([false, true]);
  edits.redo();
  expect(seen()).toEqual([declared('uno', 'used', 'more'), 'uno']);
  edits.undo();
  expect(seen()).toEqual([declared('one', 'used', 'more'), 'one']);
  expect(returned).toEqual(['undo', 'redo', 'undo']);
  shared.dispose();
});

it('edits of cells in Lab stay entries of their own', () => {
  const { shared, model } = opened();
  const edits = new Edits(model, () => undefined);
  edits.make(() => void writeMetadata(model, { nbrucio: declared('uno') }));
  shared.insertCell(0, { cell_type: 'code', source: 'new' });
  expect(edits.can('undo')).toBe(false);
  shared.undo();
  expect(shared.cells).toHaveLength(1);
  expect(edits.can('undo')).toBe(true);
  shared.undo();
  expect(shared.getMetadata('nbrucio')).toEqual(declared('one'));
  shared.dispose();
});
