/** Responses of the server in lines of JSON. Pure, except for reading the stream. */

import { IFault } from '../types';
import { Hit } from './hits';

/** The last line of a response. */
export interface IEnd {
  end?: true;
  error?: IFault;
}

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
export async function readRows(body: ReadableStream<Uint8Array>, take: (rows: Hit[]) => void): Promise<IFault | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  for (;;) {
    const { value, done } = await reader.read();
    for (const line of lines.take(done ? '\n' : decoder.decode(value, { stream: true }))) {
      const parsed = JSON.parse(line) as Hit[] | IEnd;
      if (Array.isArray(parsed)) {
        take(parsed);
      } else {
        return parsed.error ?? null;
      }
    }
    if (done) {
      return { code: 'connection', message: 'The answer broke off before its end.' };
    }
  }
}
