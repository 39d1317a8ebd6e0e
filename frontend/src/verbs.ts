/** The verbs of one notebook, one after another, and what the last one has done. */

import { faultOf } from './api';
import { IOutcome } from './outcome';
import { IFault } from './types';

/** The running verb; the server reports syncs itself. */
export type Busy = 'plan' | 'lock' | 'check' | 'add' | null;

type Verb = () => Promise<IOutcome | null>;

export class Verbs {
  constructor(private readonly _changed: () => void) {}

  busy: Busy = null;
  /** The error of the last verb as a whole; null if it succeeded. */
  fault: IFault | null = null;
  /** The result of the last verb; null if it failed or has nothing to report. */
  outcome: IOutcome | null = null;
  /** Repeats what failed. */
  again: (() => Promise<void>) | null = null;

  /**
   * Run the verb after those before it. Errors are shown, not thrown.
   *
   * @param verb - returns the result; null when it is reported later
   * @param again - repeats the verb after an error, where not all of it is to be repeated
   */
  attempt(busy: Busy, verb: Verb, again = verb): Promise<void> {
    this._last = this._last.then(() => this.carryOut(busy, verb, again));
    return this._last;
  }

  /** Run the verb at once. */
  async carryOut(busy: Busy, verb: Verb, again = verb): Promise<void> {
    this.fault = null;
    this.outcome = null;
    this.again = null;
    this.busy = busy;
    this._changed();
    try {
      this.outcome = await verb();
    } catch (error) {
      this.fault = faultOf(error);
      this.again = () => this.attempt(busy, again);
    }
    this.busy = null;
    this._changed();
  }

  /** Show what was done. */
  report(outcome: IOutcome): void {
    this.outcome = outcome;
    this._changed();
  }

  /** Show an error of something that the user did not ask for. */
  fail(error: unknown, again: () => Promise<void>): void {
    this.fault = faultOf(error);
    this.again = again;
    this._changed();
  }

  private _last: Promise<void> = Promise.resolve();
}
