/** Code that reads declared data, in the language of the notebook's kernel. */

/** By the last extension of a file: the library that reads it, and how. */
const READERS: { [extension: string]: [library: string, read: (handle: string) => string] } = {
  root: ['uproot', handle => `uproot.open(${handle}[0], **${handle}.storage_options).classnames()`],
  parquet: ['pandas', handle => `pandas.read_parquet(${handle}[0])`],
  csv: ['pandas', handle => `pandas.read_csv(${handle}[0])`],
  h5: ['h5py', handle => `list(h5py.File(${handle}[0]))`]
};
READERS.pq = READERS.parquet!;
READERS.hdf5 = READERS.hdf = READERS.h5!;

/**
 * Code of a cell that reads `handle`; languages without a helper name the DID in a comment, which declares it.
 *
 * @param file - the name of one of its files, which selects the library; null when unknown.
 */
export function snippet(handle: string, did: string, language: string, file: string | null = null): string {
  switch (language) {
    case 'python':
    case 'ipython':
      return python(handle, file);
    case 'c++':
    case 'c++11':
    case 'c++14':
    case 'c++17':
    case 'c++20':
      return `// nbrucio: ${did}`;
    default:
      return `# nbrucio: ${did}`;
  }
}

/** Whether a name says what reads the file. */
export function isReadable(file: string): boolean {
  return readerOf(file) !== undefined;
}

function python(handle: string, file: string | null): string {
  const [library, read] = (file !== null && readerOf(file)) || [null, null];
  const declared = `${handle} = nbrucio.data["${handle}"]`;
  if (library !== null) {
    return `import nbrucio\nimport ${library}\n\n${declared}\n${read(handle)}`;
  }
  if (file === null) {
    return `import nbrucio\n\n${declared}\n${handle}`;
  }
  return `import nbrucio\n\n${declared}\nwith open(${handle}[0], "rb") as file:\n    print(file.read(100))\n${handle}`;
}

function readerOf(file: string): (typeof READERS)[string] | undefined {
  // `pool.root.1` is a file of ROOT, and pandas reads `a.csv.gz` as it is.
  const words = file
    .toLowerCase()
    .replace(/\.(\d+|gz|bz2|xz|zst)$/, '')
    .split('.');
  const extension = words.length > 1 ? words[words.length - 1]! : '';
  return Object.prototype.hasOwnProperty.call(READERS, extension) ? READERS[extension] : undefined;
}
