/** The uploads of this server as the panel shows them, and the verbs on them. */

import { ISignal, Signal } from '@lumino/signaling';

import { Api, faultOf } from '../api';
import { Events } from '../events';
import { IFault, IRule } from '../types';

export const UPLOAD_EVENT = 'urn:nbrucio:upload-event-1';

export type JobState = 'waiting' | 'uploading' | 'done' | 'failed';

/** One upload as `GET uploads` returns it. Totals are null before they are known. */
export interface IJob {
  id: string;
  state: JobState;
  paths: string[];
  rse: string;
  scope: string;
  dataset: string | null;
  lifetime_s: number | null;
  instance: string | null;
  created: string;
  failed_files: number;
  error: IFault | null;
  files_total: number | null;
  files_done: number;
  bytes_total: number | null;
  bytes_done: number;
}

/** One upload with its log and files, as `GET uploads?id=` returns it. */
export interface IJobDetails extends IJob {
  log: string[];
  files: { path: string; did: string; bytes: number; state: string; error: IFault | null }[];
}

/** The request for an upload. */
export interface IOrder {
  paths: string[];
  rse: string;
  scope: string;
  dataset: string | null;
  lifetime: string | null;
  instance: string | null;
}

/** The scopes and RSEs for an upload, as `GET places` returns them. */
export interface IPlaces {
  account: string | null;
  scopes: string[];
  rses: string[];
}

type JobEvent = Pick<IJob, 'id' | 'state'> & Partial<IJob>;

export class Uploads {
  constructor(
    private readonly _api: Api,
    events: Events
  ) {
    events.on<JobEvent>(UPLOAD_EVENT, event => this._onEvent(event));
  }

  /** Jobs, paths or error have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  jobs: IJob[] = [];
  /** The files and folders of the form, chosen in the file browser. */
  paths: string[] = [];
  /** The error of the last verb; null if it succeeded. */
  fault: IFault | null = null;

  /** Put files or folders into the form. */
  choose(paths: string[]): void {
    this.paths = paths;
    this._changed.emit();
  }

  async refresh(): Promise<void> {
    await this._attempt(async () => {
      this.jobs = (await this._api.get<{ uploads: IJob[] }>('uploads')).uploads;
    });
  }

  /** Start an upload; true if it was started. */
  async start(order: IOrder): Promise<boolean> {
    return this._attempt(async () => {
      this._take(await this._api.post<IJob>('uploads', order));
      this.paths = [];
    });
  }

  async retry(id: string): Promise<void> {
    await this._attempt(async () => this._take(await this._api.post<IJob>('uploads/retry', { id })));
  }

  async cancel(id: string): Promise<void> {
    await this._attempt(async () => void (await this._api.post('uploads/cancel', { id })));
  }

  async forget(id: string): Promise<void> {
    await this._attempt(async () => {
      this.jobs = (await this._api.delete<{ uploads: IJob[] }>('uploads', { id })).uploads;
    });
  }

  /** The log and the files of one job. */
  details(id: string): Promise<IJobDetails> {
    return this._api.get<IJobDetails>('uploads', { id });
  }

  places(instance: string | null): Promise<IPlaces> {
    return this._api.get<IPlaces>('places', { instance });
  }

  async rules(): Promise<IRule[]> {
    return (await this._api.get<{ rules: IRule[] }>('rules')).rules;
  }

  removeRule(id: string): Promise<unknown> {
    return this._api.delete('rules', { id });
  }

  private async _attempt(verb: () => Promise<void>): Promise<boolean> {
    this.fault = null;
    try {
      await verb();
    } catch (error) {
      this.fault = faultOf(error);
    }
    this._changed.emit();
    return this.fault === null;
  }

  private _take(job: IJob): void {
    this.jobs = [job, ...this.jobs.filter(one => one.id !== job.id)];
  }

  private _onEvent(event: JobEvent): void {
    const known = this.jobs.some(one => one.id === event.id);
    if (!known || event.state === 'done' || event.state === 'failed') {
      void this.refresh(); // another tab started it, or an event does not contain everything
      return;
    }
    this.jobs = this.jobs.map(one => (one.id === event.id ? { ...one, ...event } : one));
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
}
