/** The question for consent that a cell of one notebook waits for. The server knows it; outputs only name it. */

import { Api } from '../api';
import { NotebookContext } from '../document';
import { IAsked, IQuestion } from '../schema';

export const MIME = 'application/vnd.nbrucio.consent+json';

/** The id of the question that an output's data names; null for other outputs. */
export function idIn(data: unknown): string | null {
  const named = (data as { [mime: string]: unknown } | null | undefined)?.[MIME];
  const id = (named as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : null;
}

export class Question {
  constructor(
    private readonly _context: NotebookContext,
    private readonly _api: Api,
    private readonly _changed: (asked: boolean) => void
  ) {
    // Not when the output is rendered: Lab renders outputs that are scrolled into view.
    _context.sessionContext.iopubMessage.connect((_, message) => {
      const id = idIn((message.content as { data?: unknown }).data);
      if (id !== null) {
        void this._answer(id, 'shown');
      }
    });
  }

  /** The question that a cell waits for now; null without one. */
  pending: IQuestion | null = null;

  /** Ask the server, for a page that was loaded after the question. */
  async refresh(): Promise<void> {
    const { question } = await this._api.get<IAsked>('question', { path: this._path });
    this._set(question);
  }

  /** End the wait of the cell. */
  async decline(): Promise<void> {
    const { pending } = this;
    if (pending !== null) {
      this._set(null);
      await this._answer(pending.id, 'declined');
    }
  }

  private async _answer(id: string, answer: 'shown' | 'declined'): Promise<void> {
    try {
      const { question } = await this._api.post<IAsked>('question', { path: this._path, id, answer });
      this._set(answer === 'shown' ? question : null);
    } catch {
      this._set(null); // nobody waits for it any more
    }
  }

  private _set(pending: IQuestion | null): void {
    if (pending?.id !== this.pending?.id && !this._context.isDisposed) {
      this.pending = pending;
      this._changed(pending !== null);
    }
  }

  private get _path(): string {
    return this._context.localPath;
  }
}
