/** The actions beside an error, by the codes of `nbrucio/errors.py`. Pure. */

import { IFault } from '../types';

export type Fix = 'retry' | 'settings' | 'remove' | 'explore' | 'edit' | 'lock';

const FIXES: { [code: string]: Fix[] } = {
  'bad-did': ['remove', 'explore'],
  'bad-declaration': ['edit'],
  'bad-config': ['settings'],
  'unknown-instance': ['settings'],
  'did-not-found': ['explore', 'remove'],
  'no-replica': ['retry', 'explore', 'edit'],
  'transfer-failed': ['retry'],
  'rucio-refused': ['retry'],
  'no-space': ['settings', 'edit'],
  'over-budget': ['edit', 'settings'],
  credentials: ['settings', 'retry'],
  offline: ['retry'],
  integrity: ['retry'],
  'lock-stale': ['lock'],
  interrupted: ['retry'],
  connection: ['retry']
};

/** The actions of the panel in place of a command, by its first words; it may be called as a module of a Python. */
const COMMANDS: [RegExp, Fix][] = [
  [/(^|-m )nbrucio (sync|plan|status)\b/, 'retry'],
  [/(^|-m )nbrucio lock\b/, 'lock'],
  [/(^|-m )nbrucio (add|search|show|stage)\b|^rucio (replica|rule|did)\b/, 'explore'],
  [/(^|-m )nbrucio (login|config|init|store|doctor|whoami)\b|^(kinit|voms-proxy-init|chmod)\b/, 'settings']
];
/** A command in a text. */
const COMMAND = /`([^`]+)`/g;
/** A command in a text, or the place where one would type it. */
const TERMINAL = /`([^`]* )?(nbrucio|rucio|jupyter|kinit|pip|voms-proxy-init|chmod)[ `]|\bterminal\b/;

export function fixesFor(fault: IFault): Fix[] {
  const inHint = [...(fault.hint ?? '').matchAll(COMMAND)].map(([, text]) => text ?? '');
  const commands = [fault.next_command ?? '', ...inHint];
  const named = COMMANDS.filter(([begin]) => commands.some(text => begin.test(text))).map(([, fix]) => fix);
  return [...new Set([...(FIXES[fault.code] ?? ['retry']), ...named])];
}

/** A text without the sentences that are for a terminal. The panel has buttons instead. */
export function withoutCommands(text: string): string {
  return text
    .split(/(?<=[.;!?])\s+/)
    .filter(sentence => !TERMINAL.test(sentence))
    .join(' ')
    .replace(/;$/, '.')
    .replace(/^./, first => first.toUpperCase());
}

/** The message and the hint of an error. */
export function faultWords(fault: IFault): string {
  return [fault.message, withoutCommands(fault.hint ?? '')].filter(Boolean).join(' ');
}

/** Each message once, the first few; a dataset may miss thousands of files for one reason. */
export function firstFaults(faults: readonly IFault[], most: number): { shown: IFault[]; more: number } {
  const seen = new Map<string, IFault>();
  for (const fault of faults) {
    if (!seen.has(fault.message)) {
      seen.set(fault.message, fault);
    }
  }
  const each = [...seen.values()];
  return { shown: each.slice(0, most), more: Math.max(0, each.length - most) };
}
