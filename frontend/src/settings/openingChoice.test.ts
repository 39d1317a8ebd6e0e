import { describe, expect, it } from 'vitest';

import { choiceOf, levelsUpTo } from './openingChoice';

describe('what the user chose', () => {
  it.each([
    ['look', 500, { level: 'look', budget_bytes: 500_000_000 }],
    ['off', 0.5, { level: 'off', budget_bytes: 500_000 }],
    [undefined, undefined, { level: null, budget_bytes: null }],
    ['everything', -1, { level: null, budget_bytes: null }]
  ])('%j and %j MB', (onOpen, budget, choice) => expect(choiceOf(onOpen, budget)).toEqual(choice));
});

it('nothing above what is allowed is offered', () => expect(levelsUpTo('look')).toEqual(['off', 'read', 'look']));
