/** The user's choice in Lab's settings for opening notebooks, in the server's terms. Pure. */

export const LEVELS = ['off', 'read', 'look', 'fetch'] as const;
export type Level = (typeof LEVELS)[number];

/** The body of `POST opening` for these values of the settings; null leaves it to the operator. */
export function choiceOf(onOpen: unknown, budgetMb: unknown): { level: Level | null; budget_bytes: number | null } {
  const level = LEVELS.find(one => one === onOpen) ?? null;
  const budget = typeof budgetMb === 'number' && budgetMb >= 0 ? Math.round(budgetMb * 1_000_000) : null;
  return { level, budget_bytes: budget };
}

/** The levels that may be chosen where `most` is allowed. */
export function levelsUpTo(most: Level): Level[] {
  return LEVELS.slice(0, LEVELS.indexOf(most) + 1);
}
