import { describe, expect, it } from 'vitest';

import { IInstance, IInstances } from '../types';
import { writtenFor } from './addToNotebook';

describe('what a notebook names an instance by', () => {
  const known = { name: 'atlas', written: 'rucio.example:8443#atl' } as IInstance;
  const instances: IInstances = {
    instances: [known],
    faults: [],
    warnings: [],
    fixed: false,
    start: null,
    ways: null
  };

  it('is its URL and VO where it was chosen by its short name', () => {
    expect(writtenFor(instances, 'atlas')).toBe('rucio.example:8443#atl');
  });

  it('is what was chosen where that is not known, and nothing for the default one', () => {
    expect(writtenFor(null, 'other')).toBe('other');
    expect(writtenFor(instances, 'other')).toBe('other');
    expect(writtenFor(instances, null)).toBeNull();
  });
});
