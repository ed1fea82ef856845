// A bot signs its requests with an API key: within its scopes, its addresses and its life, each request
// once.
import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, generateKeyPairSync, randomBytes, sign as signWith } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Trader, problem, startConfigured, temporaryFolder } from './harness.mjs'

let gateway
let trader
const folder = temporaryFolder()

before(async () => {
  gateway = await startConfigured(
    { listen: '{public: {port: 0}, admin: {port: 0}, trustedProxies: [127.0.0.1, 198.51.100.9]}' }, { folder })
  trader = await new Trader(gateway, 'harbor').onboard('20000')
})
after(() => gateway?.stop())

// A bot: everything it knows is its key.
class Bot {
  constructor(host, id, signer) {
    Object.assign(this, { host, id, signer })
  }

  // Two requests in one millisecond are told apart only by their time stamps.
  now() {
    this.last = Math.max(Date.now(), (this.last ?? 0) + 1)
    return this.last
  }

  headers(method, path, body = '', { at = this.now(), ...more } = {}) {
    const text = Buffer.from(`${at}${method}${path}${body}`)
    return { 'X-Api-Key': this.id, 'X-Api-Timestamp': String(at), 'X-Api-Signature': this.signer(text), ...more }
  }

  call(method, path, body, more) {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return this.send(method, path, text, this.headers(method, path, text, more))
  }

  send(method, path, body, headers) {
    return gateway.call(method, path, { host: this.host, body, headers })
  }

  async ok(method, path, body, more) {
    const answer = await this.call(method, path, body, more)
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }

  async refused(status, code, method, path, body, more) {
    return problem(await this.call(method, path, body, more), status, code)
  }
}

const hmac = (secret) => (text) => createHmac('sha256', secret).update(text).digest('hex')

async function makeBot(body = {}, by = trader) {
  const key = await by.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read', 'trade'], ...body })
  return Object.assign(new Bot(by.host, key.id, hmac(key.secret)), { key })
}

describe('an HMAC key', () => {
  test('reads and trades as the account that made it', async () => {
    const bot = await makeBot({ name: 'grid' })
    assert.match(bot.key.secret, /^[0-9a-f]{64}$/)
    const account = await bot.ok('GET', '/v1/account')
    assert.equal(account.address, trader.address)
    const order = await bot.ok('POST', '/v1/orders', { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '20000', leverage: 2 })
    assert.equal(order.status, 'resting')
    const listed = await bot.ok('GET', '/v1/orders?symbol=BTC')
    assert.ok(listed.data.some((o) => o.id === order.id))
    assert.deepEqual((await bot.ok('DELETE', '/v1/orders?symbol=BTC')).results.length, 1)
  })

  test('the secret is shown once', async () => {
    const bot = await makeBot()
    const { data } = await trader.ok('GET', '/v1/api-keys')
    const listed = data.find((k) => k.id === bot.id)
    assert.deepEqual(listed.scopes, ['read', 'trade'])
    assert.equal(listed.type, 'hmac')
    assert.ok(!JSON.stringify(data).includes(bot.key.secret))
    assert.ok(!gateway.program.stderr.includes(bot.key.secret))
  })

  test('another method, path, query, body or time is not what was signed', async () => {
    const bot = await makeBot()
    const path = '/v1/orders?symbol=BTC'
    const headers = bot.headers('GET', path)
    for (const [method, other, body, change] of [
      ['DELETE', path],
      ['GET', '/v1/orders?symbol=ETH'],
      ['GET', '/v1/orders'],
      ['GET', `${path}&`],
      ['GET', '/v1/positions'],
      ['GET', path, undefined, { 'X-Api-Timestamp': String(Number(headers['X-Api-Timestamp']) + 1) }],
      ['GET', path, undefined, { 'X-Api-Signature': headers['X-Api-Signature'].replace(/^./, (c) => (c === '0' ? '1' : '0')) }],
    ])
      problem(await bot.send(method, other, body, { ...headers, ...change }), 401, 'unauthorized')
    const order = JSON.stringify({ symbol: 'BTC', side: 'buy', type: 'market', notional: '100' })
    const signed = bot.headers('POST', '/v1/orders/preview', order)
    problem(await bot.send('POST', '/v1/orders/preview', order.replace('100', '900'), signed), 401, 'unauthorized')
    assert.equal((await bot.send('POST', '/v1/orders/preview', order, signed)).status, 200)
    assert.equal((await bot.send('GET', path, undefined, headers)).status, 200, 'and nothing wrong with it as it was')
  })

  test('the query is signed with reserved characters plain or encoded', async () => {
    const bot = await makeBot()
    for (const query of ['symbol=xyz:TSLA', 'symbol=xyz%3ATSLA', 'limit=1&symbol=BTC', 'symbol=a%20b', ''])
      assert.ok((await bot.ok('GET', `/v1/fills${query && '?'}${query}`)).data, query)
  })

  test('so is the path, whichever way the query is', async () => {
    const bot = await makeBot()
    for (const path of ['xyz:TSLA', 'xyz%3ATSLA'])
      for (const query of ['', '?of=xyz:TSLA', '?of=xyz%3ATSLA']) {
        await bot.refused(404, 'not_found', 'GET', `/v1/positions/${path}${query}`)
        const signed = bot.headers('GET', `/v1/positions/${path}${query}`)
        problem(await bot.send('GET', `/v1/positions/xyz:GOLD${query}`, undefined, signed), 401, 'unauthorized')
      }
  })

  test('a request is taken once', async () => {
    const bot = await makeBot()
    const body = JSON.stringify({ symbol: 'ETH', side: 'buy', type: 'limit', size: '0.01', price: '1000', leverage: 2 })
    const headers = bot.headers('POST', '/v1/orders', body)
    assert.equal((await bot.send('POST', '/v1/orders', body, headers)).status, 200)
    problem(await bot.send('POST', '/v1/orders', body, headers), 401, 'unauthorized')
    problem(await bot.send('POST', '/v1/orders', body, { ...headers, 'X-Api-Window': '60000' }), 401, 'unauthorized')
    problem(await bot.send('POST', '/v1/orders', body, { ...headers, 'X-Api-Signature': headers['X-Api-Signature'].toUpperCase() }), 401, 'unauthorized')
    assert.equal((await bot.ok('DELETE', '/v1/orders?symbol=ETH')).results.length, 1, 'one order, not two')
  })

  test('the window is five seconds, or as asked for up to sixty', async () => {
    const bot = await makeBot()
    const { time } = await gateway.call('GET', '/v1/time', { host: trader.host }).then((a) => a.json)
    const p = await bot.refused(401, 'unauthorized', 'GET', '/v1/positions', undefined, { at: time - 8000 })
    assert.match(p.detail, /behind the time here/)
    await bot.refused(401, 'unauthorized', 'GET', '/v1/positions', undefined, { at: time + 8000 })
    await bot.ok('GET', '/v1/positions', undefined, { at: time + 8000, 'X-Api-Window': '30000' })
    await bot.refused(401, 'unauthorized', 'GET', '/v1/positions', undefined, { 'X-Api-Window': '60001' })
    const early = await bot.refused(401, 'unauthorized', 'GET', '/v1/positions', undefined, { at: time - 50000, 'X-Api-Window': '60000' })
    assert.match(early.detail, /before this gateway started|behind/)
  })
})

describe('an Ed25519 key', () => {
  test('signs what its public key checks', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'jwk' }).x
    const key = await trader.ok('POST', '/v1/api-keys', {
      type: 'ed25519', scopes: ['read'], publicKey: Buffer.from(raw, 'base64url').toString('hex'),
    })
    assert.equal(key.secret, undefined)
    assert.equal(key.publicKey, Buffer.from(raw, 'base64url').toString('hex'))
    const bot = new Bot(trader.host, key.id, (text) => signWith(null, text, privateKey).toString('hex'))
    assert.equal((await bot.ok('GET', '/v1/account')).address, trader.address)
    const stranger = generateKeyPairSync('ed25519').privateKey
    const thief = new Bot(trader.host, key.id, (text) => signWith(null, text, createPrivateKey(stranger.export({ type: 'pkcs8', format: 'pem' }))).toString('hex'))
    await thief.refused(401, 'unauthorized', 'GET', '/v1/account')
    const confused = new Bot(trader.host, key.id, hmac(key.publicKey))
    await confused.refused(401, 'unauthorized', 'GET', '/v1/account')
  })
})

describe('what a key may not', () => {
  test('scopes are what the route asks for', async () => {
    const reader = await makeBot({ scopes: ['read'] })
    const order = { symbol: 'BTC', side: 'buy', type: 'market', notional: '100', leverage: 2 }
    await reader.ok('GET', '/v1/positions')
    await reader.ok('POST', '/v1/orders/preview', order)
    await reader.refused(403, 'forbidden', 'POST', '/v1/orders', order)
    await reader.refused(403, 'forbidden', 'DELETE', '/v1/orders')
    await reader.refused(403, 'forbidden', 'PUT', '/v1/positions/BTC/leverage', { leverage: 3 })
    const dealer = await makeBot({ scopes: ['trade'] })
    await dealer.refused(403, 'forbidden', 'GET', '/v1/positions')
    await dealer.ok('PUT', '/v1/positions/BTC/leverage', { leverage: 4 })
  })

  test('only a session of the wallet makes keys, agents and approvals', async () => {
    const bot = await makeBot()
    await bot.refused(403, 'forbidden', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })
    await bot.refused(403, 'forbidden', 'GET', '/v1/api-keys')
    await bot.refused(403, 'forbidden', 'DELETE', `/v1/api-keys/${bot.id}`)
    await bot.refused(403, 'forbidden', 'POST', '/v1/agent', {})
    await bot.refused(403, 'forbidden', 'DELETE', '/v1/agent')
    await bot.refused(403, 'forbidden', 'POST', '/v1/auth/logout', {})
  })

  test('addresses outside its list', async () => {
    const bot = await makeBot({ ipAllow: ['192.0.2.0/24', '2001:db8::1'] })
    assert.deepEqual(bot.key.ipAllow, ['192.0.2.0/24', '2001:db8::1'])
    await bot.refused(403, 'forbidden', 'GET', '/v1/positions')
    await bot.ok('GET', '/v1/positions', undefined, { 'X-Forwarded-For': '192.0.2.77' })
    await bot.ok('GET', '/v1/positions', undefined, { 'X-Forwarded-For': '192.0.3.1, 2001:db8::1' })
    const p = await bot.refused(403, 'forbidden', 'GET', '/v1/positions', undefined, { 'X-Forwarded-For': '192.0.2.77, 192.0.3.1' })
    assert.match(p.detail, /192\.0\.3\.1/)
    // Through two proxies of the operator's, the client is whom the outer one names.
    await bot.ok('GET', '/v1/positions', undefined, { 'X-Forwarded-For': '192.0.3.1, 192.0.2.77, 198.51.100.9' })
    const q = await bot.refused(403, 'forbidden', 'GET', '/v1/positions', undefined, { 'X-Forwarded-For': '192.0.2.77, 192.0.3.1, 198.51.100.9' })
    assert.match(q.detail, /192\.0\.3\.1/)
  })

  test('a key of one brand is nothing at another, and nothing once deleted', async () => {
    const bot = await makeBot()
    const abroad = new Bot(gateway.host('meridian'), bot.id, bot.signer)
    await abroad.refused(401, 'unauthorized', 'GET', '/v1/account')
    await bot.ok('GET', '/v1/account')
    const stranger = new Trader(gateway, 'harbor')
    await stranger.signIn()
    await stranger.refused(404, 'not_found', 'DELETE', `/v1/api-keys/${bot.id}`)
    await bot.ok('GET', '/v1/account')
    assert.equal((await trader.ok('DELETE', `/v1/api-keys/${bot.id}`)).status, 'deleted')
    await bot.refused(401, 'unauthorized', 'GET', '/v1/account')
    await trader.refused(404, 'not_found', 'DELETE', `/v1/api-keys/${bot.id}`)
    await trader.refused(404, 'not_found', 'DELETE', '/v1/api-keys/none')
  })

  test('a key and a session together, or a key in the URL', async () => {
    const bot = await makeBot()
    await bot.refused(401, 'unauthorized', 'GET', '/v1/account', undefined, { Authorization: `Bearer ${trader.token}` })
    problem(await gateway.call('GET', `/v1/account?apiKey=${bot.id}`, { host: trader.host }), 401, 'unauthorized')
    await bot.refused(401, 'unauthorized', 'GET', '/v1/account', undefined, { 'X-Api-Key': '00112233445566778899aabbccddeeff' })
  })

  test('requests for keys are checked field by field', async () => {
    const wide = Array.from({ length: 17 }, (_, i) => `10.0.0.${i}`)
    for (const [body, field] of [
      [{}, 'type'],
      [{ type: 'rsa' }, 'type'],
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['withdraw'] }, 'scopes'],
      [{ scopes: ['read', 'read'] }, 'scopes'],
      [{ scopes: 'read' }, 'scopes'],
      [{ ipAllow: ['localhost'] }, 'ipAllow'],
      [{ ipAllow: wide }, 'ipAllow'],
      [{ expiresAt: 5 }, 'expiresAt'],
      [{ expiresAt: '2030' }, 'expiresAt'],
      [{ publicKey: 'aa' }, 'publicKey'],
      [{ type: 'ed25519' }, 'publicKey'],
      [{ type: 'ed25519', publicKey: '00'.repeat(32) }, 'publicKey'],
      [{ name: '' }, 'name'],
      [{ secret: 'mine' }, 'secret'],
    ]) {
      const whole = field === 'type' && !body.type ? { scopes: ['read'] } : { type: 'hmac', scopes: ['read'], ...body }
      const p = await trader.refused(400, 'invalid_request', 'POST', '/v1/api-keys', whole)
      assert.ok(p.fields.some((f) => f.field === field), JSON.stringify([body, p.fields]))
    }
    const p = await trader.refused(400, 'invalid_request', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'], ipAllow: ['10.1.2.3/8'] })
    assert.equal(p.hint, '10.0.0.0/8')
  })

  test('made-up keys cost their sender, and nobody else', async () => {
    const guess = () => {
      const made = new Bot(trader.host, randomBytes(16).toString('hex'), hmac('none'))
      return made.call('GET', '/v1/account', undefined, { 'X-Forwarded-For': '198.51.100.7' })
    }
    let refused
    for (let i = 0; i < 100 && !refused; i++) {
      const answers = await Promise.all(Array.from({ length: 50 }, guess))
      refused = answers.find((a) => a.status !== 401)
    }
    assert.ok(refused, 'five thousand guesses were all looked up')
    problem(refused, 429, 'rate_limited')
    await (await makeBot()).ok('GET', '/v1/account')
  })

  test('GET /v1/limits tells what is left of the network that a request counts to', async () => {
    const bot = await makeBot()
    const from = { 'X-Forwarded-For': '2001:db8:77::1' }
    await Promise.all(Array.from({ length: 50 }, () => gateway.call('GET', '/v1/markets', { host: trader.host, headers: from })))
    const { networkAddress } = await bot.ok('GET', '/v1/limits', undefined, from)
    assert.ok(networkAddress.remaining < networkAddress.limit, JSON.stringify(networkAddress))
  })

  test('more than twenty keys', async () => {
    const rich = await new Trader(gateway, 'harbor')
    await rich.signIn()
    for (let i = 0; i < 20; i++) await rich.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })
    await rich.refused(403, 'forbidden', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })
    assert.equal((await rich.ok('GET', '/v1/api-keys')).data.length, 20)
  })
})

test('keys outlive the gateway, requests of before do not', async () => {
  const bot = await makeBot()
  const short = await makeBot({ expiresAt: Date.now() + 1500 })
  const old = bot.headers('GET', '/v1/account', '', { 'X-Api-Window': '60000' })
  assert.equal((await bot.send('GET', '/v1/account', undefined, old)).status, 200)
  await gateway.stop()
  gateway = await startConfigured({}, { folder, keepsKey: true })
  problem(await bot.send('GET', '/v1/account', undefined, old), 401, 'unauthorized')
  while (Date.now() <= short.key.expiresAt) await gateway.call('GET', '/healthz', { host: trader.host })
  const answer = await bot.call('GET', '/v1/api-keys')
  problem(answer, 403, 'forbidden')
  assert.equal((await bot.call('GET', '/v1/fills')).status, 200)
  const expired = await short.refused(401, 'unauthorized', 'GET', '/v1/account')
  assert.match(expired.detail, /expired/)
})
