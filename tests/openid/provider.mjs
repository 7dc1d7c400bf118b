// A real OpenID provider on loopback. Whoever comes is signed in as the person that was set last, without a
// page between; what it answers can be made wrong in one way at a time. It says its port on standard output and
// ends when its standard input does.
//
//   POST /behave {"person": "…", "tenant": "…", "wrong": "audience"}

import http from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, decodeJwt } from 'jose';
import Provider, { interactionPolicy } from 'oidc-provider';

const CLIENT = 'schoolbell';
const SECRET = 'not-a-secret-of-anybody';

let behaviour = { person: 'person-1', tenant: 'school-1', wrong: null };

const key = async (kid) => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } };
};
const [current, withdrawn] = [await key('current'), await key('withdrawn')];

const server = http.createServer();
await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
const issuer = `http://127.0.0.1:${server.address().port}`;

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT,
      client_secret: SECRET,
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: ['http://127.0.0.1/console/openid/work/callback'],
    },
  ],
  jwks: { keys: [current.jwk] },
  claims: { openid: ['sub', 'tid'], email: [], profile: [] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['of-this-run'] },
  interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, tid: behaviour.tenant }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

// The same token with one thing wrong, signed as it should be, or by a key that nobody publishes any more.
const forged = async (token) => {
  const now = Math.floor(Date.now() / 1000);
  const changes = {
    issuer: { iss: 'http://127.0.0.1:1' },
    audience: { aud: 'somebody-else' },
    nonce: { nonce: 'of-another-sign-in' },
    expired: { iat: now - 7200, exp: now - 3600 },
    key: {},
  }[behaviour.wrong];
  const { privateKey, jwk } = behaviour.wrong === 'key' ? withdrawn : current;
  const claims = { ...decodeJwt(token), ...changes };
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: jwk.kid }).sign(privateKey);
};

provider.use(async (ctx, next) => {
  if (behaviour.wrong === 'away') {
    ctx.status = 503;
    return;
  }
  await next();
  if (ctx.path === '/token' && ctx.body?.id_token && behaviour.wrong) {
    ctx.body.id_token = await forged(ctx.body.id_token);
  }
});

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};

const answers = provider.callback();
server.on('request', async (request, response) => {
  if (request.method === 'POST' && request.url === '/behave') {
    behaviour = { ...behaviour, wrong: null, ...JSON.parse(await body(request)) };
    response.writeHead(204).end();
  } else if (request.url.startsWith('/interaction/')) {
    const { prompt } = await provider.interactionDetails(request, response);
    const result = behaviour.wrong === 'denied'
      ? { error: 'access_denied' }
      : { login: { accountId: behaviour.person }, [prompt.name]: {}, select_account: {} };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  } else {
    answers(request, response);
  }
});

console.log(`listening on ${issuer}`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
