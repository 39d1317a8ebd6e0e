/** Where the data of a DID is: a table of RSEs. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { bytes, count } from '../format';
import { IReplicas } from '../schema';
import { faultProps, IPartProps, Part } from './part';
import { stateName } from './states';

export function Replicas({ details, trans }: IPartProps): JSX.Element {
  return (
    <Part title={trans.__('Where the data is')} {...faultProps(details, 'replicas')}>
      {details.replicas.length ? (
        <table className="nbrucio-facts-table">
          <thead className="nbrucio-visually-hidden">
            <tr>
              <th scope="col">{trans.__('RSE')}</th>
              <th scope="col">{trans.__('Files')}</th>
              <th scope="col">{trans.__('Size')}</th>
            </tr>
          </thead>
          <tbody>
            {details.replicas.map(one => (
              <tr key={one.rse}>
                <th scope="row">
                  {one.rse}
                  {marks(trans, one).map(mark => (
                    <span key={mark} className="nbrucio-mark">
                      {mark}
                    </span>
                  ))}
                </th>
                <td>
                  {details.type === 'FILE'
                    ? one.states.map(state => stateName(trans, state)).join(', ')
                    : trans.__('%1 of %2 files', count(one.files), count(one.files_total))}
                </td>
                <td>{bytes(one.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p>{trans.__('No replicas.')}</p>
      )}
      {details.replicas_cut && <p>{trans.__('Only the first datasets of this container were read.')}</p>}
    </Part>
  );
}

function marks(trans: TranslationBundle, { tape, mounted }: IReplicas): string[] {
  return [...(mounted ? [trans.__('mounted here')] : []), ...(tape ? [trans.__('tape')] : [])];
}
