import { IScopes } from '../schema';
/** From what people type into the search to what the server is asked. Pure. */

/** The kinds of DIDs that a search may be narrowed to, in the server's words. */
export const KINDS = ['collection', 'dataset', 'container', 'file', 'all'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `scope:name` as a pattern: `*` matches anything. A name is searched by its beginning, unless it has a wildcard or
 * ends in a space; without a scope, names that contain the text are searched in every scope. Nothing is everything,
 * which conditions narrow.
 */
export function patternOf(text: string): string {
  const typed = text.trimStart();
  if (!typed) {
    return '*:*';
  }
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

/** A condition in three parts, of which the middle one is wrong; empty where something is missing. */
export function marked(text: string, [start, end]: readonly [number, number]): [string, string, string] {
  const characters = Array.from(text); // the server counts characters, not UTF-16 units
  const part = (from: number, to?: number): string => characters.slice(from, to).join('');
  return [part(0, start), part(start, end), part(end)];
}

/**
 * Scopes to suggest while a scope is typed: those that begin with the text, then those that contain it, each with the
 * user's own first.
 */
export function suggestedScopes(text: string, { own, scopes }: IScopes, most = 8): string[] {
  const typed = text.trim().toLowerCase();
  if (!typed || text.includes(':')) {
    return [];
  }
  const all = [...own, ...scopes.filter(one => !own.includes(one))];
  const found = all.filter(one => one.toLowerCase().includes(typed));
  const begins = found.filter(one => one.toLowerCase().startsWith(typed));
  return [...begins, ...found.filter(one => !begins.includes(one))].slice(0, most);
}

/** Code that reads a DID without a declaration before: a save declares it. */
export function didSnippet(did: string): string {
  return `nbrucio.data(${JSON.stringify(did)})`;
}
