/** The invalid requirements of a declaration, and edits of them by their number. Pure. */

import { IFault, IStatus } from '../types';
import { entries, IDeclaration, IInvalid, IMetadata, ISelection, KEY, parameterWords } from './declaration';
import { withEntries } from './declarationEdits';
import { isObject, JsonObject } from './json';

/** An invalid requirement with the reason; null before the server has read the saved notebook. */
export interface IRefused extends IInvalid {
  fault: IFault | null;
}

/** A requirement as the user wants it. */
export interface IChoice {
  /** As text; of one that a parameter chooses, that parameter's name in braces. */
  did: string;
  handle: string;
  select: ISelection | null;
  access: string | null;
}

/** The server's reason for refusing an entry; null where it has none, or has read another entry at this place. */
export function refusal(status: IStatus | null): (number: number, handle: string | null) => IFault | null {
  const faults = new Map(status?.invalid.map(one => [one.number, one]));
  return (number, handle) => {
    const found = faults.get(number);
    return found && found.handle === handle ? found.error : null;
  };
}

/** All invalid requirements, in order: those that cannot be read here, and those that the server refuses. */
export function invalidOf(declaration: IDeclaration, status: IStatus | null): IRefused[] {
  const reason = refusal(status);
  const refused = declaration.requirements.filter(one => reason(one.number, one.handle));
  return [...declaration.invalid, ...refused]
    .sort((one, other) => one.number - other.number)
    .map(({ number, did, handle, select, access }) => ({
      ...{ number, did, handle, select, access },
      fault: reason(number, handle)
    }));
}

/** Remove the requirement of this number. */
export function withoutEntry(metadata: IMetadata, number: number): IMetadata {
  return withEntries(
    metadata,
    entries(metadata[KEY]).filter((_, at) => at !== number - 1)
  );
}

/** Replace the parts of the requirement of this number that the panel edits; its other keys stay. */
export function withEntry(metadata: IMetadata, number: number, chosen: IChoice): IMetadata {
  const changed = [...entries(metadata[KEY])];
  const present = changed[number - 1];
  const {
    did,
    handle: _handle,
    select: _select,
    access: _access,
    instance,
    ...rest
  } = isObject(present) ? present : ({} as JsonObject);
  const same = isObject(did) && parameterWords(did) === chosen.did;
  const entry: JsonObject = { did: same ? did : chosen.did, handle: chosen.handle };
  if (typeof instance === 'string') {
    entry.instance = instance;
  }
  if (chosen.select) {
    entry.select = { ...chosen.select };
  }
  if (chosen.access) {
    entry.access = chosen.access;
  }
  changed[number - 1] = { ...entry, ...rest };
  return withEntries(metadata, changed);
}
