/** The verbs of one notebook, one after another, and what the last one has done. */

import { faultOf } from './api';
import { IOutcome } from './outcome';
import { IFault } from './types';

/** The running verb; the server reports syncs itself. */
export type Busy = 'plan' | 'lock' | 'check' | null;

export class Verbs {
  constructor(private readonly _changed: () => void) {}

  busy: Busy = null;
  /** The error of the last verb as a whole; null if it succeeded. */
  fault: IFault | null = null;
  /** The result of the last verb; null if it failed or has nothing to report. */
  outcome: IOutcome | null = null;

  /** Run the verb after those before it. Errors are shown, not thrown. */
  attempt(busy: Busy, verb: () => Promise<void>): Promise<void> {
    this._last = this._last.then(() => this.carryOut(busy, verb));
    return this._last;
  }

  /** Run the verb at once. */
  async carryOut(busy: Busy, verb: () => Promise<void>): Promise<void> {
    this.fault = null;
    this.outcome = null;
    this.busy = busy;
    this._changed();
    try {
      await verb();
    } catch (error) {
      this.fault = faultOf(error);
    }
    this.busy = null;
    this._changed();
  }

  /** Show what was done, unless it failed. */
  report(outcome: IOutcome): void {
    if (!this.fault) {
      this.outcome = outcome;
      this._changed();
    }
  }

  /** Show an error of something that the user did not ask for. */
  fail(error: unknown): void {
    this.fault = faultOf(error);
    this._changed();
  }

  private _last: Promise<void> = Promise.resolve();
}
