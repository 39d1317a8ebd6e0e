/** The section on the notebook in front: what it declares, and how far that is. */

import { UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { ISectionProps } from '../section';

export function NotebookSection({ notebooks, trans }: ISectionProps): JSX.Element {
  return (
    <UseSignal signal={notebooks.changed}>
      {() => {
        const data = notebooks.current;
        if (!data) {
          return <p className="nbrucio-empty">{trans.__('Open a notebook to see the data that it declares.')}</p>;
        }
        return (
          <ul>
            {data.declaration.requirements.map(one => (
              <li key={one.handle}>
                {one.handle} {one.did}
              </li>
            ))}
          </ul>
        );
      }}
    </UseSignal>
  );
}
