/**
 * Removes the outputs of cells that waited for data when their kernel ended, or while the browser was not connected:
 * nobody updates them any more.
 */

import { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';

import { idIn } from './question';

/** The first words of what `nbrucio/kernel/waiting.py` and `nbrucio/kernel/consent.py` show before the end of a wait. */
const WAITS = /^nbrucio: (waiting for|downloading|this cell waits for) /;
const ENDS = ['restarting', 'autorestarting', 'terminating', 'dead'];

/** Whether an output says that its cell waits. */
export function isWait(output: unknown): boolean {
  const { output_type: type, data } = output as { output_type?: unknown; data?: { [mime: string]: unknown } };
  const text = type === 'display_data' ? data?.['text/plain'] : null;
  const line: unknown = Array.isArray(text) ? text[0] : text;
  return typeof line === 'string' && WAITS.test(line);
}

function isQuestion(output: unknown): boolean {
  return idIn((output as { data?: unknown }).data) !== null;
}

/** Watch the kernel of one notebook. */
export function removeStaleWaits(panel: NotebookPanel): void {
  const { sessionContext } = panel;
  sessionContext.statusChanged.connect((_, status) => {
    if (ENDS.includes(status)) {
      remove(panel, waiting(panel));
    }
  });
  sessionContext.kernelChanged.connect((_, { newValue }) => {
    if (newValue === null) {
      remove(panel, waiting(panel));
    } else {
      void removeWhenIdle(panel);
    }
  });
  sessionContext.connectionStatusChanged.connect((_, status) => {
    if (status === 'connected') {
      void removeWhenIdle(panel);
    }
  });
}

/**
 * A kernel that answers runs no cell: what waits now does not. Its cells may also still run after a reconnection.
 * A question for consent stays, as it says itself that it is over.
 */
async function removeWhenIdle(panel: NotebookPanel): Promise<void> {
  await panel.context.ready;
  const found = waiting(panel).filter(cell => !cell.sharedModel.getOutputs().some(isQuestion));
  if (found.length) {
    await panel.sessionContext.session?.kernel?.requestKernelInfo();
    remove(panel, found);
  }
}

function waiting(panel: NotebookPanel): ICodeCellModel[] {
  const cells = [...(panel.content.model?.cells ?? [])].filter(cell => cell.type === 'code') as ICodeCellModel[];
  return cells.filter(cell => cell.sharedModel.getOutputs().some(isWait));
}

/** As with Lab's own changes at a restart, the notebook stays as saved as it was. */
function remove(panel: NotebookPanel, cells: readonly ICodeCellModel[]): void {
  const model = panel.content.model;
  const clean = model?.dirty === false;
  for (const cell of cells) {
    cell.sharedModel.setOutputs(cell.sharedModel.getOutputs().filter(output => !isWait(output)));
  }
  if (model && clean && cells.length) {
    model.dirty = false;
  }
}
