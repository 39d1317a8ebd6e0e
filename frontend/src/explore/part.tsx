/** A titled part of the details. Its request may have failed while the others succeeded. */

import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { IDetails } from '../schema';
import { IFault } from '../types';

export interface IPartProps {
  details: IDetails;
  trans: TranslationBundle;
}

export function Part({
  title,
  fault,
  children
}: React.PropsWithChildren<{ title: string; fault?: IFault }>): JSX.Element {
  return (
    <>
      <h4>{title}</h4>
      {fault ? <p>{fault.message}</p> : children}
    </>
  );
}

export function faultProps(details: IDetails, part: string): { fault?: IFault } {
  const fault = details.faults[part];
  return fault ? { fault } : {};
}
