// Each brand is an exchange of its own: chosen by Host, with its own look, rules, traders and ids.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPO, Trader, problem, signsNothing, startDemo } from './harness.mjs'

let gateway
let meridian
let harbor

before(async () => {
  gateway = await startDemo()
  meridian = gateway.host('meridian')
  harbor = gateway.host('harbor')
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000'), gateway.price('SILVER', '75')])
})
after(() => gateway?.stop())

const get = (path, host, more) => gateway.call('GET', path, { host, ...more })

describe('the host chooses the brand', () => {
  test('each answers with its own name, look and rules', async () => {
    const a = (await get('/v1/brand', meridian)).json
    const b = (await get('/v1/brand', harbor)).json
    assert.deepEqual(
      [a.id, a.name, a.defaultMarginMode, a.marginModes, a.maxLeverage, a.minLiquidationDistance],
      ['meridian', 'Meridian', 'isolated', ['isolated', 'cross'], 20, '0.01'],
    )
    assert.deepEqual(
      [b.id, b.name, b.defaultMarginMode, b.marginModes, b.maxLeverage, b.minLiquidationDistance],
      ['harbor', 'Harbor', 'cross', ['isolated', 'cross'], null, null],
    )
    assert.deepEqual(a.fees, { builder: '0.00025', builderAddress: '0x4d6572696469616e4275696c64657246656573aa' })
    assert.deepEqual(b.fees, { builder: '0', builderAddress: null })
    assert.equal(a.theme.primary, '#e3b23c')
    assert.equal(b.theme.mode, 'light')
    assert.deepEqual(a.chainIds, [42161, 1])
    assert.deepEqual(a.terms, { version: '2026-01', url: 'https://meridian.example/terms', required: true })
    assert.match(a.network, /^testnet$/i)
  })

  test('a port and the case of letters do not matter', async () => {
    for (const host of [`${meridian}:8080`, meridian.toUpperCase(), `Meridian.LocalHost:${new URL(gateway.http).port}`])
      assert.equal((await get('/v1/brand', host)).json.id, 'meridian')
  })

  test('another host is nobody', async () => {
    for (const host of ['example.com', 'localhost', '127.0.0.1', `${meridian}.example.com`, `www.${meridian}`, '[::1]'])
      for (const path of ['/', '/v1/brand', '/v1/markets', '/brand/logo', '/v1/account'])
        problem(await get(path, host), 404, 'not_found')
    assert.equal((await get('/healthz', 'example.com')).status, 200, 'health belongs to no brand')
  })
})

describe('what a brand offers', () => {
  test('its markets, and no other', async () => {
    const symbols = async (host) => (await get('/v1/markets', host)).json.data.map((m) => m.symbol)
    const a = await symbols(meridian)
    const b = await symbols(harbor)
    assert.deepEqual([...a].sort(), ['AVAX', 'BNB', 'BTC', 'DOGE', 'ETH', 'HYPE', 'LINK', 'SOL', 'SUI', 'XRP'])
    assert.ok(b.length >= 20 && b.includes('AAVE') && !b.includes('MATIC'), 'all that live')
    for (const path of ['/v1/markets/AAVE', '/v1/markets/AAVE/book', '/v1/markets/AAVE/trades']) {
      problem(await get(path, meridian), 404, 'market_not_offered')
      assert.equal((await get(path, harbor)).status, 200)
    }
  })

  test('its leverage caps, within the market\'s own', async () => {
    const most = async (symbol, host) => (await get(`/v1/markets/${symbol}`, host)).json
    const expected = [['BTC', 40, 40, 40], ['ETH', 25, 25, 25], ['SOL', 20, 20, 20], ['DOGE', 10, 5, 10], ['BNB', 10, 10, 10]]
    for (const [symbol, venue, a, b] of expected) {
      const of = { a: await most(symbol, meridian), b: await most(symbol, harbor) }
      assert.deepEqual([of.a.venueMaxLeverage, of.a.maxLeverage, of.b.maxLeverage], [venue, a, b], symbol)
    }
  })

  test('an order follows the default mode and the caps of its brand', async () => {
    const a = await new Trader(gateway, 'meridian').onboard('5000')
    const b = await new Trader(gateway, 'harbor').onboard('5000')
    const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000' }
    assert.equal((await a.preview(order)).risk.marginMode, 'isolated')
    assert.equal((await b.preview(order)).risk.marginMode, 'cross')
    assert.equal((await b.preview({ ...order, symbol: 'SILVER', size: '1', price: '70' })).risk.marginMode, 'isolated', 'a market that allows nothing else')
    await signsNothing(gateway, async () => {
      const doge = { symbol: 'DOGE', side: 'buy', type: 'limit', size: '1000', price: '0.05', leverage: 8 }
      await a.refused(422, 'leverage_too_high', 'POST', '/v1/orders', doge)
      await b.preview(doge)
      await a.refused(404, 'market_not_offered', 'POST', '/v1/orders', { ...order, symbol: 'AAVE', size: '1', price: '100' })
    })
  })

  test("the brand's fee is in the order, at the builder's address; the other brand's orders carry none", async () => {
    const a = await new Trader(gateway, 'meridian').onboard('5000')
    const b = await new Trader(gateway, 'harbor').onboard('5000')
    const order = { symbol: 'BTC', side: 'buy', type: 'market', notional: '1000', leverage: 5 }
    const [preview, none] = [await a.preview(order), await b.preview(order)]
    assert.ok(Number(preview.risk.fees.builder) > 0.24 && Number(preview.risk.fees.builder) <= 0.25)
    assert.equal(none.risk.fees.builder, '0')
    await a.place(order)
    await b.place(order)
    const rows = (await gateway.venue.ledger()).filter((row) => row.type === 'order')
    const of = (who) => rows.filter((row) => row.account.toLowerCase() === who.address).at(-1).action
    assert.deepEqual(of(a).builder, { b: '0x4d6572696469616e4275696c64657246656573aa', f: 25 })
    assert.equal('builder' in of(b), false)
    const [fill] = await gateway.venue.info({ type: 'userFills', user: a.address })
    assert.ok(Number(fill.builderFee) > 0, 'and the venue took it')
  })

  test('an unapproved builder fee is left out of the order', async () => {
    const a = new Trader(gateway, 'meridian')
    await gateway.venue.faucet(a.address, '5000')
    await a.signIn()
    await a.approve('/v1/agent')
    const order = { symbol: 'BTC', side: 'buy', type: 'market', notional: '1000', leverage: 5 }
    assert.equal((await a.preview(order)).risk.fees.builder, '0')
    await a.place(order)
    const row = (await gateway.venue.ledger()).filter((r) => r.type === 'order' && r.account.toLowerCase() === a.address).at(-1)
    assert.equal('builder' in row.action, false)
  })
})

describe('nothing of one brand is seen at another', () => {
  test('the same wallet is two accounts: sessions, agents, orders', async () => {
    const a = await new Trader(gateway, 'meridian').onboard('5000')
    const b = new Trader(gateway, 'harbor', undefined)
    b.account = a.account
    b.address = a.address
    const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '80000', leverage: 5 }
    const placed = await a.place({ ...order, clientId: 'mine' })
    b.token = a.token
    await signsNothing(gateway, async () => {
      for (const [method, path, body] of [['GET', '/v1/account'], ['GET', `/v1/orders/${placed.id}`], ['POST', '/v1/orders', order], ['DELETE', `/v1/orders/${placed.id}`]])
        await b.refused(401, 'unauthorized', method, path, body)
      await b.signIn()
      await b.refused(403, 'agent_not_approved', 'POST', '/v1/orders', order)
      const agent = (await b.ok('GET', '/v1/onboarding')).agent
      assert.equal(agent, null, "brand A's agent is none of brand B's")
    })
    const { agentAddress } = await b.ok('POST', '/v1/agent', {})
    assert.notEqual(agentAddress.toLowerCase(), a.agent.toLowerCase())
  })
})

describe('the page and the logo', () => {
  test('the page is the brand\'s, and runs nothing but its own script', async () => {
    for (const [host, name, other] of [[meridian, 'Meridian', 'Harbor'], [harbor, 'Harbor', 'Meridian']]) {
      const first = await get('/', host)
      const again = await get('/', host)
      assert.equal(first.status, 200)
      assert.match(first.type, /^text\/html/)
      assert.ok(first.text.includes(name) && !first.text.includes(other) && !first.text.includes('{{'))
      const policy = first.headers['content-security-policy']
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.ok(!policy.includes('unsafe'))
      const nonce = /script-src 'nonce-([0-9a-f]{32})'/.exec(policy)[1]
      assert.notEqual(nonce, /script-src 'nonce-([0-9a-f]{32})'/.exec(again.headers['content-security-policy'])[1], 'a nonce is used once')
      for (const [tag] of first.text.matchAll(/<(script|style)\b[^>]*>/g)) assert.ok(tag.includes(`nonce="${nonce}"`), tag)
      assert.ok(!/ on[a-z]+=|javascript:|https?:\/\/(?!meridian|harbor)/.test(first.text), 'no inline handlers, nothing from elsewhere')
      assert.equal(first.headers['x-content-type-options'], 'nosniff')
      assert.equal(first.headers['referrer-policy'], 'no-referrer')
    }
  })

  test('the logo is the file of the brand, and can run nothing', async () => {
    for (const [host, id] of [[meridian, 'meridian'], [harbor, 'harbor']]) {
      const logo = await get('/brand/logo', host)
      assert.equal(logo.status, 200)
      assert.match(logo.type, /^image\/svg\+xml/)
      assert.deepEqual(logo.bytes, readFileSync(join(REPO, 'branding', id, 'logo.svg')))
      assert.match(logo.headers['content-security-policy'], /default-src 'none'/)
      assert.equal(logo.headers['x-content-type-options'], 'nosniff')
    }
  })
})

describe('cross-origin requests', () => {
  const origin = 'https://app.meridian.example'
  const theirs = 'https://trade.harbor.example'

  test("a brand's own origins are allowed, and no other's", async () => {
    const allowed = async (host, from) => (await get('/v1/brand', host, { headers: { Origin: from } })).headers['access-control-allow-origin']
    assert.equal(await allowed(meridian, origin), origin)
    assert.equal(await allowed(meridian, 'http://localhost:5173'), 'http://localhost:5173')
    assert.equal(await allowed(harbor, theirs), theirs)
    for (const [host, from] of [[meridian, theirs], [harbor, origin], [meridian, 'https://evil.example'], [meridian, `${origin}.evil.example`],
      [meridian, 'http://app.meridian.example'], [meridian, `${origin}:444`], [meridian, 'null'], [meridian, '*'], ['nobody.example', origin]])
      assert.equal(await allowed(host, from), undefined, `${from} at ${host}`)
  })

  test('a preflight tells methods and headers, and never allows credentials', async () => {
    const ask = (host, from, path = '/v1/orders') =>
      gateway.call('OPTIONS', path, { host, headers: { Origin: from, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' } })
    const yes = await ask(meridian, origin)
    assert.equal(yes.status, 204)
    assert.equal(yes.headers['access-control-allow-origin'], origin)
    for (const method of ['GET', 'POST', 'DELETE']) assert.ok(yes.headers['access-control-allow-methods'].includes(method))
    for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key']) assert.ok(yes.headers['access-control-allow-headers'].includes(name))
    assert.equal(yes.headers['access-control-allow-credentials'], undefined)
    assert.match(yes.headers.vary, /Origin/)
    const no = await ask(meridian, theirs)
    assert.equal(no.headers['access-control-allow-origin'], undefined)
    assert.equal(no.headers['access-control-allow-methods'], undefined)
  })

  test('refusals can be read by the page that asked, too', async () => {
    const answer = await get('/v1/account', meridian, { headers: { Origin: origin } })
    problem(answer, 401, 'unauthorized')
    assert.equal(answer.headers['access-control-allow-origin'], origin)
    assert.match(answer.headers['access-control-expose-headers'], /X-Request-Id/)
    assert.match(answer.headers.vary, /Origin/)
  })
})
