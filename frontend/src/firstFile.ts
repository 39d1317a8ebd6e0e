/** The name of one file of a DID, to choose the code that reads it. */

import { Api } from './api';
import { Hit } from './explore/hits';
import { readRows } from './explore/lines';
import { isReadable } from './model/snippets';

/** Containers of containers of datasets: no experiment nests them deeper. */
const MAX_DEPTH = 4;
/** Nobody waits longer for a better cell. */
const LIMIT_MS = 3000;

/** Ask Rucio for the first file of a DID; null where it has none or does not answer in time. */
export async function firstFile(api: Api, did: string, instance: string | null): Promise<string | null> {
  if (isReadable(did)) {
    return did;
  }
  const asked = new AbortController();
  const timer = setTimeout(() => asked.abort(), LIMIT_MS);
  try {
    return await below(api, did, instance, asked.signal, MAX_DEPTH);
  } catch {
    return null; // the cell shows the files then
  } finally {
    clearTimeout(timer);
  }
}

async function below(
  api: Api,
  did: string,
  instance: string | null,
  signal: AbortSignal,
  depth: number
): Promise<string | null> {
  const first = await firstRow(api, did, instance, signal);
  if (first === null || depth === 0) {
    return null;
  }
  return first[1] === 'FILE' ? first[0] : below(api, first[0], instance, signal, depth - 1);
}

/** The first row of the contents of a DID; the rest is not awaited. */
async function firstRow(api: Api, did: string, instance: string | null, signal: AbortSignal): Promise<Hit | null> {
  const whole = new AbortController();
  const stop = (): void => whole.abort();
  signal.addEventListener('abort', stop);
  let first: Hit | null = null;
  try {
    const response = await api.open('GET', 'contents', { did, instance }, undefined, whole.signal);
    if (response.body) {
      await readRows(response.body, rows => {
        first ??= rows[0] ?? null;
        whole.abort();
      });
    }
  } catch (error) {
    if (first === null) {
      throw error;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return first;
}
