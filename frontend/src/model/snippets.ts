/** Code that reads declared data, in the language of the notebook's kernel. */

/** What a cell needs to read `handle`; languages without a helper name the DID in a comment, which declares it. */
export function snippet(handle: string, did: string, language: string): string {
  switch (language) {
    case 'python':
    case 'ipython':
      return `import nbrucio\n\n${handle} = nbrucio.data["${handle}"]\n${handle}`;
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
