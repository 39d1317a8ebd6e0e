import { expect, it } from 'vitest';

import { IRule } from '../types';
import { awaitsApproval, isUnderWay } from './states';

it.each([
  ['REPLICATING', true, false],
  ['INJECT', true, false],
  ['WAITING_APPROVAL', false, true],
  ['OK', false, false],
  ['STUCK', false, false],
  ['SUSPENDED', false, false]
])('a rule that is %s is under way: %s, and waits for an approval: %s', (state, underWay, waits) => {
  const rule = { state } as IRule;
  expect([isUnderWay(rule), awaitsApproval(rule)]).toEqual([underWay, waits]);
});
