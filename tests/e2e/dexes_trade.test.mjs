// Builders' dexes (HIP-3) through the gateway: each is an account of its own, in its own collateral.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPO, Trader, decimal, request, run, signTypedData, signsNothing, startConfigured, startDemo, startPaper, temporaryFolder, until, writeConfig, writeMasterKey } from './harness.mjs'

const NORMAL = 'xyz:XYZ100'
const STRICT = 'xyz:TSLA'
const NO_CROSS = 'xyz:GOLD'
const prices = { 'xyz:XYZ100': '25000', 'xyz:TSLA': '400', 'xyz:GOLD': '5000', BTC: '100000' }

let gateway

before(async () => {
  gateway = await startDemo()
  for (const [coin, price] of Object.entries(prices)) await gateway.price(coin, price)
})
after(() => gateway?.stop())

const fund = (user, amount) => gateway.venue.control('POST', '/paper/faucet', { user, amount, dex: 'xyz' })

async function trader({ usdx = '10000', usdc = '0.01', brand = 'harbor' } = {}) {
  const who = new Trader(gateway, brand)
  if (Number(usdx)) await fund(who.address, usdx)
  return who.onboard(usdc)
}

const venueState = (who, dex = 'xyz') => gateway.venue.info({ type: 'clearinghouseState', user: who.address, dex })
const venuePosition = async (who, coin) => (await venueState(who)).assetPositions.map((row) => row.position).find((p) => p.coin === coin)
const path = encodeURIComponent
const dexOf = async (who, dex) => (await who.ok('GET', '/v1/account')).dexes.find((d) => d.dex === dex)

async function agree(who, symbol, preview) {
  const [position, venue] = [await who.ok('GET', `/v1/positions/${path(symbol)}`), await venuePosition(who, symbol)]
  assert.equal(position.liquidationPrice, venue.liquidationPx, 'position and venue')
  assert.equal(preview.risk.liquidationPrice, venue.liquidationPx, 'preview and venue')
  assert.equal(position.collateral, 'USDX')
  assert.equal(preview.risk.collateral, 'USDX')
  return { position, venue }
}

describe('markets', () => {
  test('carry their dex, its collateral, their margin modes and what they make of a fee', async () => {
    const host = gateway.host('harbor')
    const { data } = (await gateway.call('GET', '/v1/markets', { host })).json
    const ours = Object.fromEntries(data.filter((m) => m.dex === 'xyz').map((m) => [m.symbol, m]))
    assert.deepEqual(Object.keys(ours).sort(), ['xyz:GOLD', 'xyz:NVDA', 'xyz:TSLA', 'xyz:XYZ100'])
    for (const m of Object.values(ours)) assert.equal(m.collateral, 'USDX')
    assert.deepEqual([ours[NORMAL].marginModes, ours[NORMAL].marginRemovable], [['isolated', 'cross'], true])
    assert.deepEqual([ours[STRICT].marginModes, ours[STRICT].marginRemovable], [['isolated'], false])
    assert.deepEqual([ours[NO_CROSS].marginModes, ours[NO_CROSS].marginRemovable], [['isolated'], true])
    assert.deepEqual([ours[NORMAL].feeShare, ours[NO_CROSS].feeShare, ours[NORMAL].rebateShare], ['0.2', '2', '0.1'])
    assert.deepEqual(ours[NORMAL].marginTiers.map((t) => [t.lowerBound, t.maxLeverage]), [['0', 30], ['5000000', 15]])
    const first = data.find((m) => m.symbol === 'BTC')
    assert.deepEqual([first.dex, first.collateral, first.feeShare], [null, 'USDC', '1'])
  })

  test('are found in a path with the colon as it is, and encoded', async () => {
    const host = gateway.host('harbor')
    for (const name of ['xyz:GOLD', 'xyz%3AGOLD', 'xyz%3aGOLD'])
      for (const tail of ['', '/book', '/trades', '/candles?interval=1h', '/funding']) {
        const answer = await gateway.call('GET', `/v1/markets/${name}${tail}`, { host })
        assert.equal(answer.status, 200, `${name}${tail}: ${answer.text}`)
        if (tail !== '/candles?interval=1h') assert.equal(answer.json.symbol, 'xyz:GOLD')
      }
    for (const name of ['nope:GOLD', 'xyz:NOPE', 'xyz:', ':GOLD', 'GOLD', 'XYZ:GOLD', 'xyz::GOLD', 'xyz:GOLD:', 'xy:GOLD', `xyz:${'G'.repeat(60)}`]) {
      const answer = await gateway.call('GET', `/v1/markets/${path(name)}`, { host })
      assert.equal(answer.status, 404, `${name}: ${answer.text}`)
    }
  })
})

describe('the liquidation price is one: in preview, position and at the venue', () => {
  for (const [symbol, modes] of [[NORMAL, ['isolated', 'cross']], [STRICT, ['isolated']], [NO_CROSS, ['isolated']], ['xyz:NVDA', ['isolated', 'cross']]])
    for (const marginMode of modes)
      test(`${symbol} ${marginMode}`, async () => {
        if (symbol === 'xyz:NVDA') await gateway.price(symbol, '180')
        for (const [side, leverage, how] of [['buy', 10, { notional: '2000' }], ['sell', 4, { notional: '1333.3' }], ['buy', 7, { margin: '150' }]]) {
          const who = await trader()
          const order = { symbol, side, type: 'market', marginMode, leverage, ...how }
          const preview = await who.preview(order)
          const placed = await who.place(order)
          assert.equal(placed.status, 'filled')
          const { position } = await agree(who, symbol, preview)
          assert.deepEqual([position.marginMode, position.leverage, position.side], [marginMode, leverage, side === 'buy' ? 'long' : 'short'])
          const closed = await who.ok('DELETE', `/v1/positions/${path(symbol)}`)
          assert.equal(closed.position, null)
          assert.equal(await venuePosition(who, symbol), undefined)
        }
      })

  test('with positions beside each other, added to and partly closed', async () => {
    const who = await trader({ usdc: '10000' })
    for (const order of [
      { symbol: NORMAL, side: 'buy', type: 'market', notional: '5000', marginMode: 'cross', leverage: 10 },
      { symbol: 'BTC', side: 'sell', type: 'market', notional: '20000', marginMode: 'cross', leverage: 5 },
      { symbol: 'xyz:NVDA', side: 'sell', type: 'market', notional: '3000', marginMode: 'cross', leverage: 5 },
      { symbol: STRICT, side: 'buy', type: 'market', margin: '300', leverage: 5 },
      { symbol: NORMAL, side: 'sell', type: 'market', notional: '2000' },
    ]) {
      const preview = await who.preview(order)
      assert.equal((await who.place(order)).status, 'filled')
      if (order.symbol !== 'BTC') await agree(who, order.symbol, preview)
    }
    const { data, missing } = await who.ok('GET', '/v1/positions')
    assert.deepEqual(data.map((p) => [p.symbol, p.collateral]).sort(), [['BTC', 'USDC'], ['xyz:NVDA', 'USDX'], ['xyz:TSLA', 'USDX'], ['xyz:XYZ100', 'USDX']])
    assert.deepEqual(missing, [])
  })
})

describe('money', () => {
  test('is told per collateral and per dex, and never added up across', async () => {
    const who = await trader({ usdx: '7000', usdc: '300' })
    await who.place({ symbol: NORMAL, side: 'buy', type: 'market', notional: '1000', marginMode: 'cross', leverage: 10 })
    const account = await who.ok('GET', '/v1/account')
    const state = await venueState(who)
    assert.deepEqual(account.marginSummary.map((s) => s.collateral), ['USDC', 'USDX'])
    assert.deepEqual(account.dexes.map((d) => [d.dex, d.collateral, d.positions]), [[null, 'USDC', 0], ['xyz', 'USDX', 1]])
    const [usdc, usdx] = account.marginSummary
    assert.deepEqual([account.equity, usdc.accountValue, account.freeCollateral], ['300', '300', '300'])
    assert.equal(Number(usdx.accountValue), Number(state.marginSummary.accountValue))
    assert.equal(Number(usdx.withdrawable), Number(state.withdrawable))
    assert.equal(Number(usdx.crossMaintenanceMargin), Number(state.crossMaintenanceMarginUsed))
    assert.deepEqual([account.positions, account.missing], [1, []])
    for (const value of Object.values(usdx).slice(1)) assert.match(value, decimal)
  })

  test('of one dex does not carry an order in another', async () => {
    const rich = await trader({ usdx: '0', usdc: '100000' })
    await signsNothing(gateway, async () => {
      const found = await rich.refused(422, 'insufficient_margin', 'POST', '/v1/orders', { symbol: NORMAL, side: 'buy', type: 'market', notional: '1000', leverage: 10 })
      assert.match(found.detail, /needs [\d.]+ USDX .*free is 0\.00/)
      assert.match(found.hint, /deposit of [\d.]+ USDX/)
    })
    const other = await trader({ usdx: '100000', usdc: '0.01' })
    await signsNothing(gateway, async () => {
      const found = await other.refused(422, 'insufficient_margin', 'POST', '/v1/orders', { symbol: 'BTC', side: 'buy', type: 'market', notional: '1000', leverage: 10 })
      assert.match(found.detail, /needs [\d.]+ USDC /)
    })
  })

  test('of a fee is foretold as it is charged, in the collateral', async () => {
    for (const symbol of [NORMAL, NO_CROSS]) {
      const who = await trader()
      const order = { symbol, side: 'buy', type: 'market', notional: '3000', leverage: 5 }
      const preview = await who.preview(order)
      await who.place(order)
      const [fill] = (await who.ok('GET', `/v1/fills?symbol=${path(symbol)}`)).data
      assert.deepEqual([fill.symbol, fill.fees.token], [symbol, 'USDX'])
      assert.ok(Number(fill.fees.venue) > 0)
      assert.ok(Math.abs(Number(fill.fees.venue) - Number(preview.risk.fees.venue)) < 2e-6, `${fill.fees.venue} ${preview.risk.fees.venue}`)
    }
  })

  test('goes to the dex and back with the wallet\'s own signature', async () => {
    const who = await trader({ usdx: '500' })
    const move = async (body) => {
      const asked = await who.ok('POST', '/v1/transfer', body)
      assert.equal(asked.typedData.primaryType, 'HyperliquidTransaction:SendAsset')
      assert.equal(asked.typedData.message.destination, who.address)
      assert.match(asked.typedData.message.token, /^USDX:0x[0-9a-f]{32}$/)
      const signature = await signTypedData(who.account, asked.typedData)
      const sent = await who.ok('POST', '/v1/transfer/submit', { signature })
      assert.deepEqual([sent.status, sent.to, sent.dex, sent.amount], ['sent', body.to, 'xyz', body.amount])
    }
    await move({ amount: '120.5', to: 'spot', dex: 'xyz' })
    assert.equal((await dexOf(who, 'xyz')).accountValue, '379.5')
    await move({ amount: '20.5', to: 'perps', dex: 'xyz' })
    assert.equal((await dexOf(who, 'xyz')).accountValue, '400')
    assert.equal((await dexOf(who, null)).accountValue, '0.01')
    const rows = (await who.ok('GET', '/v1/ledger')).data.filter((r) => r.type === 'send')
    assert.deepEqual(rows.map((r) => r.token), ['USDX', 'USDX'])
    await signsNothing(gateway, async () => {
      await who.refused(422, 'insufficient_margin', 'POST', '/v1/transfer', { amount: '401', to: 'spot', dex: 'xyz' })
      for (const dex of ['nope', 'XYZ', 'spot', 'xyz:', ''])
        await who.refused(400, 'invalid_request', 'POST', '/v1/transfer', { amount: '1', to: 'perps', dex })
    })
  })

  test('of funding is in the collateral, and named', async () => {
    const own = await startDemo()
    try {
      await own.price(NORMAL, '25000')
      const who = new Trader(own, 'harbor')
      await own.venue.control('POST', '/paper/faucet', { user: who.address, amount: '5000', dex: 'xyz' })
      await who.onboard('0.01')
      await who.place({ symbol: NORMAL, side: 'buy', type: 'market', notional: '10000', leverage: 10 })
      await own.venue.clock(2 * 3600 * 1000)
      const { data } = await who.ok('GET', '/v1/funding')
      assert.ok(data.length > 0)
      for (const row of data) assert.deepEqual([row.symbol, row.token], [NORMAL, 'USDX'])
    } finally {
      await own.stop()
    }
  })
})

describe('what a market does not permit is refused before anything is signed', () => {
  test('cross where it is isolated only', async () => {
    const who = await trader()
    await signsNothing(gateway, async () => {
      for (const symbol of [STRICT, NO_CROSS]) {
        await who.refused(422, 'margin_mode_not_allowed', 'POST', '/v1/orders', { symbol, side: 'buy', type: 'market', notional: '100', marginMode: 'cross' })
        await who.refused(422, 'margin_mode_not_allowed', 'PUT', `/v1/positions/${path(symbol)}/leverage`, { marginMode: 'cross', leverage: 3 })
      }
      await who.refused(422, 'leverage_too_high', 'PUT', `/v1/positions/${path(STRICT)}/leverage`, { leverage: 11 })
      await who.refused(422, 'invalid_tick', 'POST', '/v1/orders', { symbol: STRICT, side: 'buy', type: 'limit', size: '1', price: '400.123' })
      await who.refused(422, 'invalid_lot', 'POST', '/v1/orders', { symbol: STRICT, side: 'buy', type: 'limit', size: '1.0001', price: '400' })
    })
  })

  test('margin that stays, and margin that goes', async () => {
    const who = await trader()
    for (const symbol of [STRICT, NO_CROSS, NORMAL]) {
      await who.place({ symbol, side: 'buy', type: 'market', notional: '1000', marginMode: 'isolated', leverage: 5 })
      const more = await who.ok('POST', `/v1/positions/${path(symbol)}/margin`, { amount: '80' })
      assert.equal(more.position.collateral, 'USDX')
      assert.ok(Number(more.position.liquidationPrice) < Number(more.before.liquidationPrice))
      assert.equal(more.position.liquidationPrice, (await venuePosition(who, symbol)).liquidationPx)
      if (symbol === STRICT) {
        await signsNothing(gateway, () => who.refused(422, 'margin_not_removable', 'POST', `/v1/positions/${path(symbol)}/margin`, { amount: '-10' }))
      } else {
        const less = await who.ok('POST', `/v1/positions/${path(symbol)}/margin`, { amount: '-10' })
        assert.equal(less.position.liquidationPrice, (await venuePosition(who, symbol)).liquidationPx)
      }
    }
    await signsNothing(gateway, () => who.refused(422, 'insufficient_margin', 'POST', `/v1/positions/${path(NORMAL)}/margin`, { amount: '20000' }))
  })
})

describe('in each kind of market', () => {
  for (const symbol of [NORMAL, STRICT, NO_CROSS])
    test(`${symbol}: rest, change, cancel, protect, close`, async () => {
      const who = await trader()
      const price = Number(prices[symbol])
      await who.ok('PUT', `/v1/positions/${path(symbol)}/leverage`, { marginMode: 'isolated', leverage: 6 })
      const rests = await who.place({ symbol, side: 'buy', type: 'limit', size: '0.05', price: String(price * 0.9), timeInForce: 'gtc', marginMode: 'isolated' })
      assert.equal(rests.status, 'resting')
      const listed = (await who.ok('GET', '/v1/orders')).data
      assert.deepEqual(listed.map((o) => [o.id, o.symbol]), [[rests.id, symbol]])
      assert.deepEqual((await who.ok('GET', `/v1/orders?symbol=${symbol}`)).data.length, 1)
      assert.deepEqual((await who.ok('GET', '/v1/orders?symbol=BTC')).data, [])
      assert.equal((await who.ok('GET', `/v1/orders/${rests.id}`)).symbol, symbol)
      const changed = await who.ok('PATCH', `/v1/orders/${rests.id}`, { price: String(price * 0.88) })
      assert.deepEqual([changed.status, changed.replaced.status], ['resting', 'cancelled'])
      await who.ok('DELETE', `/v1/orders/${changed.id}`)
      assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
      const opened = await who.place({ symbol, side: 'buy', type: 'market', notional: '1200', leverage: 6, stopLoss: { triggerPrice: String(price * 0.95) } })
      assert.deepEqual([opened.status, opened.legs.length], ['filled', 1])
      const set = await who.ok('PUT', `/v1/positions/${path(symbol)}/tpsl`, { takeProfit: { triggerPrice: String(price * 1.2) }, stopLoss: { triggerPrice: String(price * 0.93) } })
      assert.equal(set.position.takeProfit.triggerPrice, String(price * 1.2))
      assert.equal(set.position.stopLoss.triggerPrice, String(price * 0.93))
      assert.equal((await who.ok('GET', '/v1/orders')).data.length, 2)
      const closed = await who.ok('DELETE', `/v1/positions/${path(symbol)}`)
      assert.equal(closed.position, null)
      await until('its protection is gone too', async () => (await who.ok('GET', '/v1/orders')).data.length === 0)
      const past = (await who.ok('GET', `/v1/orders?status=filled&symbol=${symbol}`)).data
      assert.equal(past.length, 2)
    })
})

test('protective orders leave with the position of their own dex, and stay with that of another', async () => {
  const who = await trader({ usdc: '10000' })
  const stays = await who.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '1000', leverage: 5, stopLoss: { triggerPrice: '90000' } })
  for (const symbol of [NORMAL, NO_CROSS]) {
    const goes = await who.place({ symbol, side: 'buy', type: 'market', notional: '1000', leverage: 5, stopLoss: { triggerPrice: String(Number(prices[symbol]) * 0.9) } })
    assert.equal((await who.ok('GET', '/v1/orders')).data.length, 2)
    assert.equal((await who.ok('GET', `/v1/positions/${path(symbol)}`)).stopLoss.id, goes.legs[0].id)
    await who.ok('DELETE', `/v1/positions/${path(symbol)}`)
    await until('its protection is gone', async () => {
      const { data } = await who.ok('GET', '/v1/orders')
      return data.length === 1 && data[0].id === stays.legs[0].id
    })
  }
})

test('a batch goes over dexes, each order judged in its own', async () => {
  const who = await trader({ usdx: '1000', usdc: '1000' })
  const { results } = await who.ok('POST', '/v1/orders/batch', {
    orders: [
      { symbol: NORMAL, side: 'buy', type: 'market', notional: '4000', marginMode: 'cross', leverage: 5 },
      { symbol: 'BTC', side: 'buy', type: 'market', notional: '4000', marginMode: 'cross', leverage: 5 },
      { symbol: 'xyz:NVDA', side: 'buy', type: 'market', notional: '4000', marginMode: 'cross', leverage: 5 },
      { symbol: STRICT, side: 'buy', type: 'market', margin: '50', leverage: 5 },
      { symbol: 'nope:X', side: 'buy', type: 'market', notional: '100' },
    ],
  })
  assert.deepEqual(results.map((r) => r.status), ['filled', 'filled', 'rejected', 'filled', 'rejected'])
  assert.deepEqual(results.map((r) => r.risk?.collateral ?? null), ['USDX', 'USDC', null, 'USDX', null])
  assert.match(results[2].error.detail, /USDX/)
  assert.equal(results[4].error.code, 'market_not_offered')
  const cancelled = await who.ok('DELETE', '/v1/orders')
  assert.deepEqual(cancelled, { results: [], more: false })
})

test('margin goes by the liquidation price or the leverage that it is to lead to', async () => {
  const who = await trader()
  await who.place({ symbol: NO_CROSS, side: 'buy', type: 'market', notional: '2000', leverage: 5 })
  const to = await who.ok('POST', `/v1/positions/${path(NO_CROSS)}/margin`, { targetLiquidationPrice: '3500' })
  assert.ok(Number(to.position.liquidationPrice) <= 3500 && Number(to.position.liquidationPrice) > 3499)
  assert.equal(to.position.liquidationPrice, (await venuePosition(who, NO_CROSS)).liquidationPx)
  const lever = await who.ok('POST', `/v1/positions/${path(NO_CROSS)}/margin`, { targetLeverage: '2.5' })
  assert.ok(Math.abs(Number(lever.position.effectiveLeverage) - 2.5) < 0.001)
})

test('a liquidation in a dex is shown, and leaves the others alone', async () => {
  const own = await startDemo()
  try {
    for (const [coin, price] of Object.entries(prices)) await own.price(coin, price)
    const who = new Trader(own, 'harbor')
    await own.venue.control('POST', '/paper/faucet', { user: who.address, amount: '1000', dex: 'xyz' })
    await who.onboard('1000')
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '1000', marginMode: 'cross', leverage: 5 })
    await who.place({ symbol: NORMAL, side: 'buy', type: 'market', notional: '15000', marginMode: 'cross', leverage: 20 })
    const usdc = (await who.ok('GET', '/v1/account')).marginSummary[0]
    await own.price(NORMAL, '23000')
    const { data } = await who.ok('GET', '/v1/positions')
    assert.deepEqual(data.map((p) => p.symbol), ['BTC'])
    assert.deepEqual((await who.ok('GET', '/v1/account')).marginSummary[0].withdrawable, usdc.withdrawable)
    const fills = (await who.ok('GET', `/v1/fills?symbol=${NORMAL}`)).data
    assert.ok(fills.length > 1 && fills.every((f) => f.fees.token === 'USDX'))
  } finally {
    await own.stop()
  }
})

test('all orders are cancelled in all dexes, or in the one of a symbol', async () => {
  const who = await trader({ usdc: '10000' })
  const rest = (symbol, price) => who.place({ symbol, side: 'buy', type: 'limit', size: '0.1', price, timeInForce: 'gtc', leverage: 3 })
  const orders = [await rest(NORMAL, '20000'), await rest(NO_CROSS, '4000'), await rest('BTC', '50000')]
  const one = await who.ok('DELETE', `/v1/orders?symbol=${path(NO_CROSS)}`)
  assert.deepEqual(one.results, [{ id: orders[1].id, status: 'cancelled' }])
  const { results, more } = await who.ok('DELETE', '/v1/orders')
  assert.deepEqual(results.map((r) => r.id).sort(), [orders[0].id, orders[2].id].sort())
  assert.equal(more, false)
  assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
})

test('onboarding takes money in any dex for a deposit', async () => {
  const who = new Trader(gateway, 'harbor')
  await who.signIn()
  const deposit = async () => (await who.ok('GET', '/v1/onboarding')).steps.find((s) => s.step === 'deposit').status
  assert.equal(await deposit(), 'todo')
  await fund(who.address, '5')
  assert.equal(await deposit(), 'done')
})

// The paper venue behind a wall that answers 502 to whatever is asked of the dex.
async function walled(paper) {
  const wall = { shut: false, asked: 0 }
  const server = http.createServer(async (incoming, outgoing) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const body = Buffer.concat(parts)
    const isOfDex = incoming.url === '/info' && JSON.parse(body).dex === 'xyz'
    wall.asked += isOfDex
    if (wall.shut && isOfDex) {
      outgoing.writeHead(502).end('<html>')
      return
    }
    const answer = await request(paper.base, incoming.method, incoming.url, { body })
    outgoing.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.bytes)
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  wall.base = `http://127.0.0.1:${server.address().port}`
  wall.close = () => {
    server.closeAllConnections()
    server.close()
  }
  return wall
}

test("a dex that can't be read is named, and the others go on", async () => {
  const paper = await startPaper()
  const wall = await walled(paper)
  const own = await startConfigured({
    mirror: '{feed: false, checkMaxAgeMs: 0, showMaxAgeMs: 0}',
    venue: `{baseUrl: "${wall.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200, dexes: [xyz]}`,
    paper: '{enabled: false}',
  })
  own.paperVenue = paper
  try {
    await own.price(NORMAL, '25000')
    await own.price('BTC', '100000')
    const who = new Trader(own, 'harbor')
    await paper.control('POST', '/paper/faucet', { user: who.address, amount: '5000', dex: 'xyz' })
    await who.onboard('5000')
    const rests = async (symbol, price) => (await who.place({ symbol, side: 'buy', type: 'limit', size: '0.01', price, timeInForce: 'gtc', leverage: 3 })).id
    const [there, here] = [await rests(NORMAL, '20000'), await rests('BTC', '90000')]
    wall.shut = true
    const { asked } = wall
    await until('the dex was asked for its prices', async () => wall.asked > asked + 2)
    assert.equal((await own.call('GET', '/readyz', { host: who.host })).status, 200)
    const account = await who.ok('GET', '/v1/account')
    assert.deepEqual(account.marginSummary.map((s) => [s.collateral, Number(s.accountValue) > 0]), [['USDC', true]])
    assert.deepEqual(account.missing.map((m) => [m.dex, m.code]), [['xyz', 'venue_unavailable']])
    const listed = await who.ok('GET', '/v1/orders')
    assert.deepEqual([listed.data.map((o) => o.id), listed.missing.map((m) => m.dex)], [[here], ['xyz']])
    await who.refused(503, 'venue_unavailable', 'GET', `/v1/orders?symbol=${NORMAL}`)
    await who.refused(503, 'venue_unavailable', 'GET', `/v1/positions/${path(NORMAL)}`)
    const all = await who.ok('DELETE', '/v1/orders')
    assert.deepEqual([all.results.map((r) => r.id), all.more], [[here], true])
    assert.equal((await who.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '100', leverage: 2 })).status, 'filled')
    await who.refused(503, 'venue_unavailable', 'POST', '/v1/orders', { symbol: NORMAL, side: 'buy', type: 'market', notional: '100', leverage: 2 })
    // By its id an order is cancelled all the same: that asks nothing of the dex.
    await who.ok('DELETE', `/v1/orders/${there}`)
    const metrics = await request(own.admin, 'GET', '/metrics')
    assert.match(metrics.text, /perpgate_venue_dex_up\{dex="xyz"\} 0/)
    wall.shut = false
    await until('it is read again', async () => (await who.ok('GET', '/v1/account')).missing.length === 0)
    assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
  } finally {
    await own.stop()
    wall.close()
    await paper.stop()
  }
})

test('a plan for the trader to sign names the market, and is sent', async () => {
  const folder = temporaryFolder()
  const brand = join(folder, 'keyless')
  cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
  const yaml = readFileSync(join(brand, 'brand.yaml'), 'utf8')
  writeFileSync(join(brand, 'brand.yaml'), `${yaml.replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`)
  const own = await startConfigured({ brands: `[${brand}]`, venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, dexes: [xyz]}' }, { folder })
  try {
    await own.price(STRICT, '400')
    const who = new Trader(own, 'keyless')
    await own.venue.control('POST', '/paper/faucet', { user: who.address, amount: '5000', dex: 'xyz' })
    await who.signIn()
    const order = { symbol: STRICT, side: 'buy', type: 'market', notional: '500', leverage: 4 }
    const prepared = await who.ok('POST', '/v1/orders/prepare', order)
    assert.equal(prepared.risk.collateral, 'USDX')
    assert.deepEqual(prepared.sign.map((s) => s.action.asset ?? s.action.orders[0].a), [110001, 110001])
    const signatures = await Promise.all(prepared.sign.map((step) => signTypedData(who.account, step.typedData)))
    assert.equal((await who.ok('POST', '/v1/orders/submit', { id: prepared.id, signatures })).status, 'filled')
    assert.equal((await who.ok('GET', `/v1/positions/${path(STRICT)}`)).liquidationPrice, prepared.risk.liquidationPrice)
  } finally {
    await own.stop()
  }
})

describe('what an operator says', () => {
  const branded = (markets) => {
    const folder = temporaryFolder()
    const brand = join(folder, 'harbor')
    cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
    const yaml = readFileSync(join(brand, 'brand.yaml'), 'utf8')
    writeFileSync(join(brand, 'brand.yaml'), yaml.replace('markets: all', `markets: ${markets}`))
    return { folder, brands: `[${join(REPO, 'branding/meridian')}, ${brand}]` }
  }
  const venue = (dexes) => `{weightPerMinute: 1000000, contextsEveryMs: 200, dexes: ${dexes}}`

  test('a brand offers a dex as a whole, a market of it, or none', async () => {
    for (const [markets, offered] of [['[BTC, "xyz:*"]', [NORMAL, STRICT, NO_CROSS, 'BTC']], ['[BTC, "xyz:GOLD"]', [NO_CROSS, 'BTC']]]) {
      const { folder, brands } = branded(markets)
      const own = await startConfigured({ brands, venue: venue('[xyz]') }, { folder })
      try {
        await own.price(NO_CROSS, '5000')
        const who = new Trader(own, 'harbor')
        await own.venue.control('POST', '/paper/faucet', { user: who.address, amount: '5000', dex: 'xyz' })
        await who.onboard('5000')
        for (const symbol of [NORMAL, STRICT, NO_CROSS, 'BTC', 'ETH', 'xyz:*']) {
          const body = { symbol, side: 'buy', type: 'market', notional: '100', leverage: 2 }
          if (offered.includes(symbol)) await who.preview(body)
          else await who.refused(404, 'market_not_offered', 'POST', '/v1/orders/preview', body)
        }
      } finally {
        await own.stop()
      }
    }
  })

  test('a dex that is not there leaves the others, and no dexes means none', async () => {
    const own = await startConfigured({ venue: venue('[none, xyz, abc]') })
    try {
      await own.price(NORMAL, '25000')
      const who = new Trader(own, 'harbor')
      await own.venue.faucet(who.address, '100')
      await who.signIn()
      const account = await who.ok('GET', '/v1/account')
      assert.deepEqual(account.dexes.map((d) => d.dex), [null, 'xyz'])
      assert.deepEqual(account.missing, [])
      assert.deepEqual(account.marginSummary.map((s) => s.collateral), ['USDC', 'USDX'])
      assert.deepEqual((await who.ok('GET', '/v1/positions')).missing, [])
      await who.refused(400, 'invalid_request', 'POST', '/v1/transfer', { amount: '1', to: 'perps', dex: 'abc' })
      await who.refused(404, 'market_not_offered', 'GET', '/v1/markets/abc:GOLD')
    } finally {
      await own.stop()
    }
    const without = await startConfigured()
    try {
      const host = without.host('harbor')
      const { data } = (await without.call('GET', '/v1/markets', { host })).json
      assert.equal(data.some((m) => m.symbol.includes(':')), false)
      const who = new Trader(without, 'harbor')
      await without.venue.faucet(who.address, '100')
      await who.signIn()
      assert.deepEqual((await who.ok('GET', '/v1/account')).dexes.map((d) => d.dex), [null])
      await who.refused(404, 'market_not_offered', 'POST', '/v1/orders/preview', { symbol: NORMAL, side: 'buy', type: 'market', notional: '100' })
      await who.refused(400, 'invalid_request', 'POST', '/v1/transfer', { amount: '1', to: 'perps', dex: 'xyz' })
    } finally {
      await without.stop()
    }
  })

  test('names that no dex has are found by --check', async () => {
    const folder = temporaryFolder()
    writeMasterKey(folder)
    const check = (dexes) => run('perpgate', ['--config', writeConfig(folder, { venue: venue(dexes) }), '--check'])
    assert.equal((await check('[xyz, ab12]')).code, 0)
    for (const dexes of ['[x]', '[XYZ]', '["x:z"]', '[toolong]', '[""]', 'xyz', '[xyz, xyz]', '[[xyz]]', '[aa, bb, cc, dd, ee, ff, gg, hh, ii]']) {
      const { code, stderr, stdout } = await check(dexes)
      assert.notEqual(code, 0, dexes)
      assert.match(stderr + stdout, /venue\.dexes/, dexes)
    }
  })
})
