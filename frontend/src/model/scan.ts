/**
 * Find the DIDs that code names literally, quickly enough for the moment in which a notebook is saved.
 *
 * It is the small sister of `nbrucio/notebook/code_scan.py`, which scans again on the server, follows constants and
 * loops, and finds unused requirements. That one finds every DID that this one finds, so the open document contains
 * them before it is written.
 */

import { isDid } from './handles';

/** Cell and line magics that run Python. */
const RUNS_PYTHON = new Set(['time', 'timeit', 'capture', 'prun']);
const DIRECTIVE = /^[ \t]*(?:#|\/\/|--|;|%)+[ \t]*nbrucio:[ \t]*(\S+)[ \t]*$/gm;
const LINE_MAGIC = /[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?%(\w+)[ \t]*([^\n]*)/y;
const SHELL = /[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?![^\n]*/y;
const TOKEN =
  /(?<space>[ \t\f]+|\\\n)|(?<comment>#[^\n]*)|(?<newline>\n)|(?<prefix>[A-Za-z]{0,2})(?<quote>'''|"""|'|")|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<op>[\s\S])/uy;
const MAX_CHARS = 200_000;

interface IToken {
  kind: 'name' | 'text' | 'op' | 'newline' | 'magic';
  text: string;
}

/** The DIDs that code cells name, in the order of first use, each once. */
export function scan(sources: readonly string[], language = 'python'): string[] {
  const python = ['python', 'python3', 'ipython'].includes(language.toLowerCase());
  const found = new Set<string>();
  const names = { modules: new Set<string>(), datas: new Set<string>() };
  // Without the word there is nothing to find; that is true of most notebooks that are saved.
  const sought = sources.some(source => source.includes('rucio')) ? sources : [];
  for (const source of sought) {
    const dids = python ? inPython(source, names) : [...source.matchAll(DIRECTIVE)].map(match => match[1] ?? '');
    dids.filter(isDid).forEach(did => found.add(did));
  }
  return [...found];
}

interface INames {
  modules: Set<string>;
  datas: Set<string>;
}

function inPython(source: string, names: INames): string[] {
  if (source.length > MAX_CHARS) {
    return [];
  }
  const cell = /^\s*%%(\w+)[ \t]*([^\n]*)\n?/.exec(source);
  if (cell) {
    const body = source.slice(cell[0].length);
    if (cell[1] === 'rucio') {
      return [...words(cell[2] ?? ''), ...body.split('\n').flatMap(line => words(line).slice(0, 1))];
    }
    return RUNS_PYTHON.has(cell[1] ?? '') ? inPython(body, names) : [];
  }
  return inTokens(tokens(source), names);
}

function words(line: string): string[] {
  return (line.split(/(?:^|\s)#/)[0] ?? '').split(/\s+/).filter(Boolean);
}

/** The tokens of a cell; of a text that is no plain literal only that it is there. */
function tokens(source: string): IToken[] {
  const found: IToken[] = [];
  let depth = 0;
  let at = 0;
  let fresh = true;
  while (at < source.length) {
    if (fresh && depth === 0) {
      const [magic, end] = magicAt(source, at);
      if (end > at) {
        found.push(...magic, { kind: 'newline', text: '\n' });
        at = end;
        fresh = false;
        continue;
      }
    }
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(source)?.groups ?? {};
    at = TOKEN.lastIndex;
    fresh = false;
    if (groups.quote !== undefined) {
      const end = endOfText(source, at, groups.quote);
      const text = source.slice(at, end);
      const plain = /^[ru]?$/i.test(groups.prefix ?? '') && !text.includes('\\');
      found.push(plain ? { kind: 'text', text } : { kind: 'op', text: '"' });
      at = end + groups.quote.length;
    } else if (groups.name !== undefined) {
      found.push({ kind: 'name', text: groups.name });
    } else if (groups.newline !== undefined) {
      fresh = true;
      if (depth === 0) {
        found.push({ kind: 'newline', text: '\n' });
      }
    } else if (groups.op !== undefined) {
      depth = Math.max(0, depth + ('([{'.includes(groups.op) ? 1 : ')]}'.includes(groups.op) ? -1 : 0));
      found.push({ kind: 'op', text: groups.op });
    }
  }
  return found;
}

/** What a line magic or a shell line at this place stands for, and where it ends; the same place when there is none. */
function magicAt(source: string, at: number): [IToken[], number] {
  LINE_MAGIC.lastIndex = at;
  const magic = LINE_MAGIC.exec(source);
  if (magic) {
    const [, name = '', line = ''] = magic;
    const found: IToken[] =
      name === 'rucio' ? words(line).map(text => ({ kind: 'magic', text })) : RUNS_PYTHON.has(name) ? tokens(line) : [];
    return [found, LINE_MAGIC.lastIndex];
  }
  SHELL.lastIndex = at;
  return SHELL.exec(source) ? [[], SHELL.lastIndex] : [[], at];
}

function endOfText(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') {
      at += 1;
    } else if (source.startsWith(quote, at)) {
      return at;
    } else if (source[at] === '\n' && quote.length === 1) {
      return at; // not closed: the cell is no valid Python, and the rest of it is read as if it were
    }
  }
  return source.length;
}

function inTokens(list: IToken[], names: INames): string[] {
  const found: string[] = [];
  const is = (at: number, text: string): boolean => list[at]?.text === text && list[at]?.kind !== 'text';
  const starts = (at: number): boolean => at === 0 || list[at - 1]?.kind === 'newline' || is(at - 1, ';');
  for (let at = 0; at < list.length; at += 1) {
    const token = list[at] as IToken;
    if (token.kind === 'magic') {
      found.push(token.text);
    }
    if (token.kind !== 'name' || is(at - 1, '.')) {
      continue;
    }
    if (token.text === 'import' || token.text === 'from') {
      readImport(list, at, names);
      continue;
    }
    if (starts(at) && is(at + 1, '=') && !is(at + 2, '=')) {
      rebind(list, at, names);
    }
    const after = endOfData(list, at, names);
    if (after !== null && is(after, '(')) {
      found.push(...argument(list, after + 1));
    }
  }
  return found;
}

/** The place after `nbrucio.data` under any of its names; null when there is something else. */
function endOfData(list: IToken[], at: number, names: INames): number | null {
  const token = list[at];
  if (token?.kind !== 'name') {
    return null;
  }
  if (names.datas.has(token.text)) {
    return at + 1;
  }
  const attribute = list[at + 1]?.text === '.' && list[at + 2]?.text === 'data';
  return names.modules.has(token.text) && attribute ? at + 3 : null;
}

/** The one argument that is a text: alone, in pieces, or as `did=`. */
function argument(list: IToken[], from: number): string[] {
  let at = from;
  if (list[at]?.text === 'did' && list[at + 1]?.text === '=') {
    at += 2;
  }
  let text = '';
  const first = at;
  while (list[at]?.kind === 'text') {
    text += list[at]?.text ?? '';
    at += 1;
  }
  if (list[at]?.text === ',') {
    at += 1;
  }
  return at > first && list[at]?.text === ')' ? [text] : [];
}

/** `import nbrucio as n`, `from nbrucio import data as d`. */
function readImport(list: IToken[], from: number, names: INames): void {
  let module = '';
  let at = from;
  if (list[at]?.text === 'from') {
    for (at += 1; at < list.length && list[at]?.text !== 'import' && list[at]?.kind !== 'newline'; at += 1) {
      module += list[at]?.text ?? '';
    }
  } else if (list[at - 1] && list[at - 1]?.kind !== 'newline' && list[at - 1]?.text !== ';') {
    return; // the second half of `from … import`
  }
  let part: string[] = [];
  for (at += 1; at <= list.length; at += 1) {
    const token = list[at];
    if (token && token.kind === 'name') {
      part.push(token.text);
    } else if (!token || token.kind === 'newline' || token.text === ',' || token.text === ';') {
      bindImport(module, part, names);
      part = [];
      if (!token || token.kind === 'newline' || token.text === ';') {
        return;
      }
    } else if (token.text === '.') {
      part.push('.');
    }
  }
}

function bindImport(module: string, part: string[], names: INames): void {
  const [name = '', as, alias] = part;
  const bound = as === 'as' && alias ? alias : name;
  names.datas.delete(bound);
  names.modules.delete(bound);
  if (module === 'nbrucio' && name === 'data') {
    names.datas.add(bound);
  } else if (module === '' && name === 'nbrucio') {
    names.modules.add(bound);
  }
}

/** `name = …`: a name that means something else now, or one more name of `nbrucio.data`. */
function rebind(list: IToken[], at: number, names: INames): void {
  const name = (list[at] as IToken).text;
  const end = endOfData(list, at + 2, names);
  const isData = end !== null && (list[end] === undefined || list[end]?.kind === 'newline');
  names.modules.delete(name);
  names.datas.delete(name);
  if (isData) {
    names.datas.add(name);
  }
}
