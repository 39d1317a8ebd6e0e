/**
 * Declare what the code uses of an open notebook.
 *
 * A save serialises the model right after it said that it starts, so what is found must be in the model before the
 * listener returns; nothing that waits is in time. Where people edit together the server saves on its own, so there the
 * model is also updated a moment after an edit.
 */

import { NotebookPanel } from '@jupyterlab/notebook';

import { languageOf, sources } from './cells';
import { NotebookData } from './notebookdata';
import { scan } from './model/scan';

const QUIET_MS = 2000;

/** Watch one notebook; `wanted` tells whether the user wants this. */
export function declareAutomatically(panel: NotebookPanel, data: NotebookData, wanted: () => boolean): void {
  const declare = (): void => {
    if (wanted() && data.writable && !panel.isDisposed) {
      data.declare(scan(sources(panel), languageOf(panel)));
    }
  };
  panel.context.saveState.connect((_, state) => {
    if (state === 'started') {
      declare();
    }
  });
  void panel.context.ready.then(() => {
    const model = panel.content.model;
    if (!model?.collaborative) {
      return;
    }
    let timer = 0;
    model.contentChanged.connect(() => {
      window.clearTimeout(timer);
      timer = window.setTimeout(declare, QUIET_MS);
    });
    panel.disposed.connect(() => window.clearTimeout(timer));
  });
}
