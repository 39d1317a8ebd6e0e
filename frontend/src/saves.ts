/** Saves of one open notebook, one after another: Lab takes the first of two at a time for a change by somebody else. */

import { NotebookPanel } from '@jupyterlab/notebook';

export class Saves {
  constructor(private readonly _panel: NotebookPanel) {
    _panel.context.saveState.connect((_, state) => {
      this._saving = state === 'started';
      if (!this._saving) {
        this._ends.splice(0).forEach(resolve => resolve());
      }
    });
  }

  /** Save what has changed, once every save that is under way is over. */
  save(): Promise<void> {
    const next = this._last.then(() => this._save());
    this._last = next.catch(() => undefined);
    return next;
  }

  private async _save(): Promise<void> {
    while (this._saving) {
      await new Promise<void>(resolve => this._ends.push(resolve));
    }
    if (this._panel.content.model?.dirty) {
      await this._panel.context.save();
    }
  }

  private _saving = false;
  private _ends: (() => void)[] = [];
  private _last: Promise<void> = Promise.resolve();
}
