/** Texts of the panel that several places show. */

import { TranslationBundle } from '@jupyterlab/translation';

import { bytes, count, duration, rate } from './format';
import { HandleFault } from './model/handles';
import { IRow, ISummary, RowState } from './model/rows';
import { Rate } from './model/progress';
import { IRun, ISums } from './types';

export function files(trans: TranslationBundle, number: number): string {
  return trans._n('%2 file', '%2 files', number, count(number)); // %1 would be the bare number
}

/** `4 files · 8.4 MB`. */
export function amount(trans: TranslationBundle, number: number, size: number | null): string {
  return `${files(trans, number)} · ${bytes(size)}`;
}

/** `3 of 4 ready`. */
export function readiness(trans: TranslationBundle, summary: ISummary): string {
  return trans.__('%1 of %2 ready', count(summary.ready), count(summary.total));
}

/** The text of the chip and the status bar: `3 of 4 ready · 1.2 GB/s`. */
export function statusText(trans: TranslationBundle, summary: ISummary, run: IRun | null, speed: Rate): string {
  const parts = [readiness(trans, summary)];
  const now = speed.bytesPerSecond;
  if (run?.state === 'syncing') {
    parts.push(now ? rate(now) : trans.__('syncing'));
  } else if (summary.attention) {
    parts.push(trans.__('needs attention'));
  }
  return parts.join(' · ');
}

/** `412.0 MB of 1.2 GB · 80.0 MB/s · 12 s left`. */
export function progress(trans: TranslationBundle, run: IRun, speed: Rate): string {
  if (run.files_total === null || run.files_total === undefined) {
    return trans.__('Asking Rucio…');
  }
  const total = run.bytes_total ?? null;
  const parts = [trans.__('%1 of %2', bytes(run.bytes_done ?? 0), bytes(total))];
  const now = speed.bytesPerSecond;
  const left = total === null ? null : speed.secondsTo(total);
  if (now) {
    parts.push(rate(now));
  }
  if (left !== null) {
    parts.push(trans.__('%1 left', duration(left)));
  }
  return parts.join(' · ');
}

export function stateWords(trans: TranslationBundle, state: RowState): string {
  const words: { [state in RowState]: string } = {
    ready: trans.__('Ready'),
    partial: trans.__('Partly downloaded'),
    missing: trans.__('Missing'),
    failed: trans.__('Failed'),
    new: trans.__('Not checked yet'),
    waiting: trans.__('Waiting'),
    syncing: trans.__('Downloading'),
    consent: trans.__('Needs your consent')
  };
  return words[state];
}

/** `Dataset`, `open dataset`, …; nothing before it is known. */
export function typeWords(trans: TranslationBundle, row: IRow): string | null {
  switch (row.type) {
    case 'FILE':
      return trans.__('File');
    case 'DATASET':
      return row.open ? trans.__('Open dataset') : trans.__('Dataset');
    case 'CONTAINER':
      return row.open ? trans.__('Open container') : trans.__('Container');
    default:
      return null;
  }
}

/** How the files of a requirement are obtained, by the word in its declaration; null means that nbrucio chooses. */
export function accessWords(trans: TranslationBundle, access: string | null): string {
  const words: { [access: string]: string } = {
    store: trans.__('Only cached files'),
    mount: trans.__('Only mounted files'),
    download: trans.__('Download'),
    stream: trans.__('Stream'),
    rule: trans.__('Mounted files, by a replication rule'),
    any: trans.__('Download, or stream what does not fit')
  };
  return (access !== null && words[access]) || access || trans.__('Automatic');
}

/** The reason why a text is not a valid handle. */
export function handleFaultWords(trans: TranslationBundle, fault: HandleFault): string {
  return {
    'no-name': trans.__('This is not a valid handle: it must be a Python identifier.'),
    private: trans.__('A handle must not begin with “_”.'),
    taken: trans.__('Another requirement has this handle.')
  }[fault];
}

/** What an estimate by Rucio's sums does not know; empty where each file was looked up. */
export function sumsWords(trans: TranslationBundle, sums: (ISums | null)[]): string {
  const used = sums.filter((one): one is ISums => one !== null);
  const unsure = used.reduce((total, one) => total + one.unsure_files, 0);
  const words = used.length ? [trans.__("By Rucio's sums of replicas.")] : [];
  return [...words, ...(unsure ? [trans.__('They do not show a replica of %1.', files(trans, unsure))] : [])].join(' ');
}
