/** The verbs as commands: in the palette, under keyboard shortcuts (schema/plugin.json), and for other extensions. */

import { ICommandPalette } from '@jupyterlab/apputils';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { NotebookData } from './notebookdata';
import { nbrucioIcon } from './icons';
import { ISectionProps } from './section';

export const CommandIDs = {
  show: 'nbrucio:show',
  explore: 'nbrucio:explore',
  sync: 'nbrucio:sync',
  cancel: 'nbrucio:cancel',
  plan: 'nbrucio:plan',
  lock: 'nbrucio:lock',
  check: 'nbrucio:check',
  importAttached: 'nbrucio:import',
  add: 'nbrucio:add'
} as const;

export function addCommands(props: ISectionProps, palette: ICommandPalette | null): void {
  const { app, notebooks, trans, show } = props;
  const category = trans.__('Data (Rucio)');
  const onNotebook = (
    id: string,
    label: string,
    run: (data: NotebookData) => Promise<void>,
    possible: (data: NotebookData) => boolean
  ): void => {
    app.commands.addCommand(id, {
      label,
      isEnabled: () => notebooks.current !== null && possible(notebooks.current),
      execute: async () => {
        if (notebooks.current) {
          show('notebook');
          await run(notebooks.current);
        }
      }
    });
    palette?.addItem({ command: id, category });
  };
  const declared = (data: NotebookData): boolean => data.declaration.requirements.length > 0;
  const idle = (data: NotebookData): boolean => declared(data) && !data.syncing;

  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show the Data of the Notebook'),
    icon: nbrucioIcon,
    execute: () => show('notebook')
  });
  app.commands.addCommand(CommandIDs.explore, {
    label: trans.__('Find Data in Rucio'),
    execute: () => show('explore')
  });
  palette?.addItem({ command: CommandIDs.show, category });
  palette?.addItem({ command: CommandIDs.explore, category });
  onNotebook(CommandIDs.sync, trans.__('Sync Data'), data => data.sync(), idle);
  onNotebook(
    CommandIDs.cancel,
    trans.__('Cancel the Sync'),
    data => data.cancel(),
    data => data.syncing
  );
  onNotebook(CommandIDs.plan, trans.__('Plan a Sync'), data => data.makePlan(), idle);
  onNotebook(
    CommandIDs.lock,
    trans.__('Lock Data'),
    data => data.acts.lock(),
    data => idle(data) && data.writable
  );
  onNotebook(CommandIDs.check, trans.__('Check Data for Changes'), data => data.check(), idle);
  onNotebook(
    CommandIDs.importAttached,
    trans.__('Import Attachments of rucio-jupyterlab'),
    data => data.acts.importAttached(),
    data => data.writable && data.declaration.attached.length > 0
  );
  app.commands.addCommand(CommandIDs.add, {
    label: trans.__('Add Data to the Notebook'),
    isEnabled: () => notebooks.current?.writable ?? false,
    execute: async (args: ReadonlyPartialJSONObject) => {
      const did = args.did;
      if (notebooks.current && typeof did === 'string') {
        const instance = typeof args.instance === 'string' ? args.instance : null;
        return (await notebooks.current.acts.add(did, instance)).handle;
      }
      return null;
    }
  });
}
