/** The files and folders to upload: typed as a path, or chosen in Lab's dialog. */

import { closeIcon, folderIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { LongName } from '../panel/longname';
import { withPaths } from './form';
import { Uploads } from './uploads';

interface IPathsProps {
  uploads: Uploads;
  trans: TranslationBundle;
}

export function Paths({ uploads, trans }: IPathsProps): JSX.Element {
  const [typed, setTyped] = useState('');
  const { paths, pick } = uploads;
  const add = (more: readonly string[]): void => uploads.choose(withPaths(paths, more));
  const addTyped = (): void => {
    add([typed]);
    setTyped('');
  };
  return (
    <div className="nbrucio-choose-paths">
      {paths.length > 0 && (
        <ul className="nbrucio-paths" aria-label={trans.__('To upload')}>
          {paths.map(path => (
            <li key={path}>
              <LongName text={path} />
              <button
                type="button"
                className="nbrucio-button nbrucio-mod-icon"
                aria-label={trans.__('Do not upload %1', path)}
                onClick={() => uploads.choose(paths.filter(one => one !== path))}
              >
                <closeIcon.react tag="span" className="nbrucio-icon" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="nbrucio-path-line">
        <input
          className="nbrucio-input"
          aria-label={trans.__('Path of a file or folder')}
          placeholder={trans.__('folder/file.root')}
          value={typed}
          spellCheck={false}
          onChange={event => setTyped(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && typed.trim()) {
              event.preventDefault(); // Enter adds the path, and does not upload yet
              addTyped();
            }
          }}
        />
        <button type="button" className="nbrucio-button" disabled={!typed.trim()} onClick={addTyped}>
          {trans.__('Add')}
        </button>
        {pick && (
          <button type="button" className="nbrucio-button" onClick={() => void pick().then(add)}>
            <folderIcon.react tag="span" className="nbrucio-icon" />
            {trans.__('Choose…')}
          </button>
        )}
      </div>
    </div>
  );
}
