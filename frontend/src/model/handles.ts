/** Handles: the Python names by which code asks for data. The same rules as in `nbrucio/core/requirement.py`. */

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' ')
);
const MAX_CHARS = 100;

/** Return why a text is not a valid handle; null if it is. */
export type HandleFault = 'no-name' | 'private' | 'taken';

export function handleFault(handle: string, taken: Iterable<string> = []): HandleFault | null {
  const identifier = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u;
  if (handle.length > MAX_CHARS || !identifier.test(handle) || KEYWORDS.has(handle)) {
    return 'no-name';
  }
  if (handle.startsWith('_')) {
    return 'private';
  }
  return new Set(taken).has(handle) ? 'taken' : null;
}

/** A handle made from a DID's name that is not among `taken`. */
export function proposeHandle(did: string, taken: Iterable<string>): string {
  const name = did.slice(did.indexOf(':') + 1);
  const last = name.slice(name.lastIndexOf('/') + 1).split('.root')[0] ?? '';
  const words = last
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  let stem = words.slice(0, 40).replace(/^_+|_+$/g, '') || 'data';
  if (!/^[a-z_]/.test(stem) || KEYWORDS.has(stem)) {
    stem = `data_${stem}`;
  }
  const used = new Set(taken);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? stem : `${stem}_${number}`;
    if (!used.has(candidate)) {
      return candidate;
    }
  }
}

/** Return why a typed text is not a DID; null if it is. */
export function isDid(text: string): boolean {
  const colon = text.indexOf(':');
  const name = text.slice(colon + 1);
  return colon > 0 && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text.slice(0, colon)) && /^\S(.*\S)?$/.test(name);
}
