/** The uploads of this server as the panel shows them, and the verbs on them. */

import { ISignal, Signal } from '@lumino/signaling';

import { Api, faultOf } from '../api';
import { Events } from '../events';
import { IPlaces, IUploadDetails, IUploadJob, IUploadOrder } from '../schema';
import { IFault, IRule } from '../types';

export const UPLOAD_EVENT = 'urn:nbrucio:upload-event-1';

type JobEvent = Pick<IUploadJob, 'id' | 'state'> & Partial<IUploadJob>;

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

  jobs: IUploadJob[] = [];
  /** The files and folders of the form, chosen in the file browser. */
  paths: string[] = [];
  /** Opens Lab's dialog for files; null where there is none. */
  pick: (() => Promise<string[]>) | null = null;

  /** Scopes that Rucio refused to this user: the form does not offer them again. */
  get refusedScopes(): ReadonlySet<string> {
    return new Set(this.jobs.filter(job => job.error?.subject === job.scope).map(job => job.scope));
  }

  /** The error of the last verb; null if it succeeded. */
  fault: IFault | null = null;

  /** Put files or folders into the form. */
  choose(paths: string[]): void {
    this.paths = paths;
    this._changed.emit();
  }

  async refresh(): Promise<void> {
    await this._attempt(async () => {
      this.jobs = (await this._api.get<{ uploads: IUploadJob[] }>('uploads')).uploads;
    });
  }

  /** Start an upload; true if it was started. */
  async start(order: IUploadOrder): Promise<boolean> {
    return this._attempt(async () => {
      this._take(await this._api.post<IUploadJob>('uploads', order));
      this.paths = [];
    });
  }

  /** Send an ended upload again. Shown as waiting at once: its buttons would act on the run that has ended. */
  async retry(id: string): Promise<void> {
    const before = this.jobs;
    this.jobs = before.map(job => (job.id === id ? { ...job, state: 'waiting', error: null, failures: [] } : job));
    this._changed.emit();
    const isAccepted = await this._attempt(async () => {
      this._take(await this._api.post<IUploadJob>('uploads/retry', { id }));
    });
    if (!isAccepted) {
      this.jobs = this.jobs.map(job => (job.id === id ? (before.find(one => one.id === id) ?? job) : job));
      this._changed.emit();
    }
  }

  async cancel(id: string): Promise<void> {
    await this._attempt(async () => void (await this._api.post('uploads/cancel', { id })));
  }

  async forget(id: string): Promise<void> {
    await this._attempt(async () => {
      this.jobs = (await this._api.delete<{ uploads: IUploadJob[] }>('uploads', { id })).uploads;
    });
  }

  /** The log and the files of one job. */
  details(id: string): Promise<IUploadDetails> {
    return this._api.get<IUploadDetails>('uploads', { id });
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

  private _take(job: IUploadJob): void {
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
