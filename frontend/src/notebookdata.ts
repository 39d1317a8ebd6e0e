/** The state of one open notebook's data, and the verbs on it. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { Acts } from './acts';
import { Api } from './api';
import { Question } from './consent/question';
import { mergeDeclaration, NotebookContext, readMetadata, writeMetadata } from './document';
import { Direction, Edits } from './edits';
import { Events, IDeclaredEvent, ISyncEvent } from './events';
import * as declarations from './model/declaration';
import { invalidOf, IRefused } from './model/invalid';
import { Rate } from './model/progress';
import { remembered } from './model/remembered';
import { checked, IRow, ISummary, rowsOf, summaryOf } from './model/rows';
import { IOutcome } from './outcome';
import { Saves } from './saves';
import { ServerState } from './serverstate';
import { IFault, IPlan, IRun, IStatus } from './types';
import { Busy, Verbs } from './verbs';

export class NotebookData {
  /** @param _view - the panel that shows it: of several, the one that was in front last */
  constructor(
    readonly context: NotebookContext,
    private readonly _view: () => NotebookPanel,
    private readonly _api: Api,
    events: Events
  ) {
    const { model } = context;
    this._saves = new Saves(context);
    this._server = new ServerState(
      _api,
      () => this.path,
      () => this._wanted,
      () => this._emit(),
      error => this._verbs.fail(error, () => this._server.refresh())
    );
    this.question = new Question(context, _api, asked => this._onQuestion(asked));
    this.edits = new Edits(model, direction => this._onReturned(direction));
    this.acts = new Acts(this, _api, this._verbs, {
      write: change => this.edits.make(() => writeMetadata(model, change(readMetadata(model)))),
      save: () => this._saves.save(),
      settle: () => this._afterEdit(),
      sync: async () => {
        this._once = false;
        await this._saveAndSync();
        this._reportsEnd = false;
      },
      check: () => this._server.refresh(true)
    });
    context.disposed.connect(this._onDisposed, this);
    events.synced.connect(this._onSynced, this);
    events.declared.connect(this._onDeclared, this);
    void context.ready.then(() => {
      if (!context.isDisposed) {
        this._onReady();
      }
    });
  }

  /** Anything below has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A panel that shows the notebook. */
  get panel(): NotebookPanel {
    return this._view();
  }

  /** The path by which the server knows the notebook. */
  get path(): string {
    return this.context.localPath;
  }

  /** Whether the document may be changed. */
  get writable(): boolean {
    return this.context.contentsModel?.writable !== false && !this.context.model.readOnly;
  }

  readonly id = UUID.uuid4();
  readonly edits: Edits;
  readonly acts: Acts;
  declaration: declarations.IDeclaration = declarations.read({});
  plan: IPlan | null = null;
  /** The question that a cell waits for. */
  readonly question: Question;
  /** The user answered the question for consent with "Not now". */
  declined = false;

  get busy(): Busy {
    return this._verbs.busy;
  }

  get fault(): IFault | null {
    return this._verbs.fault;
  }

  get outcome(): IOutcome | null {
    return this._verbs.outcome;
  }

  get status(): IStatus | null {
    return this._server.status;
  }

  get run(): IRun | null {
    return this._server.run;
  }

  get rate(): Rate {
    return this._server.rate;
  }

  get syncing(): boolean {
    return this._server.syncing;
  }

  get rows(): IRow[] {
    return this._rowsOf(this.declaration, this.status, this.run, this.plan);
  }

  get summary(): ISummary {
    return this._summaryOf(this.rows, this.invalid.length, this.status?.totals ?? null);
  }

  get invalid(): IRefused[] {
    return this._invalidOf(this.declaration, this.status);
  }

  /** The handles that are taken. */
  get handles(): string[] {
    return this.handlesBeside(0);
  }

  /** The handles of all requirements but the one of this number. */
  handlesBeside(number: number): string[] {
    return this.declaration.requirements.filter(one => one.number !== number).map(one => one.handle);
  }

  /** Download the declared data. A sync that the user starts is consent to its downloads, with `once` for this time. */
  async sync(once = false): Promise<void> {
    this._once = once;
    await this._verbs.attempt(null, async () => {
      await this._saveAndSync();
      return null;
    });
  }

  /** Repeat the verb that failed, else the last sync with the same consent. */
  retry(): Promise<void> {
    return this._verbs.again?.() ?? this.sync(this._once);
  }

  /** Consent to these downloads also when a notebook opens later, and start them. */
  async grant(rows: readonly IRow[]): Promise<void> {
    await this._verbs.attempt(null, async () => {
      for (const row of rows) {
        await this._api.grant(row.did, row.instance, row.bytes);
      }
      await this._server.start({ once: true });
      return { verb: 'grant', handles: rows.map(row => row.handle) };
    });
  }

  /** Hide the question until the notebook is opened again or synced. */
  decline(): void {
    this.declined = true;
    void this.question.decline();
    this._verbs.report({ verb: 'decline' });
  }

  /** Cancel the sync; downloaded data stays. */
  async cancel(): Promise<void> {
    await this._verbs.carryOut(null, async () => {
      this._reportsEnd = false;
      await this._api.cancel(this.path);
      return { verb: 'cancel' };
    });
  }

  /** Ask for the plan of a sync; `exact` looks at each of many files. */
  async makePlan(exact = false): Promise<void> {
    await this._verbs.attempt('plan', async () => {
      await this._save();
      this.plan = await this._api.plan(this.path, exact);
      return { verb: 'plan' };
    });
  }

  /** Close the plan. */
  dropPlan(): void {
    this.plan = null;
    this._emit();
  }

  /** Ask Rucio for changes since the lock. */
  async check(): Promise<void> {
    await this._verbs.attempt('check', async () => {
      await this._save();
      await this._server.refresh(true);
      return { verb: 'check', ...checked(this.rows) };
    });
  }

  /** The handle under which a DID is declared; null when it is not. */
  handleOf(did: string, instance: string | null = null): string | null {
    return declarations.handleOf(this.declaration, did, instance);
  }

  /** Whether the last edit can be taken back, or made again, from the panel. */
  can(direction: Direction): boolean {
    return this.writable && this.edits.can(direction);
  }

  private get _wanted(): boolean {
    return this.declaration.unreadable || declarations.names(this.declaration).length > 0;
  }

  private async _afterEdit(): Promise<void> {
    this.plan = null;
    this.declined = false;
    await this._save();
    if (this._wanted) {
      await this._server.start({ open: true, again: true });
    }
    await this._server.refresh();
  }

  private async _saveAndSync(): Promise<void> {
    await this._save();
    this.plan = null;
    await this._server.start({ once: this._once });
    this._reportsEnd = true;
  }

  /** Undo and redo are saved like the edit itself. */
  private _onReturned(direction: Direction): void {
    void this._verbs.attempt(null, async () => {
      await this._afterEdit();
      return { verb: direction };
    });
  }

  /** The server reads the file, so that it must be saved first. */
  private _save(): Promise<void> {
    return this._saves.save();
  }

  private _onReady(): void {
    this.context.model.metadataChanged.connect(this._onMetadata, this);
    this.context.saveState.connect((_, state) => {
      if (state.startsWith('completed')) {
        this._server.refreshQuietly();
      }
    });
    this.context.pathChanged.connect(() => this._server.refreshQuietly());
    this._onMetadata();
    this._server.refreshQuietly();
  }

  private readonly _onMetadata = (): void => {
    this.declaration = declarations.read(readMetadata(this.context.model));
    this._emit();
  };

  private readonly _onSynced = (_: Events, event: ISyncEvent): void => {
    if (event.path === this.path) {
      this._server.hear(event);
    }
  };

  /** The server added data or locks at a save. */
  private readonly _onDeclared = (_: Events, event: IDeclaredEvent): void => {
    if (event.path === this.path) {
      mergeDeclaration(this.context.model, event.declaration, event.attachments ?? []);
    }
  };

  /** A cell asks anew also where the user said "Not now" before. */
  private _onQuestion(asked: boolean): void {
    this.declined &&= !asked;
    this._emit();
  }

  /** Report the end of a sync that the user started, once its status is known. */
  private _reportEnd(): void {
    const { run, summary } = this;
    if (this._reportsEnd && run && !this.syncing && this.status?.sync === run) {
      this._reportsEnd = false;
      const failed = Object.keys(run.errors ?? {}).length > 0;
      if (run.state === 'done') {
        const files = failed ? null : (run.files_total ?? 0);
        const { ready, total } = summary;
        this._verbs.outcome ??= { verb: 'sync', files, bytes: run.bytes_done ?? 0, ready, total };
      }
    }
  }

  private readonly _onDisposed = (): void => {
    this._server.unwatch();
    Signal.clearData(this);
  };

  private _emit(): void {
    if (!this.context.isDisposed) {
      this._server.watch();
      this._reportEnd();
      this._changed.emit();
    }
  }

  private readonly _rowsOf = remembered(rowsOf);
  private readonly _summaryOf = remembered(summaryOf);
  private readonly _invalidOf = remembered(invalidOf);
  private _once = true;
  /** The user started the running sync, and waits for its result. */
  private _reportsEnd = false;
  private readonly _verbs = new Verbs(() => this._emit());
  private readonly _saves: Saves;
  private readonly _server: ServerState;
  private readonly _changed = new Signal<this, void>(this);
}
