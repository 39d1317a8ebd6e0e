/** Requirements that fail for the same reason. Pure. */

import { IFault } from '../types';
import { IRow } from './rows';

export interface IFailure {
  /** The first of them. */
  fault: IFault;
  handles: string[];
}

/** The reason of a fault: its code and its words without the names of the requirement. */
function reasonOf(fault: IFault, row: IRow): string {
  return `${fault.code} ${fault.message.split(row.did).join('').split(row.handle).join('')}`;
}

/** The failures that several requirements share, the most frequent first. */
export function sharedFailures(rows: readonly IRow[]): IFailure[] {
  const found = new Map<string, IFailure>();
  for (const row of rows) {
    const fault = row.faults[0];
    if (fault) {
      const reason = reasonOf(fault, row);
      const known = found.get(reason) ?? { fault, handles: [] };
      known.handles.push(row.handle);
      found.set(reason, known);
    }
  }
  return [...found.values()]
    .filter(failure => failure.handles.length > 1)
    .sort((one, other) => other.handles.length - one.handles.length);
}
