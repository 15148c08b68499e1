// Makes jwt.json: `node tests/vectors/jwt.mjs tests/vectors/jwt.json`. Each run draws new keys and throws their
// private halves away. Nothing here knows a line of the signer.
import crypto from 'node:crypto'
import fs from 'node:fs'
const now = 1732687781
const b64 = (x) => Buffer.from(x).toString('base64url')
const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsaSmall = crypto.generateKeyPairSync('rsa', { modulusLength: 1024 })
const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ec384 = crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed = crypto.generateKeyPairSync('ed25519')
const other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secret = 'an example secret of more than 32 bytes'
const pem = (k) => k.publicKey.export({ type: 'spki', format: 'pem' })
const jwk = (k, kid, alg) => ({ ...k.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' })
const sign = {
  HS256: (d, key = secret) => crypto.createHmac('sha256', key).update(d).digest(),
  RS256: (d) => crypto.sign('sha256', Buffer.from(d), rsa.privateKey),
  RS512: (d) => crypto.sign('sha512', Buffer.from(d), rsa.privateKey),
  PS256: (d) => crypto.sign('sha256', Buffer.from(d), { key: rsa.privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ES256: (d, k = ec) => crypto.sign('sha256', Buffer.from(d), { key: k.privateKey, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (d) => crypto.sign(null, Buffer.from(d), ed.privateKey),
}
const token = (alg, claims, head = {}, signer = sign[alg]) => {
  const data = b64(JSON.stringify({ alg, typ: 'JWT', ...head })) + '.' + b64(typeof claims === 'string' ? claims : JSON.stringify(claims))
  return data + '.' + b64(signer(data))
}
const good = { sub: 'alice', iss: 'https://login.example.com/', aud: 'uploads', iat: now - 10, exp: now + 600, tenant: 't1', level: 3, admin: false, roles: ['a', 'uploader'], scope: 'read upload' }
const tokens = {
  hs256: token('HS256', good),
  rs256: token('RS256', good, { kid: 'rsa-1' }),
  es256: token('ES256', good, { kid: 'ec-1' }),
  eddsa: token('EdDSA', good, { kid: 'ed-1' }),
  no_kid: token('ES256', good),
  list_of_audiences: token('HS256', { ...good, aud: ['other', 'uploads'] }),
  without_subject: token('HS256', { exp: now + 600 }),
  fraction: token('HS256', { ...good, exp: now + 600.5 }),
}
const flip = (t, part) => { const p = t.split('.'); const c = p[part]; p[part] = (c[0] === 'A' ? 'B' : 'A') + c.slice(1); return p.join('.') }
const hs = (change) => { const c = { ...good, ...change }; for (const k in c) if (c[k] === undefined) delete c[k]; return token('HS256', c) }
const refused = {
  none: [b64('{"alg":"none","typ":"JWT"}') + '.' + b64(JSON.stringify(good)) + '.', 'token_algorithm_not_allowed'],
  none_in_capitals: [b64('{"alg":"NONE"}') + '.' + b64(JSON.stringify(good)) + '.', 'token_algorithm_not_allowed'],
  hs384: [token('HS384', good, {}, (d) => crypto.createHmac('sha384', secret).update(d).digest()), 'token_algorithm_not_allowed'],
  rs512: [token('RS512', good, { kid: 'rsa-1' }), 'token_algorithm_not_allowed'],
  ps256: [token('PS256', good, { kid: 'rsa-1' }), 'token_algorithm_not_allowed'],
  hs256_with_the_public_key_as_secret: [token('HS256', good, { kid: 'rsa-1' }, (d) => sign.HS256(d, pem(rsa))), 'token_signature_invalid'],
  es256_by_another_key: [token('ES256', good, {}, (d) => sign.ES256(d, other)), 'token_signature_invalid'],
  es256_by_a_key_of_its_own: [token('ES256', good, { jwk: jwk(other, 'x', 'ES256') }, (d) => sign.ES256(d, other)), 'token_signature_invalid'],
  es256_as_der: [token('ES256', good, { kid: 'ec-1' }, (d) => crypto.sign('sha256', Buffer.from(d), ec.privateKey)), 'token_signature_invalid'],
  es256_all_zero: [token('ES256', good, { kid: 'ec-1' }, () => Buffer.alloc(64)), 'token_signature_invalid'],
  unsigned: [tokens.hs256.split('.').slice(0, 2).join('.') + '.', 'token_signature_invalid'],
  changed_claims: [flip(tokens.rs256, 1), 'token_signature_invalid'],
  changed_signature: [flip(tokens.eddsa, 2), 'token_signature_invalid'],
  expired: [hs({ exp: now - 61 }), 'token_expired'],
  expired_at_the_last_second: [hs({ exp: now - 60 }), 'token_expired'],
  never_expires: [hs({ exp: undefined }), 'token_claim_missing'],
  not_before: [hs({ nbf: now + 61 }), 'token_not_yet_valid'],
  from_the_future: [hs({ iat: now + 61 }), 'token_not_yet_valid'],
  other_issuer: [hs({ iss: 'https://evil.example/' }), 'token_issuer_not_allowed'],
  issuer_with_a_tail: [hs({ iss: 'https://login.example.com/x' }), 'token_issuer_not_allowed'],
  no_issuer: [hs({ iss: undefined }), 'token_issuer_not_allowed'],
  other_audience: [hs({ aud: 'other' }), 'token_audience_not_allowed'],
  other_audiences: [hs({ aud: ['other', 'uploads2'] }), 'token_audience_not_allowed'],
  no_audience: [hs({ aud: undefined }), 'token_audience_not_allowed'],
  audience_is_an_object: [hs({ aud: { uploads: 1 } }), 'token_audience_not_allowed'],
  other_tenant: [hs({ tenant: 't2' }), 'token_claim_missing'],
  no_tenant: [hs({ tenant: undefined }), 'token_claim_missing'],
  exp_is_text: [hs({ exp: String(now + 600) }), 'token_malformed'],
  exp_is_null: [hs({ exp: null }), 'token_malformed'],
  exp_is_huge_float: [token('HS256', JSON.stringify(good).replace(String(now + 600), '1e300')), 'token_malformed'],
  sub_is_a_number: [hs({ sub: 7 }), 'token_malformed'],
  sub_is_empty: [hs({ sub: '' }), 'token_malformed'],
  claims_are_a_list: [token('HS256', '[]'), 'token_malformed'],
  claims_are_no_json: [token('HS256', 'x'), 'token_malformed'],
  critical: [token('HS256', good, { crit: ['b64'], b64: false }), 'token_malformed'],
  alg_is_a_number: [b64('{"alg":5}') + '.e30.', 'token_malformed'],
  no_alg: [b64('{}') + '.e30.', 'token_malformed'],
  unknown_key: [token('ES256', good, { kid: 'ec-2' }), 'token_key_unknown'],
  two_parts: ['e30.e30', 'token_malformed'],
  four_parts: [tokens.hs256 + '.e30', 'token_malformed'],
  padded: [tokens.hs256.replace('.', '=.'), 'token_malformed'],
  encrypted: ['e30.e30.e30.e30.e30', 'token_malformed'],
  words: ['words', 'token_malformed'],
}
const out = {
  made: 'By node:crypto (Node 20) with keys that were thrown away; see README.md. `now` is the moment at which they are judged.',
  now, secret,
  pem: { rsa: pem(rsa), ec: pem(ec), ed: pem(ed), rsa_1024: pem(rsaSmall), p384: pem(ec384) },
  jwks: { keys: [jwk(rsa, 'rsa-1', 'RS256'), jwk(ec, 'ec-1', 'ES256'), jwk(ed, 'ed-1', 'EdDSA')] },
  rotated: { keys: [jwk(other, 'ec-2', 'ES256')] },
  rotated_token: token('ES256', good, { kid: 'ec-2' }, (d) => sign.ES256(d, other)),
  unusable: [
    { kty: 'oct', kid: 'oct', k: b64(secret) },
    { ...jwk(rsaSmall, 'small', 'RS256') },
    { ...jwk(ec384, 'p384', 'ES384') },
    { ...jwk(rsa, 'enc', 'RS256'), use: 'enc' },
    { ...jwk(rsa, 'ps', 'PS256') },
    { ...jwk(rsa, 'ops', 'RS256'), key_ops: ['sign'] },
    { kty: 'new', kid: 'new' }, 5,
  ],
  tokens, refused: Object.entries(refused).map(([name, [token, code]]) => ({ name, token, code })),
}
fs.writeFileSync(process.argv[2], JSON.stringify(out, null, 2) + '\n')
