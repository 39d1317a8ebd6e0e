/** From what people type into the search to what the server is asked. Pure. */

/** The kinds of DIDs that a search may be narrowed to, in the server's words. */
export const KINDS = ['collection', 'dataset', 'container', 'file', 'all'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `scope:name` as a pattern: `*` matches anything. A name is searched by its beginning, unless it has a wildcard or
 * ends in a space; without a scope, names that contain the text are searched in every scope.
 */
export function patternOf(text: string): string {
  const typed = text.trimStart();
  const exact = / $/.test(typed);
  const [scope, name] = split(typed.trim());
  if (scope === null) {
    return name.includes('*') ? `*:${name}` : `*:*${name}*`;
  }
  return name.includes('*') || exact ? `${scope}:${name}` : `${scope}:${name}*`;
}

function split(text: string): [scope: string | null, name: string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [null, text] : [text.slice(0, colon) || '*', text.slice(colon + 1)];
}

/** Code that reads a DID without a declaration before: a save declares it. */
export function didSnippet(did: string): string {
  return `nbrucio.data(${JSON.stringify(did)})`;
}
