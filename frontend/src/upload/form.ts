/** The upload form: its errors, and the equivalent command. Pure. */

export interface IForm {
  rse: string;
  scope: string;
  dataset: string;
  lifetime: string;
}

export type Field = keyof IForm | 'paths';

/** The fields that cannot be sent as they are. */
export function wrongFields(form: IForm, paths: readonly string[]): Field[] {
  const wrong: Field[] = [];
  if (!paths.length) {
    wrong.push('paths');
  }
  if (!form.rse.trim()) {
    wrong.push('rse');
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(form.scope.trim())) {
    wrong.push('scope');
  }
  if (/\s/.test(form.dataset.trim())) {
    wrong.push('dataset');
  }
  if (form.lifetime.trim() && !/^[1-9]\d{0,5}\s*[hdw]$/i.test(form.lifetime.trim())) {
    wrong.push('lifetime');
  }
  return wrong;
}

/** The scope to begin with: the user's own, as Rucio names it, else the first. */
export function firstScope(scopes: readonly string[], account: string | null): string {
  return scopes.find(scope => scope === `user.${account}`) ?? scopes[0] ?? '';
}

/** `nbrucio upload …`, to do the same in a terminal. */
export function commandOf(form: IForm, paths: readonly string[]): string {
  const words = ['nbrucio', 'upload', ...paths, '--rse', form.rse.trim(), '--scope', form.scope.trim()];
  if (form.dataset.trim()) {
    words.push('--dataset', form.dataset.trim());
  }
  if (form.lifetime.trim()) {
    words.push('--lifetime', form.lifetime.trim());
  }
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'"'"'`)}'`;
}
