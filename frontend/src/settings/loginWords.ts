/** Texts about logins. */

import { TranslationBundle } from '@jupyterlab/translation';

/** A kind of login (`auth_type`), in words; a kind that this version does not know stays as it is. */
export function kindWords(trans: TranslationBundle, kind: string | null): string {
  const words: { [kind: string]: string } = {
    x509_proxy: trans.__('X.509 proxy'),
    userpass: trans.__('Password'),
    oidc: trans.__('Web page or token (OIDC)'),
    x509: trans.__('X.509 certificate'),
    ssh: trans.__('SSH key'),
    gss: trans.__('Kerberos')
  };
  return (kind !== null && words[kind]) || kind || '';
}

/** The credential of a login, in words. */
export function credentialWords(trans: TranslationBundle, kind: string): string {
  const words: { [kind: string]: string } = {
    password: trans.__('password in the configuration'),
    'saved-token': trans.__('token saved by nbrucio'),
    token: trans.__('token'),
    proxy: trans.__('X.509 proxy'),
    certificate: trans.__('X.509 certificate'),
    'ssh-key': trans.__('SSH key'),
    kerberos: trans.__('Kerberos ticket')
  };
  return words[kind] ?? kind;
}
