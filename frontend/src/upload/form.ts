/** The upload form and its errors. Pure. */

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

/** The scope to begin with: the user's own, as Rucio names it, else the first; none that Rucio refused. */
export function firstScope(
  scopes: readonly string[],
  account: string | null,
  refused: ReadonlySet<string> = new Set()
): string {
  const allowed = scopes.filter(scope => !refused.has(scope));
  return allowed.find(scope => scope === `user.${account}`) ?? allowed[0] ?? '';
}

/** `paths` and those of `more` that are not among them, as the server calls them: without slashes at their ends. */
export function withPaths(paths: readonly string[], more: readonly string[]): string[] {
  const cleaned = more.map(path => path.trim().replace(/^\/+|\/+$/g, '')).filter(Boolean);
  return [...new Set([...paths, ...cleaned])];
}
