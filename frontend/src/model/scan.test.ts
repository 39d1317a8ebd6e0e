import { describe, expect, it } from 'vitest';

import { scan } from './scan';

const IMPORT = 'import nbrucio';

/** The cases of `tests/notebook/test_code_scan.py` that need no constants to be followed. */
const CASES: [string, string[], string[]][] = [
  ['a call with a literal', [IMPORT, "f = nbrucio.data('a:b')"], ['a:b']],
  ['the did by keyword', [IMPORT, "nbrucio.data(did='a:b')"], ['a:b']],
  ['a handle', [IMPORT, "open(nbrucio.data['muons'].path)"], []],
  ['an alias of the module', ['import nbrucio as nr', "nr.data('a:b')"], ['a:b']],
  ['one of several imports', ['import os, nbrucio as nr', "nr.data('a:b')"], ['a:b']],
  ['data imported', ['from nbrucio import data', "data('a:b'); data['h']"], ['a:b']],
  ['data imported in brackets', ['from nbrucio import (\n  data as d,\n)', "d('a:b')"], ['a:b']],
  ['data given a name', [IMPORT, 'rd = nbrucio.data', "rd('a:b')"], ['a:b']],
  ['adjacent literals', [IMPORT, "nbrucio.data('a:'\n 'b')"], ['a:b']],
  ['a call inside of others', [IMPORT, "ROOT.RDataFrame('t', list(nbrucio.data('a:b')))"], ['a:b']],
  ['code that is not reached', [IMPORT, "if False:\n    nbrucio.data('a:b')"], ['a:b']],
  ['top-level await', [IMPORT, "await f(nbrucio.data('a:b'))"], ['a:b']],
  ['twice the same', [IMPORT, 'nbrucio.data("a:b"); nbrucio.data("a:c"); nbrucio.data("a:b")'], ['a:b', 'a:c']],
  ['a line magic', ['%rucio a:b'], ['a:b']],
  ['an assigned line magic', ['files = %rucio a:b  # muons'], ['a:b']],
  ['a cell magic', ['%%rucio\na:b\n# no\na:c'], ['a:b', 'a:c']],
  ['a timed cell', [IMPORT, "%%time\nnbrucio.data('a:b')"], ['a:b']],
  ['a timed line', [IMPORT, "%time nbrucio.data('a:b')"], ['a:b']],
  ['beside other magics', [IMPORT, "%matplotlib inline\n!ls\nx?\ny = !ls\nnbrucio.data('a:b')"], ['a:b']],
  ['an f-string', [IMPORT, "nbrucio.data(f'{scope()}:b')"], []],
  ['a sum', [IMPORT, "nbrucio.data('a:b' + tail)"], []],
  ['a comment', [IMPORT, "# nbrucio.data('a:b')"], []],
  ['a docstring', [IMPORT, "'''nbrucio.data('a:b')\n%rucio a:c\n'''"], []],
  ['a remainder', [IMPORT, 'x = (y\n  %rucio)\n'], []],
  ['texts that look like DIDs', [IMPORT, "t = '12:30'; os.path('x:y'); other.data('a:b')"], []],
  ["another library's data", ['from torch import data', "data('a:b') # rucio"], []],
  ['an attribute of another object', [IMPORT, "my.nbrucio.data('a:b')"], []],
  ['a name that means something else now', ['from nbrucio import data', 'data = {}', "data('a:b')"], []],
  ['a shell cell', [IMPORT, '%%bash\nrucio download a:b'], []],
  ['a shell line', [IMPORT, '!rucio download a:b'], []],
  ['what is no DID', [IMPORT, "nbrucio.data('nocolon'); nbrucio.data(' :x')"], []],
  ['a text that is not closed', [IMPORT, "nbrucio.data('a:b"], []],
  ['no code at all', [], []]
];

describe('a scan finds what is named and nothing else', () => {
  it.each(CASES)('%s', (_, cells, dids) => expect(scan(cells)).toEqual(dids));
});

it.each([
  ['R', '# nbrucio: a:b'],
  ['C++17', '  // nbrucio: a:b'],
  ['julia', 'x\n# nbrucio: a:b\n']
])('in %s a comment names data', (language, comment) =>
  expect(scan([comment, "data('c:d')"], language)).toEqual(['a:b'])
);

it('a comment names no data in Python', () => expect(scan(['# nbrucio: a:b'])).toEqual([]));

it('a long notebook is read in the time of a blink', () => {
  const cells = [
    IMPORT,
    ...Array.from({ length: 2000 }, (_, n) => `x${n} = [${n}, "text ${n}"]  # note\nprint(x${n})`)
  ];
  expect(scan([...cells, "nbrucio.data('a:b')"])).toEqual(['a:b']);
});
