/** The state of one open notebook's data, and the verbs on it. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, ISyncOptions } from './api';
import { insertSnippet, renameUses } from './cells';
import { Question } from './consent/question';
import { mergeDeclaration, readMetadata, writeMetadata } from './document';
import { Direction, Edits } from './edits';
import { Events, IDeclaredEvent, ISyncEvent } from './events';
import * as declarations from './model/declaration';
import { proposeHandle } from './model/handles';
import { JsonObject } from './model/json';
import { Rate } from './model/progress';
import { remembered } from './model/remembered';
import { checked, IRow, ISummary, rowsOf, summaryOf } from './model/rows';
import { withUses } from './model/uses';
import { IOutcome } from './outcome';
import { Saves } from './saves';
import { IFault, IPlan, IRun, IStatus } from './types';
import { Busy, Verbs } from './verbs';

/** Progress is sent several times a second, so that a longer silence means a lost connection. */
const SILENCE_MS = 3000;
/** How often to ask whether the running sync has ended. */
const UNDER_WAY_MS = 300;

type Change = (metadata: declarations.IMetadata) => declarations.IMetadata;

export class NotebookData {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _api: Api,
    events: Events
  ) {
    this._saves = new Saves(panel);
    this.question = new Question(panel, _api, asked => this._onQuestion(asked));
    this.edits = new Edits(panel, direction => this._onReturned(direction));
    panel.disposed.connect(this._onDisposed, this);
    events.synced.connect(this._onSynced, this);
    events.declared.connect(this._onDeclared, this);
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) {
        this._onReady();
      }
    });
  }

  /** Anything below has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The path by which the server knows the notebook. */
  get path(): string {
    return this.panel.context.localPath;
  }

  /** Whether the document may be changed. */
  get writable(): boolean {
    return this.panel.context.contentsModel?.writable !== false && !this.panel.content.model?.readOnly;
  }

  readonly edits: Edits;
  declaration: declarations.IDeclaration = declarations.read({});
  status: IStatus | null = null;
  run: IRun | null = null;
  plan: IPlan | null = null;
  /** The question that a cell waits for. */
  readonly question: Question;
  /** The user answered the question for consent with "Not now". */
  declined = false;
  rate = new Rate();

  get busy(): Busy {
    return this._verbs.busy;
  }

  get fault(): IFault | null {
    return this._verbs.fault;
  }

  get outcome(): IOutcome | null {
    return this._verbs.outcome;
  }

  get syncing(): boolean {
    return this.run?.state === 'syncing';
  }

  get rows(): IRow[] {
    return this._rowsOf(this.declaration, this.status, this.run, this.plan);
  }

  get summary(): ISummary {
    return this._summaryOf(this.rows, this.declaration.invalid, this.status?.totals ?? null);
  }

  /** The handles that are taken. */
  get handles(): string[] {
    return this.declaration.requirements.map(one => one.handle);
  }

  /** Ask the server for the status; with `check` it asks Rucio for changes since the lock. */
  async refresh(check = false): Promise<void> {
    if (!this._wanted) {
      this.status = null;
      this.run = null;
      this._emit();
      return;
    }
    const number = (this._asked += 1);
    const status = await this._api.status(this.path, check);
    if (number === this._asked) {
      this.status = status;
      this.run = status.sync;
      this._emit();
    }
  }

  /** Download the declared data. A sync that the user starts is consent to its downloads, with `once` for this time. */
  async sync(once = false): Promise<void> {
    this._once = once;
    await this._verbs.attempt(null, async () => {
      await this._save();
      this.plan = null;
      await this._start({ once });
    });
  }

  /** Repeat the last sync with the same consent. */
  retry(): Promise<void> {
    return this.sync(this._once);
  }

  /** Consent to these downloads also when a notebook opens later, and start them. */
  async grant(rows: readonly IRow[]): Promise<void> {
    await this._verbs.attempt(null, async () => {
      for (const row of rows) {
        await this._api.grant(row.did, row.instance, row.bytes);
      }
      await this._start({ once: true });
    });
  }

  /** Hide the question until the notebook is opened again or synced. */
  decline(): void {
    this.declined = true;
    void this.question.decline();
    this._emit();
  }

  /** Cancel the sync; downloaded data stays. */
  async cancel(): Promise<void> {
    await this._verbs.carryOut(null, async () => void (await this._api.cancel(this.path)));
  }

  /** Ask for the plan of a sync. */
  async makePlan(): Promise<void> {
    await this._verbs.attempt('plan', async () => {
      await this._save();
      this.plan = await this._api.plan(this.path);
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
      await this.refresh(true);
      this._verbs.outcome = { verb: 'check', ...checked(this.rows) };
    });
  }

  /** Lock the present file lists: of these handles, or all. */
  async lock(handles: readonly string[] = []): Promise<void> {
    await this._verbs.attempt('lock', async () => {
      await this._save();
      const { lock, instances } = await this._api.lock(this.path, handles);
      this._write(metadata =>
        declarations.withLocks(declarations.withInstances(declarations.begun(metadata), instances), lock)
      );
      await this._save();
      await this.refresh(true);
      this._verbs.outcome = { verb: 'lock', locked: Object.keys(instances).length };
    });
  }

  /** The handle under which a DID is declared; null when it is not. */
  handleOf(did: string, instance: string | null = null): string | null {
    return declarations.handleOf(this.declaration, did, instance);
  }

  /** Declare a DID under a handle, and download it; adding data is consent. Returns the handle. */
  async add(did: string, instance: string | null = null, handle: string | null = null): Promise<string> {
    const present = this.handleOf(did, instance);
    if (present !== null) {
      return present;
    }
    const chosen = handle ?? proposeHandle(did, declarations.names(this.declaration));
    this._write(metadata => declarations.withRequirement(declarations.begun(metadata), did, chosen, instance));
    await this.sync();
    this._verbs.report({ verb: 'add', handle: chosen });
    return chosen;
  }

  /** Write code that reads a handle into the notebook, and make its cell the active one. */
  async insert(handle: string): Promise<void> {
    const one = this.declaration.requirements.find(requirement => requirement.handle === handle);
    await (one && insertSnippet(this.panel, this._api, one));
  }

  /** Remove a requirement from the notebook. Its files stay cached. */
  async remove(handle: string): Promise<void> {
    await this._edit(metadata => declarations.withoutRequirement(metadata, handle));
    this._verbs.report({ verb: 'remove', handle });
  }

  /** Choose handle, files and access of a requirement, as one edit; the notebook's code follows a new handle. */
  async change(
    handle: string,
    to: string,
    select: declarations.ISelection | null,
    access: string | null
  ): Promise<void> {
    let cells = 0;
    await this._edit(metadata => {
      const chosen = declarations.withChoice(metadata, handle, select, access);
      if (to === handle) {
        return chosen;
      }
      cells = renameUses(this.panel, handle, to);
      return declarations.renamed(chosen, handle, to);
    });
    this._verbs.report({ verb: 'change', from: handle, handle: to, cells });
  }

  /** Declare what rucio-jupyterlab attached. */
  async importAttached(): Promise<void> {
    const handles = this.declaration.attached.map(one => one.handle);
    await this._edit(declarations.imported);
    this._verbs.report({ verb: 'import', handles });
  }

  /** Whether the last edit can be taken back, or made again, from the panel. */
  can(direction: Direction): boolean {
    return this.writable && this.edits.can(direction);
  }

  /** Declare what the code names. This is no edit of the user, so that "undo" does not undo it. */
  declare(dids: readonly string[]): void {
    writeMetadata(this.panel, withUses(readMetadata(this.panel), dids));
  }

  private get _wanted(): boolean {
    return this.declaration.unreadable || declarations.names(this.declaration).length > 0;
  }

  private _write(change: Change): void {
    this.edits.make(() => writeMetadata(this.panel, change(readMetadata(this.panel))));
  }

  /** Change the declaration in the open document and save it; the server then syncs it as when a notebook opens. */
  private async _edit(change: Change): Promise<void> {
    await this._verbs.attempt(null, async () => {
      this._write(change);
      await this._afterEdit();
    });
  }

  private async _afterEdit(): Promise<void> {
    this.plan = null;
    this.declined = false;
    await this._save();
    if (this._wanted) {
      await this._start({ open: true, again: true });
    }
    await this.refresh();
  }

  /** Undo and redo are saved like the edit itself. */
  private _onReturned(direction: Direction): void {
    void this._verbs.attempt(null, () => this._afterEdit()).then(() => this._verbs.report({ verb: direction }));
  }

  private async _start(options: ISyncOptions): Promise<void> {
    // A sync joins the running one, which may have an older declaration.
    for (await this.refresh(); !options.open && this.syncing; await this.refresh()) {
      await new Promise(resolve => window.setTimeout(resolve, UNDER_WAY_MS));
    }
    this.rate = new Rate();
    const heard = this._heard;
    const { sync } = await this._api.sync(this.path, options);
    // The end of a short sync may arrive before the answer to its start.
    if (heard === this._heard) {
      this.run = sync;
    }
  }

  /** The server reads the file, so that it must be saved first. */
  private _save(): Promise<void> {
    return this._saves.save();
  }

  private _onReady(): void {
    const watch = (): void => {
      this.panel.content.model?.metadataChanged.connect(this._onMetadata, this);
      this._onMetadata();
    };
    this.panel.content.modelChanged.connect(watch);
    this.panel.context.saveState.connect((_, state) => {
      if (state.startsWith('completed')) {
        this._refreshQuietly();
      }
    });
    this.panel.context.pathChanged.connect(this._refreshQuietly, this);
    watch();
    this._refreshQuietly();
  }

  /** Refresh without a request of the user; an error is shown beside the verbs. */
  private _refreshQuietly(): void {
    this.refresh().catch((error: unknown) => this._verbs.fail(error));
  }

  private _onMetadata(): void {
    this.declaration = declarations.read(readMetadata(this.panel));
    this._emit();
  }

  private _onSynced(_: Events, event: ISyncEvent): void {
    if (event.path !== this.path) {
      return;
    }
    const { path: _path, ...run } = event;
    this._heard += 1;
    this.run = run;
    if (run.state === 'syncing') {
      this.rate.add(run.bytes_done ?? 0, Date.now());
      this._emit();
    } else {
      this._refreshQuietly();
    }
  }

  /** The server added data or locks at a save. */
  private _onDeclared(_: Events, event: IDeclaredEvent): void {
    if (event.path === this.path) {
      mergeDeclaration(this.panel, event.declaration as JsonObject);
    }
  }

  /** A cell asks anew also where the user said "Not now" before. */
  private _onQuestion(asked: boolean): void {
    this.declined &&= !asked;
    this._emit();
  }

  /** Events are lost while the browser is not connected: after a silence, ask. */
  private _watch(): void {
    window.clearTimeout(this._silence);
    if (this.syncing) {
      this._silence = window.setTimeout(() => this._refreshQuietly(), SILENCE_MS);
    }
  }

  private _onDisposed(): void {
    window.clearTimeout(this._silence);
    Signal.clearData(this);
  }

  private _emit(): void {
    if (!this.panel.isDisposed) {
      this._watch();
      this._changed.emit();
    }
  }

  private readonly _rowsOf = remembered(rowsOf);
  private readonly _summaryOf = remembered(summaryOf);
  private _once = true;
  private _asked = 0;
  private _heard = 0;
  private readonly _verbs = new Verbs(() => this._emit());
  private readonly _saves: Saves;
  private _silence = 0;
  private readonly _changed = new Signal<this, void>(this);
}
