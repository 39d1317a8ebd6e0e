/** The result of the last verb on a notebook's data, shown beside its button. */

export type IOutcome =
  | { verb: 'check'; changed: number; failed: number; since: string | null }
  | { verb: 'lock'; locked: number }
  | { verb: 'import'; handles: string[] }
  | { verb: 'add'; handle: string }
  | { verb: 'remove'; handle: string }
  | { verb: 'change'; from: string; handle: string; cells: number }
  | { verb: 'undo' | 'redo' };
