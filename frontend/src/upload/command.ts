/** "Upload to Rucio…" in the context menu of the file browser. */

import { IFileBrowserFactory } from '@jupyterlab/filebrowser';

import { nbrucioIcon } from '../icons';
import { ISectionProps } from '../section';
import { uploadsOf } from './shared';

export const UPLOAD_COMMAND = 'nbrucio:upload';

/** Add the command; `browsers` knows which files are chosen. */
export function addUpload(props: ISectionProps, browsers: IFileBrowserFactory): void {
  const { app, trans, show } = props;
  const chosen = (): string[] => {
    const items = browsers.tracker.currentWidget?.selectedItems();
    return items ? Array.from(items, item => item.path) : [];
  };
  app.commands.addCommand(UPLOAD_COMMAND, {
    label: trans.__('Upload to Rucio…'),
    icon: nbrucioIcon,
    isVisible: () => chosen().length > 0,
    execute: () => {
      uploadsOf(props).choose(chosen());
      show('upload');
    }
  });
  app.contextMenu.addItem({
    command: UPLOAD_COMMAND,
    selector: '.jp-DirListing-item[data-isdir]',
    rank: 9
  });
}
