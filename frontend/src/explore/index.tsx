import React from 'react';

import { ISectionProps } from '../section';

export function ExploreSection({ trans }: ISectionProps): JSX.Element {
  return <p className="nbrucio-empty">{trans.__('Not available in this version.')}</p>;
}
