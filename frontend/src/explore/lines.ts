/** Responses of the server in lines of JSON. Pure, except for reading the stream. */

import { ILine, IUnsized } from '../schema';
import { IFault } from '../types';
import { Hit } from './hits';

/** Splits text that arrives in pieces into lines. */
export class Lines {
  /** The lines that this piece completes. */
  take(piece: string): string[] {
    const parts = (this._rest + piece).split('\n');
    this._rest = parts.pop() ?? '';
    return parts.filter(line => line.trim() !== '');
  }

  private _rest = '';
}

/**
 * Read rows as they arrive.
 *
 * @returns the error that ended the response; null at its end.
 */
export async function readRows(
  body: ReadableStream<Uint8Array>,
  take: (rows: Hit[]) => void,
  note: (unsized: IUnsized) => void = () => undefined
): Promise<IFault | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  for (;;) {
    const { value, done } = await reader.read();
    for (const line of lines.take(done ? '\n' : decoder.decode(value, { stream: true }))) {
      const parsed = JSON.parse(line) as ILine;
      if (Array.isArray(parsed)) {
        take(parsed);
      } else if ('unsized' in parsed) {
        note(parsed);
      } else {
        return 'error' in parsed ? parsed.error : null;
      }
    }
    if (done) {
      return { code: 'connection', message: 'The answer broke off before its end.' };
    }
  }
}
