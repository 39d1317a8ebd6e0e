// An identity provider on a free port of loopback. usage: node provider.mjs REDIRECT_URI TOKEN_SECONDS
// It prints its issuer, and accepts any user with any password, as oidc-provider's development pages do.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUri, seconds] = process.argv.slice(2);
const server = http.createServer();

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'rucio',
        client_secret: 'rucio-secret',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirectUri],
        scope: 'openid profile offline_access'
      }
    ],
    scopes: ['openid', 'profile', 'offline_access'],
    // Rucio asks for no consent again, without which offline_access alone would give none.
    issueRefreshToken: async () => true,
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => 'urn:rucio',
        useGrantedResource: async () => true,
        getResourceServerInfo: async () => ({
          scope: 'openid profile offline_access',
          audience: 'rucio',
          accessTokenFormat: 'jwt',
          accessTokenTTL: Number(seconds),
          jwt: { sign: { alg: 'RS256' } }
        })
      }
    }
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
