/** Amounts as people read them, in the same words as nbrucio's command line (`nbrucio/core/text.py`). */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.2 GB`; null is what Rucio does not know. */
export function bytes(size: number | null): string {
  if (size === null) {
    return 'unknown size';
  }
  let value = Math.max(0, size);
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
}

/** `1.2 GB/s`. */
export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** `12,345`, whatever the browser's language, since the words around it are the Lab's. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `8 s`, `3 min`, `2.5 h`: rounded as an estimate deserves. */
export function duration(seconds: number): string {
  if (seconds < 90) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  return seconds < 90 * 60 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** `28 Nov 2026, 14:05`, in the browser's time zone. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}

/** A whole number of bytes from what people type: `500 MB`, `1.5GB`, `2048`; null for anything else. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?)b?\s*$/i.exec(text);
  if (!match) {
    return null;
  }
  const power = ' kmgtpe'.indexOf((match[2] || ' ').toLowerCase());
  const value = Math.round(Number(match[1]) * Math.pow(match[3] ? 1024 : 1000, power));
  return Number.isSafeInteger(value) ? value : null;
}
