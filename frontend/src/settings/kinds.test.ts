import { expect, test } from 'vitest';

import { bodyOf, EMPTY, isComplete, pageUrl, savedBodyOf } from './kinds';

const typed = {
  ...EMPTY,
  host: ' rucio.example.org ',
  account: 'jdoe',
  kind: 'userpass' as const,
  fields: { password: ' a b ', client_proxy: '/tmp/x' }
};

test('a form becomes the settings of its kind of login only, and the account is the username', () => {
  expect(bodyOf(typed)).toEqual({
    name: null,
    settings: { host: 'rucio.example.org', auth_type: 'userpass', account: 'jdoe', username: 'jdoe', password: ' a b ' }
  });
});

test('a password is tested and not written', () => {
  expect(savedBodyOf(typed).settings).not.toHaveProperty('password');
  expect(savedBodyOf(typed).settings).toHaveProperty('username', 'jdoe');
});

test('a form is complete with the fields that its kind needs', () => {
  expect(isComplete(typed)).toBe(true);
  expect(isComplete({ ...typed, host: ' ' })).toBe(false);
  expect(isComplete({ ...typed, fields: {} })).toBe(false);
  expect(isComplete({ ...typed, kind: 'x509' })).toBe(false);
  expect(isComplete({ ...typed, kind: 'oidc' })).toBe(true);
});

test('only web pages are offered as links', () => {
  expect(pageUrl('https://rucio.example.org/auth/oidc_redirect?x')).not.toBeNull();
  for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'x', '']) {
    expect(pageUrl(url)).toBeNull();
  }
});
