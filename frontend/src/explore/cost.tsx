/** What it would cost to have a DID here. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { Api, faultOf } from '../api';
import { ICost } from '../schema';
import { Access, IFault } from '../types';
import { amount, sumsWords } from '../words';
import { Part } from './part';

interface ICostProps {
  api: Api;
  trans: TranslationBundle;
  did: string;
  instance: string | null;
}

export function Cost({ api, trans, did, instance }: ICostProps): JSX.Element {
  const [every, setEvery] = useState(false);
  const [cost, setCost] = useState<ICost | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  useEffect(() => {
    const asked = new AbortController();
    setCost(null);
    api
      .get<ICost>('cost', { did, instance, all: every ? 1 : null }, asked.signal)
      .then(setCost)
      .catch((error: unknown) => asked.signal.aborted || setFault(faultOf(error)));
    return () => asked.abort();
  }, [api, did, instance, every]);
  return (
    <Part title={trans.__('Cost here')} {...(fault ? { fault } : {})}>
      <p className="nbrucio-cost">{cost ? costWords(trans, cost) : trans.__('Asking Rucio…')}</p>
      {cost?.cut && (
        <p>
          {trans.__('Cached files are not counted.')}
          <button className="nbrucio-link" onClick={() => setEvery(true)}>
            {trans.__('Count them')}
          </button>
        </p>
      )}
      {cost?.refusal && <p>{cost.refusal.message}</p>}
    </Part>
  );
}

/** `2 files · 4.6 MB to download, 2 files · 4.6 MB mounted`. */
export function costWords(trans: TranslationBundle, cost: ICost): string {
  const words: [Access, string][] = [
    ['download', trans.__('to download')],
    ['stream', trans.__('to stream')],
    ['mount', trans.__('mounted')],
    ['store', trans.__('cached')],
    ['reread', trans.__('cached, to verify again')],
    ['missing', trans.__('missing: no replica can be read here')]
  ];
  const parts = words.flatMap(([way, what]) => {
    const part = cost.access[way];
    return part?.files ? [`${amount(trans, part.files, part.bytes)} ${what}`] : [];
  });
  const nothing = (['download', 'stream', 'missing'] as const).every(way => !cost.access[way]?.files);
  const first = nothing ? [trans.__('Nothing to download')] : [];
  return `${[...first, ...parts].join(', ')}. ${sumsWords(trans, [cost.sums])}`.trim();
}
