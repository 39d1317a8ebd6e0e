/** The server's REST interface under `nbrucio/`, typed. Login and XSRF are those of the Jupyter server. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { JsonObject } from './model/json';
import { ICancelled, ISyncRequest, ISyncStarted } from './schema';
import { IFault, IGrant, IInstances, IPlan, IStatus } from './types';

/** Texts and numbers of a query; null and undefined leave a key out, a list repeats it. */
export type Query = { [key: string]: string | number | boolean | null | undefined | readonly string[] };

/** An error that the server found; its status is 0 without a response of its own. */
export class ApiError extends Error {
  constructor(
    readonly fault: IFault,
    readonly status = 0
  ) {
    super(fault.message);
  }
}

/** The words and next steps of anything that was thrown. */
export function faultOf(error: unknown): IFault {
  if (error instanceof ApiError) {
    return error.fault;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'connection', message };
}

/** How to sync; without consent of a person, grants decide. */
export type ISyncOptions = Omit<ISyncRequest, 'path'>;

export class Api {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /** The status of a notebook's data; `check` asks Rucio whether locked data has changed. */
  status(path: string, check = false): Promise<IStatus> {
    return this.get<IStatus>('status', { path, check: check ? 1 : null });
  }

  /** The plan of a sync; `exact` asks for the replicas of each file, also of many. */
  plan(path: string, exact: boolean): Promise<IPlan> {
    return this.get<IPlan>('plan', { path, exact: exact ? 1 : null });
  }

  /** Start a sync, or join the one under way if that may do as much. */
  sync(path: string, options: ISyncOptions = {}): Promise<ISyncStarted> {
    return this.post('sync', { path, ...options });
  }

  /** Stop a sync; what has arrived stays. */
  cancel(path: string): Promise<ICancelled> {
    return this.post('cancel', { path });
  }

  /** The locks of these handles or of all, for the open document, their instances, and what could not be resolved. */
  lock(
    path: string,
    handles: readonly string[]
  ): Promise<{
    lock: JsonObject;
    instances: { [handle: string]: string };
    errors: { [handle: string]: IFault };
  }> {
    return this.post('lock', { path, handles });
  }

  /** The configured Rucio servers. */
  instances(): Promise<IInstances> {
    return this.get<IInstances>('instances');
  }

  /** Agree to downloads of a DID up to this size without being asked again. */
  grant(did: string, instance: string | null, maxBytes: number | null): Promise<IGrant> {
    return this.post('grants', { did, instance, max_bytes: maxBytes });
  }

  get<T>(route: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.request<T>('GET', route, query, undefined, signal);
  }

  post<T>(route: string, body: object): Promise<T> {
    return this.request<T>('POST', route, {}, body);
  }

  delete<T>(route: string, body: object): Promise<T> {
    return this.request<T>('DELETE', route, {}, body);
  }

  /** The JSON of a response; throws `ApiError`, or `ServerConnection.NetworkError` without a response. */
  async request<T>(method: string, route: string, query: Query = {}, body?: object, signal?: AbortSignal): Promise<T> {
    const response = await this.open(method, route, query, body, signal);
    return (await response.json()) as T;
  }

  /** A successful response with an unread body, for responses in pieces. */
  async open(method: string, route: string, query: Query = {}, body?: object, signal?: AbortSignal): Promise<Response> {
    const url = URLExt.join(this._settings.baseUrl, 'nbrucio', route) + queryString(query);
    const init: RequestInit = { method, signal: signal ?? null };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    const response = await ServerConnection.makeRequest(url, init, this._settings);
    if (!response.ok) {
      throw await refusal(response);
    }
    return response;
  }
}

function queryString(query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one !== null && one !== undefined) {
        search.append(key, String(one));
      }
    }
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

async function refusal(response: Response): Promise<ApiError> {
  let message = `${response.status} ${response.statusText}`;
  try {
    const answer = (await response.json()) as { error?: IFault; message?: string };
    if (answer.error) {
      return new ApiError(answer.error, response.status);
    }
    message = answer.message || message;
  } catch {
    // A proxy answered with a page of its own: only the status line is known.
  }
  return new ApiError({ code: 'http', message }, response.status);
}
