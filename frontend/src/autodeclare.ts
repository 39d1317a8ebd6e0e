/**
 * Declare the data that the code of an open notebook uses.
 *
 * A save serialises the model right after its start signal, so the listener must update the model without waiting.
 * With real-time collaboration the server saves by itself, so the model is also updated shortly after an edit.
 */

import { NotebookPanel } from '@jupyterlab/notebook';

import { languageOf, sources } from './cells';
import { NotebookData } from './notebookdata';
import { scan } from './model/scan';

const QUIET_MS = 2000;

/** Watch one notebook; `wanted` returns whether the user wants this. */
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
