/**
 * Saves of one open notebook, one after another: Lab mistakes the first of two concurrent saves for a change by
 * another program.
 */

import { PathExt } from '@jupyterlab/coreutils';

import { ApiError } from './api';
import { NotebookContext } from './document';

/** A room of jupyter-collaboration saves 1 s after the last edit, unless it is set otherwise. */
const ROOM_RESTS_MS = 2000;
const PATIENCE_MS = 6000;
const STEP_MS = 100;
/** Lab's names for the end of a save whose question, on a conflict, was cancelled or is already open. */
const CANCELLED = ['ModalCancelError', 'ModalDuplicateError'];

export class Saves {
  constructor(private readonly _context: NotebookContext) {
    void _context.ready.then(() => {
      _context.model.contentChanged.connect(() => {
        this._edited = Date.now();
      });
    });
    _context.saveState.connect((_, state) => {
      this._saving = state === 'started';
      this._proceed();
    });
    // Lab signals no end of a save that the user cancelled.
    const save = _context.save.bind(_context);
    _context.save = () =>
      save().finally(() => {
        this._saving = false;
        this._proceed();
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
    const { model, contentsModel } = this._context;
    if (model.collaborative) {
      await this._roomRests();
    } else if (model.dirty && contentsModel?.writable !== false) {
      // Where the file may not be written, the panel edits nothing: what is on disk is what is declared.
      await this._context.save().catch((error: Error) => this._refuse(error));
    }
  }

  private _refuse(error: Error): never {
    if (!CANCELLED.includes(error.name)) {
      throw error;
    }
    const name = PathExt.basename(this._context.localPath);
    throw new ApiError({
      code: 'interrupted',
      message: `${name} was not saved: it has changed on disk.`,
      hint: 'Save it, and choose which version to keep.'
    });
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

  private _proceed(): void {
    if (!this._saving) {
      this._ends.splice(0).forEach(resolve => resolve());
    }
  }

  private _edited = 0;
  private _saving = false;
  private _ends: (() => void)[] = [];
  private _last: Promise<void> = Promise.resolve();
}
