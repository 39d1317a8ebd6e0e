import { describe, expect, it } from 'vitest';

import { isReadable, snippet } from './snippets';

describe('the cell that Add writes', () => {
  it.each([
    ['a.root', 'import uproot', 'uproot.open(mu[0], **mu.storage_options).classnames()'],
    ['AOD.pool.root.1', 'import uproot', 'uproot.open(mu[0], **mu.storage_options).classnames()'],
    ['A.ROOT', 'import uproot', 'uproot.open(mu[0], **mu.storage_options).classnames()'],
    ['a.parquet', 'import pandas', 'pandas.read_parquet(mu[0])'],
    ['a.csv', 'import pandas', 'pandas.read_csv(mu[0])'],
    ['a.csv.gz', 'import pandas', 'pandas.read_csv(mu[0])'],
    ['a.h5', 'import h5py', 'list(h5py.File(mu[0]))'],
    ['a.hdf5', 'import h5py', 'list(h5py.File(mu[0]))']
  ])('reads %s with what fits', (file, library, last) => {
    const lines = snippet('mu', 's:mu', 'python', file).split('\n');
    expect(lines).toEqual(['import nbrucio', library, '', 'mu = nbrucio.data["mu"]', last]);
    expect(isReadable(file)).toBe(true);
  });

  it.each(['a.dat', 'root', 'a.constructor', 'a.', 'a.root.tar', '.1'])('reads %s plainly', file => {
    expect(snippet('mu', 's:mu', 'python', file)).toBe(
      'import nbrucio\n\nmu = nbrucio.data["mu"]\nwith open(mu[0], "rb") as file:\n    print(file.read(100))\nmu'
    );
    expect(isReadable(file)).toBe(false);
  });

  it('shows the files where none is known', () => {
    expect(snippet('mu', 's:mu', 'python')).toBe('import nbrucio\n\nmu = nbrucio.data["mu"]\nmu');
  });

  it('names the DID in a comment for other languages', () => {
    expect(snippet('mu', 's:mu', 'r', 'a.root')).toBe('# nbrucio: s:mu');
    expect(snippet('mu', 's:mu', 'c++17', 'a.root')).toBe('// nbrucio: s:mu');
  });
});
