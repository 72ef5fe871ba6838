// A complete FAPI 2.0 login by openid-client: discovery, PAR, PKCE, private_key_jwt and DPoP. A person who knows nothing
// but HTML forms takes part. What to do comes as JSON on the standard input; the last line says OK if all was well.

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import * as client from 'openid-client'

const { issuer, clientID, key, redirectURI, identifier, code, email } = JSON.parse(await text(process.stdin))

const privateKey = await crypto.subtle.importKey('jwk', key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const config = await client.discovery(
  new URL(issuer),
  clientID,
  { id_token_signed_response_alg: 'ES256', userinfo_signed_response_alg: 'ES256' },
  client.PrivateKeyJwt({ key: privateKey, kid: key.kid }),
  { execute: [client.enableNonRepudiationChecks] },
)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const authorize = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: redirectURI,
  scope: 'openid email',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}, { DPoP })
assert.deepEqual([...authorize.searchParams.keys()].sort(), ['client_id', 'request_uri'])

const callback = await logIn(authorize)
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
assert.equal(tokens.token_type, 'dpop')
const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
assert.equal(userinfo.email, email)

// The token is worth nothing without the key, and nothing more once the code came a second time.
const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: other }))
await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub))
const introspection = await client.tokenIntrospection(config, tokens.access_token)
assert.equal(introspection.active, true)
assert.equal(introspection.cnf.jkt, await DPoP.calculateThumbprint())
await assert.rejects(
  client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP }),
  (e) => e.error === 'invalid_grant',
)
await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP }))
console.log('OK')

// logIn walks through the pages and returns the URL at which the browser is sent to the client.
async function logIn(url) {
  const cookies = new Map()
  const fields = { identifier, response: code, claim: 'email' }
  let request = { url, method: 'GET' }
  for (let steps = 0; steps < 20; steps++) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
    const response = await fetch(request.url, { method: request.method, body: request.body, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/)
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location) {
      const next = new URL(location, request.url)
      if (next.origin !== new URL(issuer).origin) return next
      request = { url: next, method: 'GET' }
      continue
    }
    const page = await response.text()
    assert.equal(response.status, 200, page)
    request = firstForm(page, request.url, fields)
  }
  throw new Error('the login does not end')
}

// firstForm fills in and sends the first form of a page, which is the one that leads on.
function firstForm(page, url, fields) {
  const [, action, content] = page.match(/<form method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/s)
  const body = new URLSearchParams()
  for (const [input] of content.matchAll(/<input [^>]+>/g)) {
    const name = input.match(/ name="([^"]+)"/)[1]
    const value = input.match(/ value="([^"]*)"/)?.[1] ?? ''
    if (!input.includes('type="checkbox"')) body.set(name, fields[name] ?? value)
    else if (/ checked[ >]/.test(input)) body.append(name, value)
    else if (fields[name] === value) body.append(name, value)
  }
  return { url: new URL(action, url), method: 'POST', body }
}
