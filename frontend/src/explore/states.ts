/** The states of replicas and rules in the words of Rucio's WebUI, and the progress of a rule. */

import { TranslationBundle } from '@jupyterlab/translation';

import { count } from '../format';
import { IRule } from '../types';

/** The state of a replica or rule. */
export function stateName(trans: TranslationBundle, state: string): string {
  const words: { [state: string]: string } = {
    AVAILABLE: trans.__('Available'),
    UNAVAILABLE: trans.__('Unavailable'),
    COPYING: trans.__('Copying'),
    BAD: trans.__('Bad'),
    BEING_DELETED: trans.__('Being Deleted'),
    TEMPORARY_UNAVAILABLE: trans.__('Temporary Unavailable'),
    OK: trans.__('OK'),
    REPLICATING: trans.__('Replicating'),
    STUCK: trans.__('Stuck'),
    SUSPENDED: trans.__('Suspended'),
    WAITING_APPROVAL: trans.__('Waiting'),
    INJECT: trans.__('Inject')
  };
  return words[state] ?? trans.__('Unknown');
}

/** Rucio still works on this rule. */
export function isUnderWay(rule: IRule): boolean {
  return ['REPLICATING', 'INJECT'].includes(rule.state);
}

/** Nothing happens to this rule until the owner of its RSE approves it, which takes days. */
export function awaitsApproval(rule: IRule): boolean {
  return rule.state === 'WAITING_APPROVAL';
}

/**
 * `2 of 4 files OK, 1 stuck`. Rucio counts the files of a rule some time after they are added; until then it is the number
 * of files in the DID, if that is known.
 */
export function ruleProgress(trans: TranslationBundle, rule: IRule): string {
  const counted = rule.ok + rule.replicating + rule.stuck;
  if (!counted) {
    return typeof rule.files === 'number'
      ? trans._n(
          '%2 file, not counted by Rucio yet',
          '%2 files, not counted by Rucio yet',
          rule.files,
          count(rule.files)
        )
      : trans.__('Files not counted by Rucio yet');
  }
  const ok = trans.__('%1 of %2 files OK', count(rule.ok), count(counted));
  return rule.stuck ? trans.__('%1, %2 stuck', ok, count(rule.stuck)) : ok;
}
