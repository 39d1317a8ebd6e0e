/** The result of the last verb on a notebook's data, shown beside its button. */

import { IChecked } from './model/rows';

export type IOutcome =
  | ({ verb: 'check' } & IChecked)
  | { verb: 'lock'; locked: number; failed: number; reason: string | null }
  | { verb: 'import'; handles: string[] }
  | { verb: 'add'; handle: string; cell: boolean }
  | { verb: 'present'; handle: string }
  /** `handle` is null for an invalid requirement without one. */
  | { verb: 'remove'; handle: string | null }
  | { verb: 'change'; from: string | null; handle: string; cells: number }
  /** Files and bytes that were downloaded; files are null when some downloads failed. */
  | { verb: 'sync'; files: number | null; bytes: number; ready: number; total: number }
  | { verb: 'grant'; handles: string[] }
  | { verb: 'cancel' | 'decline' | 'plan' | 'copy' | 'undo' | 'redo' }
  | { verb: 'insert'; handle: string };
