import React from 'react';

/** Names of datasets differ at their ends: so many characters always show. */
const END = 14;

/** A name on one line. Where it does not fit, its middle is cut; all of it is in the tooltip and for screen readers. */
export function LongName({ text, className }: { text: string; className?: string }): JSX.Element {
  const characters = [...text];
  const split = characters.length > 2 * END ? characters.length - END : characters.length;
  return (
    <span className={`nbrucio-long-name ${className ?? ''}`} title={text}>
      <span>{characters.slice(0, split).join('')}</span>
      {split < characters.length && <span>{characters.slice(split).join('')}</span>}
    </span>
  );
}
