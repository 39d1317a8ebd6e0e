/** The kinds of login, the fields of each, and an instance's settings made from a form. Pure. */

/** The values of `auth_type`, the most common first. */
export const KINDS = ['x509_proxy', 'userpass', 'oidc', 'x509', 'ssh', 'gss'] as const;
export type Kind = (typeof KINDS)[number];

/** The fields of each kind in the order of the form; those in `NEEDED` must be filled in. */
export const FIELDS: { [kind in Kind]: readonly Field[] } = {
  x509_proxy: ['client_proxy'],
  userpass: ['username', 'password'],
  oidc: ['token_file', 'oidc_audience', 'oidc_issuer'],
  x509: ['client_cert', 'client_key'],
  ssh: ['ssh_private_key'],
  gss: []
};
export type Field =
  | 'client_proxy'
  | 'username'
  | 'password'
  | 'token_file'
  | 'oidc_audience'
  | 'oidc_issuer'
  | 'client_cert'
  | 'client_key'
  | 'ssh_private_key';
const NEEDED: readonly Field[] = ['username', 'password', 'client_cert', 'client_key', 'ssh_private_key'];

/** What is typed in the form. */
export interface IDraft {
  name: string;
  host: string;
  auth_host: string;
  account: string;
  kind: Kind;
  fields: { [field in Field]?: string };
}

export const EMPTY: IDraft = { name: '', host: '', auth_host: '', account: '', kind: 'x509_proxy', fields: {} };

/** The body of `POST instances/test` for this form. */
export function bodyOf(draft: IDraft): { name: string | null; settings: { [key: string]: string } } {
  const settings: { [key: string]: string } = { host: draft.host.trim(), auth_type: draft.kind };
  const add = (key: string, value: string | undefined): void => {
    if (value) {
      settings[key] = value;
    }
  };
  add('auth_host', draft.auth_host.trim());
  add('account', draft.account.trim());
  for (const field of FIELDS[draft.kind]) {
    // A password may begin or end with a space.
    add(field, field === 'password' ? draft.fields[field] : valueOf(draft, field));
  }
  return { name: draft.name.trim() || null, settings };
}

/** The same for `POST instances`: the password is not written, the login saves a token instead. */
export function savedBodyOf(draft: IDraft): ReturnType<typeof bodyOf> {
  const { name, settings } = bodyOf(draft);
  const { password: _password, ...rest } = settings;
  return { name, settings: rest };
}

/** Whether everything that is needed is typed. */
export function isComplete(draft: IDraft): boolean {
  const filled = (field: Field): boolean => Boolean(valueOf(draft, field));
  return Boolean(draft.host.trim()) && FIELDS[draft.kind].filter(one => NEEDED.includes(one)).every(filled);
}

/** The username is the account where it is not typed. */
function valueOf(draft: IDraft, field: Field): string {
  return (draft.fields[field] ?? '').trim() || (field === 'username' ? draft.account.trim() : '');
}

/** The address of a login page, if a browser may open it: it comes from the Rucio server. */
export function pageUrl(url: string): string | null {
  try {
    return ['https:', 'http:'].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}
