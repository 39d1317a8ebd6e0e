import React from 'react';

export interface IBarProps {
  /** The meaning of the bar, for screen readers. */
  label: string;
  done: number;
  /** Null while it is not known: the bar then only shows that something goes on. */
  total: number | null;
  /** The words for the value, such as "3.1 MB of 8.4 MB". */
  words: string;
}

/** A bar that is true in bytes. */
export function Bar({ label, done, total, words }: IBarProps): JSX.Element {
  const share = total ? Math.min(1, Math.max(0, done / total)) : total === 0 ? 1 : null;
  return (
    <div
      className={`nbrucio-bar${share === null ? ' nbrucio-mod-unknown' : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      aria-valuetext={words}
    >
      <div style={{ width: share === null ? '30%' : `${share * 100}%` }} />
    </div>
  );
}
