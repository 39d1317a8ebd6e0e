/** What is known of one open notebook's data, and the verbs on it. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, faultOf } from './api';
import { readMetadata, writeMetadata } from './document';
import { Events, ISyncEvent } from './events';
import * as declarations from './model/declaration';
import { proposeHandle } from './model/handles';
import { Rate } from './model/progress';
import { IFault, IPlan, IRun, IStatus } from './types';

/** What is under way besides a sync, which the server tells of itself. */
export type Busy = 'plan' | 'lock' | 'check' | null;

export class NotebookData {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _api: Api,
    events: Events
  ) {
    panel.disposed.connect(this._onDisposed, this);
    events.synced.connect(this._onSynced, this);
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) {
        this._onReady();
      }
    });
  }

  /** Anything below is new. */
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

  declaration: declarations.IDeclaration = declarations.read({});
  status: IStatus | null = null;
  run: IRun | null = null;
  plan: IPlan | null = null;
  busy: Busy = null;
  /** Why the last verb failed as a whole; null when it did not. */
  fault: IFault | null = null;
  /** The user was asked for consent and said "not now". */
  declined = false;
  readonly rate = new Rate();

  get syncing(): boolean {
    return this.run?.state === 'syncing';
  }

  /** Ask the server what is here. */
  async refresh(): Promise<void> {
    if (!this._wanted) {
      return;
    }
    const number = (this._asked += 1);
    try {
      const status = await this._api.status(this.path);
      if (number === this._asked) {
        this.status = status;
        this.run = status.sync;
      }
    } catch (error) {
      if (number === this._asked) {
        this.fault = faultOf(error);
      }
    }
    this._emit();
  }

  /** Bring what is declared. A sync that the user asks for is consent to what it downloads. */
  async sync(): Promise<void> {
    await this._attempt(null, async () => {
      await this._saved();
      this.plan = null;
      this.run = (await this._api.sync(this.path)).sync;
    });
  }

  /** Stop the sync; what has arrived stays. */
  async cancel(): Promise<void> {
    await this._attempt(null, async () => void (await this._api.cancel(this.path)));
  }

  /** Ask what a sync would cost. */
  async makePlan(): Promise<void> {
    await this._attempt('plan', async () => {
      await this._saved();
      this.plan = await this._api.plan(this.path);
    });
  }

  /** Declare a DID under a handle, and bring it; adding it oneself is consent. Returns the handle. */
  async add(did: string, instance: string | null = null, handle: string | null = null): Promise<string> {
    const present = this.declaration.requirements.find(one => one.did === did && one.instance === instance);
    if (present) {
      return present.handle;
    }
    const chosen = handle ?? proposeHandle(did, this.handles);
    this.edit(metadata => declarations.withRequirement(metadata, did, chosen, instance));
    await this.sync();
    return chosen;
  }

  /** The handles that are taken. */
  get handles(): string[] {
    return this.declaration.requirements.map(one => one.handle);
  }

  /** Change the declaration in the open document, so that "undo" takes it back. */
  edit(change: (metadata: declarations.IMetadata) => declarations.IMetadata): void {
    writeMetadata(this.panel, change(readMetadata(this.panel)), true);
  }

  private get _wanted(): boolean {
    const { requirements, attached, unreadable } = this.declaration;
    return requirements.length > 0 || attached.length > 0 || unreadable;
  }

  private async _saved(): Promise<void> {
    if (this.panel.content.model?.dirty) {
      await this.panel.context.save();
    }
  }

  private async _attempt(busy: Busy, verb: () => Promise<void>): Promise<void> {
    this.fault = null;
    this.busy = busy;
    this._emit();
    try {
      await verb();
    } catch (error) {
      this.fault = faultOf(error);
    }
    this.busy = null;
    this._emit();
  }

  private _onReady(): void {
    this.panel.content.model?.metadataChanged.connect(this._onMetadata, this);
    this.panel.content.modelChanged.connect(() => {
      this.panel.content.model?.metadataChanged.connect(this._onMetadata, this);
      this._onMetadata();
    });
    this.panel.context.saveState.connect((_, state) => {
      if (state === 'completed') {
        void this.refresh();
      }
    });
    this.panel.context.pathChanged.connect(() => void this.refresh());
    this._onMetadata();
    void this.refresh();
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
    this.run = run;
    if (run.state === 'syncing') {
      this.rate.add(run.bytes_done ?? 0, Date.now());
      this._emit();
    } else {
      void this.refresh();
    }
  }

  private _onDisposed(): void {
    Signal.clearData(this);
  }

  private _emit(): void {
    if (!this.panel.isDisposed) {
      this._changed.emit();
    }
  }

  private _asked = 0;
  private readonly _changed = new Signal<this, void>(this);
}
