import { describe, expect, it } from 'vitest';

import { Api } from './api';
import { firstFile } from './firstFile';

/** A server whose `contents` answers these rows by DID, and writes down what it is asked. */
function server(contents: { [did: string]: unknown[][] }, asked: string[]): Api {
  const open = (_method: string, _route: string, query: { did: string }): Promise<Response> => {
    asked.push(query.did);
    const rows = contents[query.did];
    const body = rows && `${rows.length ? `${JSON.stringify(rows)}\n` : ''}{"end": true}\n`;
    return body ? Promise.resolve(new Response(body)) : Promise.reject(new Error('no such DID'));
  };
  return { open } as unknown as Api;
}

const FILE = ['s:a.root', 'FILE', 1, null, false];

describe('the first file of a DID', () => {
  it.each([
    ['a dataset', { 's:x': [FILE, ['s:b.h5', 'FILE', 1, null, false]] }, 's:a.root', 1],
    [
      'a container of containers',
      { 's:x': [['s:y', 'CONTAINER']], 's:y': [['s:z', 'DATASET']], 's:z': [FILE] },
      's:a.root',
      3
    ],
    ['an empty dataset', { 's:x': [] }, null, 1],
    ['a container that holds itself', { 's:x': [['s:x', 'CONTAINER']] }, null, 5],
    ['one that Rucio does not know', {}, null, 1]
  ])('of %s', async (_, contents, found, requests) => {
    const asked: string[] = [];
    expect(await firstFile(server(contents as { [did: string]: unknown[][] }, asked), 's:x', null)).toBe(found);
    expect(asked).toHaveLength(requests);
  });

  it('is itself where its name says enough, without a request', async () => {
    const asked: string[] = [];
    expect(await firstFile(server({}, asked), 's:x.root', null)).toBe('s:x.root');
    expect(asked).toEqual([]);
  });
});
