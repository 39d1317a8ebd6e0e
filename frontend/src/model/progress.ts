/** The rate of a download, from the server's few progress events a second. */

/** Rates are taken over so much time: long enough to be calm, short enough to follow a change. */
const WINDOW_MS = 4000;

interface ISample {
  atMs: number;
  bytes: number;
}

/** The rate of one sync; feed it every figure of its progress. */
export class Rate {
  private _samples: ISample[] = [];

  /** Note that `bytes` have arrived at the time `atMs`. A smaller figure than before means that a new sync began. */
  add(bytes: number, atMs: number): void {
    const last = this._samples[this._samples.length - 1];
    if (last && bytes < last.bytes) {
      this._samples = [];
    }
    this._samples.push({ atMs, bytes });
    // One sample older than the window stays, so that there is always something to compare with.
    while (this._samples.length > 2 && atMs - (this._samples[1] as ISample).atMs >= WINDOW_MS) {
      this._samples.shift();
    }
  }

  /** Bytes a second; null before two figures are there. */
  get bytesPerSecond(): number | null {
    const first = this._samples[0];
    const last = this._samples[this._samples.length - 1];
    if (!first || !last || last.atMs <= first.atMs) {
      return null;
    }
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }

  /** Seconds until `total` bytes are here; null when that cannot be told. */
  secondsTo(total: number | null | undefined): number | null {
    const last = this._samples[this._samples.length - 1];
    const rate = this.bytesPerSecond;
    if (!last || !rate || total === null || total === undefined) {
      return null;
    }
    return Math.max(0, total - last.bytes) / rate;
  }
}
