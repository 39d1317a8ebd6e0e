/** The actions beside an error, by the codes of `nbrucio/errors.py`. Pure. */

import { IFault } from '../types';

export type Fix = 'retry' | 'settings' | 'remove' | 'explore' | 'edit' | 'lock';

const FIXES: { [code: string]: Fix[] } = {
  'bad-did': ['remove', 'explore'],
  'bad-declaration': ['edit'],
  'bad-config': ['settings'],
  'unknown-instance': ['settings'],
  'did-not-found': ['explore', 'remove'],
  'no-replica': ['retry', 'edit'],
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

export function fixesFor(fault: IFault): Fix[] {
  return FIXES[fault.code] ?? ['retry'];
}

/** The command to copy; null where the panel has a button for it. */
export function commandFor(fault: IFault): string | null {
  const command = fault.next_command ?? null;
  return command !== null && /^nbrucio (sync|plan|lock|add|remove|status)\b/.test(command) ? null : command;
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
