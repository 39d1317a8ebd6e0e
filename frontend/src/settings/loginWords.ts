/** Texts about logins. */

import { TranslationBundle } from '@jupyterlab/translation';

import { duration, moment } from '../format';

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

/** The end of a login; in its last hour also the time that is left. */
export function untilWords(trans: TranslationBundle, until: string, now = Date.now()): string {
  const left = (new Date(until).getTime() - now) / 1000;
  if (left <= 0) {
    return trans.__('%1, ended', moment(until));
  }
  return left < 3600 ? trans.__('%1, in %2', moment(until), duration(left)) : moment(until);
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
