/** Declares the DIDs that a notebook's code names. */

import * as declarations from './declaration';
import { proposeHandle } from './handles';

/** The metadata with a requirement for each DID of the code that it lacks; as it is when it cannot be read. */
export function withUses(metadata: declarations.IMetadata, dids: readonly string[]): declarations.IMetadata {
  const { requirements, attached, unreadable } = declarations.read(metadata);
  const known = new Set([...requirements, ...attached].map(one => one.did));
  const missing = unreadable ? [] : dids.filter(one => !known.has(one));
  return missing.reduce((before, did) => {
    const handles = declarations.names(declarations.read(before));
    return declarations.withUse(before, did, proposeHandle(did, handles));
  }, metadata);
}
