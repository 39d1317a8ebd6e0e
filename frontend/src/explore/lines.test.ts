import { describe, expect, it } from 'vitest';

import { Hit } from './hits';
import { Lines, readRows } from './lines';

const row = (name: string): Hit => [name, 'FILE', 1, 1, false];

async function read(...pieces: string[]): Promise<[Hit[], unknown]> {
  const rows: Hit[] = [];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      pieces.forEach(piece => controller.enqueue(encoder.encode(piece)));
      controller.close();
    }
  });
  return [rows, await readRows(body, some => rows.push(...some))];
}

describe('lines', () => {
  it('are cut wherever the pieces end', () => {
    const lines = new Lines();
    expect(lines.take('{"a"')).toEqual([]);
    expect(lines.take(':1}\n[2]\n[')).toEqual(['{"a":1}', '[2]']);
    expect(lines.take('3]\n\n')).toEqual(['[3]']);
  });
});

describe('rows of an answer', () => {
  it('come in order, up to the end', async () => {
    const text = `${JSON.stringify([row('s:a')])}\n${JSON.stringify([row('s:ü')])}\n{"end":true}\n`;
    expect(await read(text.slice(0, 9), text.slice(9))).toEqual([[row('s:a'), row('s:ü')], null]);
  });

  it('before a fault are kept, and the fault is told', async () => {
    const fault = { code: 'offline', message: 'gone' };
    expect(await read(`${JSON.stringify([row('s:a')])}\n`, `${JSON.stringify({ error: fault })}\n`)).toEqual([
      [row('s:a')],
      fault
    ]);
  });

  it('may be followed by DIDs without size', async () => {
    const unsized = { unsized: ['s:open'], unsized_cut: false };
    const notes: unknown[] = [];
    const text = `${JSON.stringify([row('s:a')])}\n${JSON.stringify(unsized)}\n{"end":true}\n`;
    const body = new Response(text).body as ReadableStream<Uint8Array>;
    expect(
      await readRows(
        body,
        () => undefined,
        note => notes.push(note)
      )
    ).toBeNull();
    expect(notes).toEqual([unsized]);
  });

  it('of an answer without an end are no full answer', async () => {
    const [rows, fault] = await read(`${JSON.stringify([row('s:a')])}\n`);
    expect(rows).toHaveLength(1);
    expect(fault).toMatchObject({ code: 'connection' });
  });
});
