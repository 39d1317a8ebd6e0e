/** From a DID to a cell that reads it. */

import { ISectionProps } from '../section';
import { IInstances } from '../types';

/** What a notebook names an instance by that was chosen by its short name here, so that it means the same elsewhere. */
export function writtenFor(instances: IInstances | null, name: string | null): string | null {
  return instances?.instances.find(one => one.name === name)?.written ?? name;
}

/**
 * Declare `did` in the notebook in front, bring it, and write a cell that reads it. Without an open notebook a new one
 * is made.
 *
 * @returns the handle.
 */
export async function addToNotebook(
  { app, notebooks, trans }: ISectionProps,
  did: string,
  instance: string | null,
  handle: string | null
): Promise<string> {
  if (!notebooks.current) {
    const { kernelspecs } = app.serviceManager;
    await kernelspecs.ready;
    // With a kernel named, Lab does not stop to ask for one.
    await app.commands.execute('notebook:create-new', { kernelName: kernelspecs.specs?.default ?? '' });
  }
  const notebook = notebooks.current;
  if (!notebook) {
    throw new Error(trans.__('There is no notebook to add it to.'));
  }
  await notebook.panel.context.ready;
  const name = await notebook.add(did, instance, handle);
  notebook.insert(name);
  return name;
}
