// Hyperliquid's own wire on a brand's host: questions are answered with the venue's bytes, from the cache where
// that is fresh; signed actions go on byte for byte, or are refused by the brand's rules in the venue's shape.
import assert from 'node:assert/strict'
import http from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ApiRequestError, ExchangeClient, HttpTransport } from '@nktkas/hyperliquid'
import { signL1Action } from '@nktkas/hyperliquid/signing'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Trader, compatBrand, problem, request, run, startConfigured, startPaper, until } from './harness.mjs'

const HOST = '127.0.0.1'
const MS = 60000

// A venue behind a wall that notes what is posted, byte for byte.
async function startWall(base) {
  const seen = []
  const to = new URL(base)
  const server = http.createServer((incoming, outgoing) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', () => {
      const bytes = Buffer.concat(parts)
      seen.push({ path: incoming.url, text: bytes.toString('utf8') })
      const onward = http.request({ host: to.hostname, port: to.port, method: incoming.method, path: incoming.url, headers: { 'content-type': 'application/json', 'content-length': bytes.length } }, (answer) => {
        outgoing.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'text/plain' })
        answer.pipe(outgoing)
        answer.on('error', () => outgoing.destroy())
      })
      onward.on('error', () => outgoing.destroy())
      onward.end(bytes)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { base: `http://127.0.0.1:${server.address().port}`, seen, stop: () => server.close() }
}

async function start(more, settings = {}) {
  const paper = await startPaper(['--ungated'])
  const wall = await startWall(paper.base)
  const { brand } = compatBrand(more)
  const gateway = await startConfigured({
    brands: `[${brand}]`,
    venue: `{network: mainnet, baseUrl: "${wall.base}", weightPerMinute: 1000000, contextsEveryMs: 200}`,
    mirror: '{feed: false, showMaxAgeMs: 0, pollWeightPerMinute: 100000}',
    paper: '{enabled: false}',
    ...settings,
  })
  await paper.price('BTC', '100000')
  await paper.price('ETH', '3000')
  const seenAt = async (coin, price) => (await gateway.call('GET', `/v1/markets/${coin}`, { host: HOST })).json.mark === price
  await until('the prices', async () => (await seenAt('BTC', '100000')) && seenAt('ETH', '3000'), MS)
  return {
    paper, wall, gateway,
    post: (path, body, options = {}) => gateway.call('POST', path, { host: HOST, body, ...options }),
    async stop() {
      await gateway.stop()
      await paper.stop()
      wall.stop()
    },
  }
}

const metric = async (gateway, name, label) => {
  const { text } = await request(gateway.admin, 'GET', '/metrics')
  return Number(new RegExp(`^${name}\\{${label}\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

async function trader(world, amount = '10000') {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const user = wallet.address.toLowerCase()
  await world.paper.faucet(user, amount)
  return { wallet, user, exchange: new ExchangeClient({ transport: new HttpTransport({ apiUrl: world.gateway.http }), wallet }) }
}

const limit = (px, sz = '0.01', more = {}) => ({ a: 0, b: true, p: px, s: sz, r: false, t: { limit: { tif: 'Gtc' } }, ...more })
const order = (...orders) => ({ type: 'order', orders, grouping: 'na' })
let lastNonce = 0
async function signed(wallet, action, more = {}) {
  const nonce = (lastNonce = Math.max(lastNonce + 1, Date.now()))
  return { action, nonce, signature: await signL1Action({ wallet, action, nonce, isTestnet: false, ...more }) }
}
const textOf = (answer) => answer.json?.response ?? answer.text
const refused = (promise, text) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiRequestError, String(error.stack))
    assert.match(error.message, text)
    return true
  })

// --- questions ------------------------------------------------------------------------------------

describe('POST /info', () => {
  let world
  before(async () => (world = await start('compat: {weightPerMinute: 1000000}')))
  after(() => world?.stop())

  test('answers are the venue\'s, byte for byte', async () => {
    const user = `0x${'5'.repeat(40)}`
    for (const body of [
      { type: 'meta' }, { type: 'meta', dex: '' }, { type: 'spotMeta' }, { type: 'perpDexs' }, { type: 'outcomeMeta' },
      { type: 'userRole', user }, { type: 'openOrders', user }, { type: 'userFees', user }, { type: 'extraAgents', user },
    ]) {
      const there = await request(world.paper.base, 'POST', '/info', { body })
      const here = await world.post('/info', body)
      assert.equal(here.status, there.status, JSON.stringify(body))
      assert.equal(here.text, there.text, JSON.stringify(body))
      assert.match(here.type, /^application\/json/)
    }
  })

  test('what many ask is asked once, and what polling brought not at all', async () => {
    const counts = async () => {
      const of = (result) => metric(world.gateway, 'perpgate_compat_info_total', `result="${result}"`)
      return { hit: await of('hit'), miss: await of('miss'), joined: await of('joined'), polled: await of('polled'), passed: await of('passed') }
    }
    const before = await counts()
    const marks = world.wall.seen.length
    const body = { type: 'tokenDetails', tokenId: `0x${'0'.repeat(32)}` } // not served there: its answer is nobody's to keep
    const all = await Promise.all(Array.from({ length: 20 }, () => world.post('/info', { type: 'spotMetaAndAssetCtxs' })))
    assert.equal(new Set(all.map((one) => one.text)).size, 1)
    const after = await counts()
    assert.ok(after.miss > before.miss)
    assert.equal(after.hit + after.joined + after.miss - before.hit - before.joined - before.miss, 20)
    assert.ok(after.miss - before.miss < 20, 'some were spared')
    const asked = world.wall.seen.slice(marks).filter((one) => one.text.includes('spotMetaAndAssetCtxs'))
    assert.equal(asked.length, after.miss - before.miss)
    await world.post('/info', { type: 'metaAndAssetCtxs' })
    assert.equal((await counts()).polled, after.polled + 1)
    // Whatever order its keys come in, it is the same question; another one is not.
    await world.post('/info', '{"coin":"BTC","type":"l2Book"}')
    const book = await counts()
    await world.post('/info', { type: 'userFees', user: `0x${'6'.repeat(40)}` })
    assert.equal((await counts()).passed, book.passed + 1)
    await world.post('/info', body)
  })

  test('what is no question is 422 as there; files of a node are nobody\'s business', async () => {
    for (const body of ['{', '[]', '{}', '{"type":7}', '{"type":"nothing"}', '{"type":"meta","type":"meta"}', '{"type":"fileSnapshot","request":{"type":"referrerStates"},"outPath":"/tmp/x"}', '{"type":"batchClearinghouseStates","users":[]}']) {
      const answer = await world.post('/info', body)
      assert.equal(answer.status, 422, body)
      assert.equal(answer.text, 'Failed to deserialize the JSON body into the target type')
      assert.match(answer.type, /^text\/plain/)
    }
    assert.ok(!world.wall.seen.some((one) => one.text.includes('fileSnapshot')))
    assert.equal((await world.post('/info', '{"type":"meta"}', { headers: { 'Content-Type': 'text/plain' } })).status, 415)
    assert.equal((await world.post('/info', `{"type":"meta","x":"${'x'.repeat(9000)}"}`)).status, 413)
    assert.equal((await world.gateway.call('GET', '/info', { host: HOST })).status, 405)
  })

  test('a venue that fails is told as it is', async () => {
    await world.paper.fault('502', 200, { path: 'info' })
    const answer = await world.post('/info', { type: 'userFees', user: `0x${'7'.repeat(40)}` })
    assert.equal(answer.status, 502)
    await world.paper.fault('none', 1)
    await until('a venue that answers', async () => (await world.post('/info', { type: 'exchangeStatus' })).status === 200, MS)
  })
})

// --- actions --------------------------------------------------------------------------------------

describe('POST /exchange', () => {
  let world
  before(async () => (world = await start('compat: {weightPerMinute: 1000000}')))
  after(() => world?.stop())
  const posted = () => world.wall.seen.filter((one) => one.path === '/exchange').map((one) => one.text)

  test('the very bytes go on, and the venue\'s answer comes back', async () => {
    const { wallet, user } = await trader(world)
    const { action, nonce, signature } = await signed(wallet, order(limit('90000')), { expiresAfter: 4000000000000 })
    const body = ` {"signature":{"v":${signature.v},"s":"${signature.s}","r":"${signature.r}"},\n"vaultAddress":null, "expiresAfter":4000000000000,"nonce":${nonce},"action":${JSON.stringify(action)}}\t`
    const answer = await world.post('/exchange', body)
    assert.ok(answer.json.response.data.statuses[0].resting.oid, answer.text)
    assert.equal(posted().at(-1), body)
    const row = (await world.paper.ledger()).at(-1)
    assert.equal(row.signer, user)
    assert.equal(row.nonce, nonce)
    assert.equal(row.expiresAfter, 4000000000000)
    const again = await world.post('/exchange', body)
    assert.equal(again.json.response, `Invalid nonce: duplicate nonce ${nonce}`)
  })

  test('an agent trades for its account; what it did is in the audit log', async () => {
    const { exchange, user } = await trader(world)
    const agent = privateKeyToAccount(generatePrivateKey())
    await exchange.approveAgent({ agentAddress: agent.address, agentName: 'bot' })
    const asAgent = new ExchangeClient({ transport: new HttpTransport({ apiUrl: world.gateway.http }), wallet: agent })
    await asAgent.order({ orders: [limit('90000')], grouping: 'na' })
    const row = (await world.paper.ledger()).at(-1)
    assert.deepEqual([row.signer, row.account], [agent.address.toLowerCase(), user])
    const store = join(world.gateway.folder, 'perpgate.db')
    await until('the record', async () => {
      const { stdout } = await run('perpgatectl', ['audit', 'list', '--store', store, '--brand', 'harbor'])
      return stdout.includes('action_forwarded') && stdout.includes(agent.address.toLowerCase()) && stdout.includes(user)
    }, MS)
  })

  test('a mistake in signing is told apart from a wallet that nobody knows', async () => {
    const { wallet, user } = await trader(world)
    const known = await signed(wallet, order(limit('90000')))
    const before = posted().length
    const cases = [
      [await signed(wallet, order(limit('90000')), { isTestnet: true }), /was made for Testnet \(source b\); this venue is Mainnet/],
      [await signed(wallet, order({ ...limit('90000'), p: '90000.0' })), /is over the action as it was sent.*trailing zeros/],
      [{ ...known, nonce: known.nonce + 1, expiresAfter: 4000000000000 }, /does not exist\. Either it has no account/],
      [{ ...await signed(wallet, order(limit('90000'))), expiresAfter: 4000000000000 }, /leaves out the expiresAfter/],
      [await signed(privateKeyToAccount(generatePrivateKey()), order(limit('90000'))), /does not exist\. Either it has no account at the venue, or something else was signed/],
    ]
    for (const [body, text] of cases) {
      const answer = await world.post('/exchange', body)
      assert.equal(answer.status, 200)
      assert.equal(answer.json.status, 'err')
      assert.match(textOf(answer), /^User or API Wallet 0x[0-9a-f]{40} does not exist\. /)
      assert.match(textOf(answer), text)
    }
    assert.ok(textOf(await world.post('/exchange', cases[0][0])).includes(user))
    assert.equal((await world.post('/exchange', { ...known, signature: { ...known.signature, r: `0x${'0'.repeat(64)}` } })).json.response, 'Unable to recover signer.')
    assert.equal(posted().length, before, 'none of it went on')
    await trader(world)
  })

  test('what is no action is 422; what traders do not do is not offered', async () => {
    const { wallet } = await trader(world)
    for (const body of ['{', '{}', '{"action":{"type":"order"}}', { ...await signed(wallet, { type: 'sing' }) }, { ...await signed(wallet, order(limit('90000'))), more: 1 }]) {
      const answer = await world.post('/exchange', body)
      assert.equal(answer.status, 422)
      assert.equal(answer.text, 'Failed to deserialize the JSON body into the target type')
    }
    const answer = await world.post('/exchange', await signed(wallet, { type: 'createVault', name: 'mine', description: 'a vault of mine', initialUsd: 100000000, nonce: 1 }))
    assert.equal(answer.json.response, 'createVault is not offered here.')
  })

  test('an answer that is lost is told as unknown, and sent once', async () => {
    const { wallet, user } = await trader(world)
    await world.post('/exchange', await signed(wallet, order(limit('80000')))) // known from here on
    await world.paper.fault('lostAnswer', 1, { path: 'exchange' })
    const before = posted().length
    const answer = await world.post('/exchange', await signed(wallet, order(limit('90000'))))
    assert.equal(answer.status, 504)
    assert.match(answer.text, /not known whether the action took effect/)
    assert.equal(posted().length, before + 1)
    assert.equal((await world.paper.info({ type: 'openOrders', user })).length, 2)
  })

  test('whoever holds a position trades without a question to the venue for each order', async () => {
    const { exchange, wallet, user } = await trader(world)
    await exchange.order({ orders: [limit('100500', '0.01', { t: { limit: { tif: 'Ioc' } } })], grouping: 'na' })
    const asked = () => world.wall.seen.filter((one) => one.path === '/info' && one.text.includes('OpenOrders') && one.text.includes(user)).length
    const before = asked(), n = 30
    for (let i = 0; i < n; i++) {
      const answer = await world.post('/exchange', await signed(wallet, order(limit(String(80000 + i), '0.001'))))
      assert.ok(answer.json.response.data.statuses[0].resting.oid, answer.text)
    }
    assert.ok(asked() - before < n / 2, `${asked() - before} lists of orders were read for ${n} orders`)
  })

  test('an order beyond the account\'s margin does not reach the venue', async () => {
    const { exchange, wallet } = await trader(world, '100')
    await exchange.updateLeverage({ asset: 0, isCross: true, leverage: 10 })
    const before = posted().length
    const answer = await world.post('/exchange', await signed(wallet, order(limit('90000', '0.5'))))
    assert.match(answer.json.response.data.statuses[0].error, /^Insufficient margin to place order\. asset=0 \(/)
    const two = await world.post('/exchange', await signed(wallet, order(limit('90000', '0.001'), limit('90000', '0.5'))))
    assert.deepEqual(two.json.response.data.statuses[0], { error: 'Not sent: order 2 of the action was refused.' })
    assert.match(two.json.response.data.statuses[1].error, /^Insufficient margin/)
    assert.equal(posted().length, before)
  })
})

// --- the brand's rules ----------------------------------------------------------------------------

describe('a brand\'s rules', () => {
  let world
  const RULES = `compat: {weightPerMinute: 1000000}
regions: {header: cf-ipcountry, blocked: [US], failClosed: false}
`
  before(async () => {
    const settings = { listen: '{public: {port: 0}, admin: {port: 0}, trustedProxies: [127.0.0.1]}' }
    world = await start(RULES, settings)
  })
  after(() => world?.stop())

  test('where nothing may be opened, cancelling and closing stay possible', async () => {
    const { exchange, wallet } = await trader(world)
    await exchange.order({ orders: [limit('100500', '0.01', { t: { limit: { tif: 'Ioc' } } }), limit('90000')], grouping: 'na' })
    const headers = { 'CF-IPCountry': 'US' }
    const from = async (action) => (await world.post('/exchange', await signed(wallet, action), { headers })).json
    const ledger = (await world.paper.ledger()).length
    assert.deepEqual(await from(order(limit('90000'))), { status: 'err', response: 'The service is not available in this region.' })
    assert.equal((await from({ type: 'updateLeverage', asset: 0, isCross: true, leverage: 3 })).status, 'err')
    assert.equal((await world.paper.ledger()).length, ledger)
    assert.equal((await from(order(limit('99000', '0.01', { b: false, r: true, t: { limit: { tif: 'Ioc' } } })))).response.data.statuses[0].filled.totalSz, '0.01')
    const open = await world.paper.info({ type: 'openOrders', user: wallet.address.toLowerCase() })
    assert.deepEqual((await from({ type: 'cancel', cancels: [{ a: 0, o: open[0].oid }] })).response.data.statuses, ['success'])
    assert.equal((await from({ type: 'noop' })).status, 'ok')
  })
})

describe('a brand of few markets and little leverage', () => {
  let world
  before(async () => {
    const paper = await startPaper(['--ungated'])
    const { brand, file } = compatBrand('compat: {weightPerMinute: 1000000}')
    const text = readFileSync(file, 'utf8')
      .replace(/^margin:\n(  [^\n]*\n)*/m, 'margin: {defaultMode: isolated, modes: [isolated], minLiquidationDistance: "0.08"}\n')
      .replace(/^markets: all$/m, 'markets: [BTC, ETH]')
      .replace(/^leverage:\n(  [^\n]*\n)*/m, 'leverage: {max: 10, default: 3}\n')
      .replace(/^ {2}required: false$/m, '  required: true')
    writeFileSync(file, text)
    const gateway = await startConfigured({ brands: `[${brand}]`, venue: `{network: mainnet, baseUrl: "${paper.base}", weightPerMinute: 1000000, contextsEveryMs: 200}`, paper: '{enabled: false}' })
    await paper.price('BTC', '100000')
    await until('the price', async () => (await gateway.call('GET', '/v1/markets/BTC', { host: HOST })).json.mark === '100000', MS)
    world = { paper, gateway }
  })
  after(async () => {
    await world?.gateway.stop()
    await world?.paper.stop()
  })

  test('modes, leverage, markets, distance and terms are the brand\'s', async () => {
    const { exchange, wallet } = await trader(world)
    const one = (o) => exchange.order({ orders: [o], grouping: 'na' })
    await refused(one(limit('90000')), /terms of Harbor.*have to be accepted/)
    const here = new Trader({ host: () => HOST, call: (...args) => world.gateway.call(...args), venue: world.paper }, 'harbor')
    here.account = wallet
    await here.signIn()
    const ledger = (await world.paper.ledger()).length
    await refused(one(limit('90000')), /cross can't be used on BTC: cross margin is not offered here/)
    await refused(exchange.updateLeverage({ asset: 0, isCross: true, leverage: 5 }), /cross/)
    await refused(exchange.updateLeverage({ asset: 0, isCross: false, leverage: 20 }), /Invalid leverage value/)
    await refused(one(limit('150', '1', { a: 5 })), /not offered/)
    await refused(one(limit('1', '100', { a: 9999 })), /Asset 9999 is not offered here/)
    assert.equal((await world.paper.ledger()).length, ledger, 'none of it reached the venue')
    await exchange.updateLeverage({ asset: 0, isCross: false, leverage: 10 })
    // A stop-loss behind the liquidation price would never trigger.
    const stop = (px) => ({ a: 0, b: false, p: '80000', s: '0.01', r: true, t: { trigger: { isMarket: true, triggerPx: px, tpsl: 'sl' } } })
    const withStop = (px) => exchange.order({ orders: [limit('100500', '0.01', { t: { limit: { tif: 'Ioc' } } }), stop(px)], grouping: 'normalTpsl' })
    await refused(withStop('85000'), /liquidation price/)
    await withStop('95000')
    assert.equal(Number((await world.paper.position(wallet.address.toLowerCase(), 'BTC')).szi), 0.01)
    // Taking out what keeps the liquidation price away is refused here, before the venue would.
    await exchange.updateIsolatedMargin({ asset: 0, isBuy: true, ntli: 50000000 })
    await refused(exchange.updateIsolatedMargin({ asset: 0, isBuy: true, ntli: -60000000 }), /./)
  })
})

// --- switches -------------------------------------------------------------------------------------

test('a brand that has it switched off has no such route', async () => {
  const { brand } = compatBrand('compat: {info: false, exchange: false}')
  const gateway = await startConfigured({ brands: `[${brand}]` })
  try {
    for (const path of ['/info', '/exchange'])
      problem(await gateway.call('POST', path, { host: HOST, body: { type: 'meta' } }), 404, 'not_found')
    problem(await gateway.call('POST', '/info', { host: 'nobody.example', body: { type: 'meta' } }), 404, 'not_found')
  } finally {
    await gateway.stop()
  }
})

test('each network address may ask so much a minute', async () => {
  const { brand } = compatBrand('compat: {weightPerMinute: 60}')
  const gateway = await startConfigured({ brands: `[${brand}]` })
  try {
    const ask = () => gateway.call('POST', '/info', { host: HOST, body: { type: 'userFees', user: `0x${'5'.repeat(40)}` }, headers: { Origin: 'https://trade.harbor.example' } })
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    const limited = answers.filter((one) => one.status === 429)
    assert.ok(limited.length > 0 && limited.length < 20)
    assert.match(limited[0].type, /^text\/plain/)
    assert.ok(Number(limited[0].headers['retry-after']) > 0)
    for (const one of answers) assert.equal(one.headers['access-control-allow-origin'], 'https://trade.harbor.example')
    const asked = await gateway.call('OPTIONS', '/info', { host: HOST, headers: { Origin: 'https://trade.harbor.example', 'Access-Control-Request-Method': 'POST' } })
    assert.deepEqual([asked.status, asked.headers['access-control-allow-methods']], [204, 'POST'])
  } finally {
    await gateway.stop()
  }
})

test('an account may do so much a minute, from wherever', async () => {
  const paper = await startPaper(['--ungated'])
  const { brand, file } = compatBrand('compat: {weightPerMinute: 1000000}')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^requestsPerMinute: .*$/m, 'requestsPerMinute: 10'))
  const gateway = await startConfigured({ brands: `[${brand}]`, venue: `{network: mainnet, baseUrl: "${paper.base}", weightPerMinute: 1000000, contextsEveryMs: 200}`, paper: '{enabled: false}' })
  try {
    const { wallet } = await trader({ paper, gateway })
    const bodies = await Promise.all(Array.from({ length: 40 }, () => signed(wallet, { type: 'noop' })))
    const answers = await Promise.all(bodies.map((body) => gateway.call('POST', '/exchange', { host: HOST, body })))
    const taken = answers.filter((one) => one.status === 200)
    assert.ok(taken.length >= 10 && taken.length < 40, `${taken.length} were taken`)
    for (const one of answers) if (one.status !== 200) assert.deepEqual([one.status, one.text], [429, 'Too many requests of this account.'])
    assert.equal((await paper.ledger()).length, taken.length)
  } finally {
    await gateway.stop()
    await paper.stop()
  }
})
