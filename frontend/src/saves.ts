/**
 * Saves of one open notebook, one after another: Lab mistakes the first of two concurrent saves for a change by
 * another program.
 */

import { NotebookPanel } from '@jupyterlab/notebook';

/** A room of jupyter-collaboration saves 1 s after the last edit, unless it is set otherwise. */
const ROOM_RESTS_MS = 2000;
const PATIENCE_MS = 6000;
const STEP_MS = 100;

export class Saves {
  constructor(private readonly _panel: NotebookPanel) {
    void _panel.context.ready.then(() => {
      _panel.content.model?.contentChanged.connect(() => {
        this._edited = Date.now();
      });
    });
    _panel.context.saveState.connect((_, state) => {
      this._saving = state === 'started';
      if (!this._saving) {
        this._ends.splice(0).forEach(resolve => resolve());
      }
    });
  }

  /** Save the changes after every running save has ended. */
  save(): Promise<void> {
    const next = this._last.then(() => this._save());
    this._last = next.catch(() => undefined);
    return next;
  }

  private async _save(): Promise<void> {
    while (this._saving) {
      await new Promise<void>(resolve => this._ends.push(resolve));
    }
    const model = this._panel.content.model;
    if (model?.collaborative) {
      await this._roomRests();
    } else if (model?.dirty) {
      await this._panel.context.save();
    }
  }

  /**
   * With real-time collaboration the server saves shortly after the last edit; a save from here would conflict with
   * it, and Lab would ask which one to keep. The output of a running cell is an edit, too, so the wait is limited.
   */
  private async _roomRests(): Promise<void> {
    const began = Date.now();
    while (Date.now() - this._edited < ROOM_RESTS_MS && Date.now() - began < PATIENCE_MS) {
      await new Promise(resolve => window.setTimeout(resolve, STEP_MS));
    }
  }

  private _edited = 0;
  private _saving = false;
  private _ends: (() => void)[] = [];
  private _last: Promise<void> = Promise.resolve();
}
