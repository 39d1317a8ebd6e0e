/** From a DID to a cell that reads it. */

import { ISectionProps } from '../section';
import { IInstances } from '../types';

/** The name of an instance for notebooks, which means the same on every machine, from its short name here. */
export function writtenFor(instances: IInstances | null, name: string | null): string | null {
  return instances?.instances.find(one => one.name === name)?.written ?? name;
}

/**
 * Declare `did` in the active notebook, download it, and write a cell that reads it. Without an open notebook a new one
 * is made. Data that is declared already gets no second cell.
 *
 * @returns the handle, and whether it was declared before.
 */
export async function addToNotebook(
  { app, notebooks, trans }: ISectionProps,
  did: string,
  instance: string | null,
  handle: string | null
): Promise<{ handle: string; present: boolean }> {
  if (!notebooks.current) {
    const { kernelspecs } = app.serviceManager;
    await kernelspecs.ready;
    // With a kernel named, Lab does not stop to ask for one.
    await app.commands.execute('notebook:create-new', { kernelName: kernelspecs.specs?.default ?? '' });
  }
  const notebook = notebooks.current;
  if (!notebook) {
    throw new Error(trans.__('Open a notebook to add data to it.'));
  }
  await notebook.context.ready;
  return notebook.acts.add(did, instance, handle, true);
}
