/** The user's edits of what one notebook declares. Each is saved at once, and says what it did. */

import { Clipboard } from '@jupyterlab/apputils';

import { Api, ApiError } from './api';
import { codeFor, renameUses, showCell, writeCode } from './cells';
import * as declarations from './model/declaration';
import * as changes from './model/declarationEdits';
import { proposeHandle } from './model/handles';
import { IChoice, IRefused, withEntry, withoutEntry } from './model/invalid';
import { NotebookData } from './notebookdata';
import { IOutcome } from './outcome';
import { Verbs } from './verbs';

type Change = (metadata: declarations.IMetadata) => declarations.IMetadata;

/** The steps of which edits consist. */
export interface ISteps {
  /** Change the declaration in the open document. */
  write: (change: Change) => void;
  save: () => Promise<void>;
  /** Save, and sync as when a notebook opens. */
  settle: () => Promise<void>;
  /** Save, and sync with the user's consent. */
  sync: () => Promise<void>;
  /** Ask Rucio for changes since the lock. */
  check: () => Promise<unknown>;
}

export class Acts {
  constructor(
    private readonly _data: NotebookData,
    private readonly _api: Api,
    private readonly _verbs: Verbs,
    private readonly _steps: ISteps
  ) {}

  /** Lock the present file lists: of these handles, or all. */
  async lock(handles: readonly string[] = []): Promise<void> {
    await this._verbs.attempt('lock', async () => {
      await this._steps.save();
      const { lock, instances, errors } = await this._api.lock(this._data.path, handles);
      this._steps.write(metadata => changes.withLocks(changes.withInstances(changes.begun(metadata), instances), lock));
      await this._steps.save();
      await this._steps.check();
      const failed = Object.values(errors);
      const reason = failed[0]?.message ?? null;
      return { verb: 'lock', locked: Object.keys(instances).length, failed: failed.length, reason };
    });
  }

  /**
   * Declare a DID under a handle, and download it; adding data is consent.
   *
   * @param cell - also write a cell that reads it, as a part of the same edit
   * @returns the handle, and whether it was declared before: then nothing is changed. Errors are shown, and thrown, too.
   */
  async add(
    did: string,
    instance: string | null = null,
    handle: string | null = null,
    cell = false
  ): Promise<{ handle: string; present: boolean }> {
    let chosen = '';
    let present = false;
    const sync = async (): Promise<IOutcome> => {
      await this._steps.sync();
      return { verb: 'add', handle: chosen, cell };
    };
    const add = async (): Promise<IOutcome> => {
      const found = this._data.handleOf(did, instance);
      if (found !== null) {
        [chosen, present] = [found, true];
        return { verb: 'present', handle: found };
      }
      if (declarations.isFull(this._data.declaration)) {
        throw new ApiError({
          code: 'bad-declaration',
          message: `${did} was not added: a notebook can declare at most 10,000 requirements.`,
          hint: 'Declare a container or dataset in place of its parts, or use another notebook.'
        });
      }
      chosen = handle ?? proposeHandle(did, declarations.names(this._data.declaration));
      const code = cell
        ? await codeFor(this._data.panel, this._api, { handle: chosen, did, instance, select: null })
        : null;
      let at = -1;
      this._steps.write(metadata => {
        at = code === null ? -1 : writeCode(this._data.panel, code);
        return changes.withRequirement(changes.begun(metadata), did, chosen, instance);
      });
      if (at >= 0) {
        showCell(this._data.panel, at);
      }
      return sync();
    };
    await this._verbs.attempt('add', add, sync);
    if (this._verbs.fault) {
      throw new ApiError(this._verbs.fault);
    }
    return { handle: chosen, present };
  }

  /** Write code that reads a handle into the notebook, and make its cell the active one. */
  async insert(handle: string): Promise<void> {
    const one = this._data.declaration.requirements.find(requirement => requirement.handle === handle);
    if (one) {
      await this._verbs.attempt(null, async () => {
        const code = await codeFor(this._data.panel, this._api, one);
        showCell(this._data.panel, writeCode(this._data.panel, code));
        return { verb: 'insert', handle };
      });
    }
  }

  /** Copy code to the clipboard. */
  copy(code: string): void {
    Clipboard.copyToSystem(code);
    this._verbs.report({ verb: 'copy' });
  }

  /** Remove a requirement from the notebook. Its files stay cached. */
  async remove(handle: string): Promise<void> {
    await this._edit(metadata => changes.withoutRequirement(metadata, handle), { verb: 'remove', handle });
  }

  /** Remove an invalid requirement. */
  async removeInvalid({ number, handle }: IRefused): Promise<void> {
    await this._edit(metadata => withoutEntry(metadata, number), { verb: 'remove', handle });
  }

  /** Correct an invalid requirement. */
  async correct({ number, handle: from }: IRefused, chosen: IChoice): Promise<void> {
    const { handle } = chosen;
    await this._edit(metadata => withEntry(metadata, number, chosen), { verb: 'change', from, handle, cells: 0 });
  }

  /** Choose handle, files and access of a requirement, as one edit; the notebook's code follows a new handle. */
  async change(
    handle: string,
    to: string,
    select: declarations.ISelection | null,
    access: string | null
  ): Promise<void> {
    const outcome = { verb: 'change' as const, from: handle, handle: to, cells: 0 };
    await this._edit(metadata => {
      const chosen = changes.withChoice(metadata, handle, select, access);
      if (to === handle) {
        return chosen;
      }
      outcome.cells = renameUses(this._data.panel, handle, to);
      return changes.renamed(chosen, handle, to);
    }, outcome);
  }

  /** Declare what rucio-jupyterlab attached. */
  async importAttached(): Promise<void> {
    const handles = this._data.declaration.attached.map(one => one.handle);
    await this._edit(changes.imported, { verb: 'import', handles });
  }

  /** Change the declaration in the open document and save it; the server then syncs it as when a notebook opens. */
  private async _edit(change: Change, outcome: IOutcome): Promise<void> {
    const settle = async (): Promise<IOutcome> => {
      await this._steps.settle();
      return outcome;
    };
    const edit = (): Promise<IOutcome> => {
      this._steps.write(change);
      return settle();
    };
    await this._verbs.attempt(null, edit, settle);
  }
}
