/** What the server says about the data of one notebook: its status, and the sync that is running or was the last. */

import { Api, ISyncOptions } from './api';
import { ISyncEvent } from './events';
import { Rate } from './model/progress';
import { IRun, IStatus } from './types';

/** Progress is sent several times a second, so that a longer silence means a lost connection. */
const SILENCE_MS = 3000;
/** How often to ask whether the running sync has ended. */
const UNDER_WAY_MS = 300;

export class ServerState {
  /**
   * @param path - the notebook, as the server knows it
   * @param wanted - whether the notebook declares anything
   * @param changed - called after each change
   * @param failed - called when a refresh without a request of the user fails
   */
  constructor(
    private readonly _api: Api,
    private readonly _path: () => string,
    private readonly _wanted: () => boolean,
    private readonly _changed: () => void,
    private readonly _failed: (error: unknown) => void
  ) {}

  status: IStatus | null = null;
  run: IRun | null = null;
  rate = new Rate();

  get syncing(): boolean {
    return this.run?.state === 'syncing';
  }

  /** Ask the server for the status; with `check` it asks Rucio for changes since the lock. */
  async refresh(check = false): Promise<void> {
    if (!this._wanted()) {
      this.status = null;
      this.run = null;
      this._changed();
      return;
    }
    const number = (this._asked += 1);
    const status = await this._api.status(this._path(), check);
    if (check || number === this._asked) {
      this.status = check ? status : withChanges(status, this.status);
      this.run = status.sync;
      this._changed();
    }
  }

  /** Refresh without a request of the user. */
  refreshQuietly(): void {
    this.refresh().catch(this._failed);
  }

  /** Start a sync. */
  async start(options: ISyncOptions): Promise<void> {
    // A sync joins the running one, which may have an older declaration.
    for (await this.refresh(); !options.open && this.syncing; await this.refresh()) {
      await new Promise(resolve => window.setTimeout(resolve, UNDER_WAY_MS));
    }
    this.rate = new Rate();
    const heard = this._heard;
    const { sync } = await this._api.sync(this._path(), options);
    // The end of a short sync may arrive before the answer to its start.
    if (heard === this._heard) {
      this.run = sync;
    }
  }

  /** The server reports progress, or the end of a sync. */
  hear(event: ISyncEvent): void {
    const { path: _path, ...run } = event;
    this._heard += 1;
    this.run = run;
    if (run.state === 'syncing') {
      this.rate.add(run.bytes_done ?? 0, Date.now());
      this._changed();
    } else {
      this.refreshQuietly();
    }
  }

  /** Events are lost while the browser is not connected: after a silence, ask. */
  watch(): void {
    this.unwatch();
    if (this.syncing) {
      this._silence = window.setTimeout(() => this.refreshQuietly(), SILENCE_MS);
    }
  }

  unwatch(): void {
    window.clearTimeout(this._silence);
  }

  private _asked = 0;
  private _heard = 0;
  private _silence = 0;
}

/** The status with the changes that the last check found, as only a check asks for them. */
function withChanges(status: IStatus, before: IStatus | null): IStatus {
  const changed = new Map(before?.requirements.filter(one => one.drift).map(one => [one.handle, one]));
  if (!changed.size) {
    return status;
  }
  const requirements = status.requirements.map(one => {
    const found = changed.get(one.handle);
    return found && found.did === one.did && found.digest === one.digest ? { ...one, drift: found.drift } : one;
  });
  return { ...status, requirements };
}
