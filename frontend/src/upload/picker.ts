/** Lab's dialog for files, with which files and folders to upload are chosen. */

import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';

import { ISectionProps } from '../section';
import { uploadsOf } from './shared';

/** Let the upload form open the dialog. */
export function addPicker(props: ISectionProps, manager: IDocumentManager): void {
  uploadsOf(props).pick = async () => {
    const title = props.trans.__('Files and folders to upload');
    const { button, value } = await FileDialog.getOpenFiles({ manager, title });
    return button.accept ? (value ?? []).map(one => one.path) : [];
  };
}
