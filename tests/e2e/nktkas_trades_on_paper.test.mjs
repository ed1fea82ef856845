// A published client, @nktkas/hyperliquid, signs and trades on the paper venue unchanged.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiRequestError, ExchangeClient, HttpRequestError, HttpTransport, InfoClient, SubscriptionClient, WebSocketTransport } from '@nktkas/hyperliquid'
import { signL1Action } from '@nktkas/hyperliquid/signing'
import { SymbolConverter, formatPrice } from '@nktkas/hyperliquid/utils'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { WebSocket } from 'ws'
import { pointed, startPaper, until } from './harness.mjs'

globalThis.WebSocket ??= WebSocket // the client wants the one that newer releases of Node have

let paper
let transport
let info

before(async () => {
  paper = await pointed.start()
  transport = new HttpTransport({ apiUrl: paper.client ?? paper.base })
  info = new InfoClient({ transport })
  await paper.price('BTC', '100000')
  await paper.price('ETH', '3000')
})
after(() => paper?.stop())

// --- what an answer looks like ------------------------------------------------------------------

// A small description of JSON: a string or a RegExp for text, a number, a list of one for lists, an
// object for objects, a function for anything else. Members that are not described are a failure.
function shaped(value, shape, at = 'answer') {
  if (typeof shape === 'function') return shape(value, at)
  if (shape instanceof RegExp) {
    assert.equal(typeof value, 'string', at)
    return assert.match(value, shape, at)
  }
  if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), at)
    return value.forEach((one, i) => shaped(one, shape[0], `${at}[${i}]`))
  }
  if (shape && typeof shape === 'object') {
    assert.equal(typeof value, 'object', at)
    assert.ok(value, at)
    for (const key of Object.keys(value)) assert.ok(key in shape || `${key}?` in shape, `${at}.${key} is no member of the protocol: ${JSON.stringify(value).slice(0, 300)}`)
    for (const [key, inner] of Object.entries(shape)) {
      const name = key.replace(/\?$/, '')
      if (name in value) shaped(value[name], inner, `${at}.${name}`)
      else assert.ok(key.endsWith('?'), `${at}.${name} is missing: ${JSON.stringify(value).slice(0, 300)}`)
    }
    return undefined
  }
  return assert.equal(typeof value, typeof shape, at)
}
const money = /^-?\d+(\.\d+)?$/
const address = /^0x[0-9a-f]{40}$/
const hash = /^0x[0-9a-f]{64}$/
const cloid = /^0x[0-9a-f]{32}$/
const or = (...shapes) => (value, at) => {
  const why = []
  for (const shape of shapes)
    try {
      return shaped(value, shape, at)
    } catch (error) {
      why.push(error.message)
    }
  return assert.fail(why.join('\n'))
}
const nothing = (value, at) => assert.equal(value, null, at)
const word = (...words) => (value, at) => assert.ok(words.includes(value), `${at}: ${value}`)
const level = { px: money, sz: money, n: 0 }
const context = {
  prevDayPx: money, dayNtlVlm: money, markPx: money, midPx: or(money, nothing), funding: money, openInterest: money,
  premium: or(money, nothing), oraclePx: money, impactPxs: or([money], nothing), dayBaseVlm: money,
}
const marginSummary = { accountValue: money, totalNtlPos: money, totalRawUsd: money, totalMarginUsed: money }
const position = {
  coin: 'BTC', szi: money, entryPx: money, positionValue: money, unrealizedPnl: money, returnOnEquity: money,
  leverage: or({ type: word('isolated'), value: 1, rawUsd: money }, { type: word('cross'), value: 1 }),
  liquidationPx: or(money, nothing), marginUsed: money, maxLeverage: 1, cumFunding: { allTime: money, sinceOpen: money, sinceChange: money },
}
const state = {
  marginSummary, crossMarginSummary: marginSummary, crossMaintenanceMarginUsed: money, withdrawable: money, time: 0,
  assetPositions: [{ type: word('oneWay'), position }],
}
const openOrder = { coin: 'BTC', side: word('B', 'A'), limitPx: money, sz: money, oid: 1, timestamp: 1, origSz: money, 'cloid?': or(cloid, nothing), 'reduceOnly?': word(true) }
const frontendOrder = {
  coin: 'BTC', side: word('B', 'A'), limitPx: money, sz: money, oid: 1, timestamp: 1, origSz: money, cloid: or(cloid, nothing),
  triggerCondition: '', isTrigger: true, triggerPx: money, children: [() => {}], isPositionTpsl: true, reduceOnly: true,
  orderType: word('Market', 'Limit', 'Stop Market', 'Stop Limit', 'Take Profit Market', 'Take Profit Limit'), tif: or(word('Gtc', 'Ioc', 'Alo', 'FrontendMarket', 'LiquidationMarket'), nothing),
}
const fill = {
  coin: 'BTC', px: money, sz: money, side: word('B', 'A'), time: 1, startPosition: money, dir: '', closedPnl: money, hash, oid: 1, crossed: true,
  fee: money, 'builderFee?': money, tid: 1, feeToken: word('USDC'), 'cloid?': cloid, twapId: nothing,
  'liquidation?': { liquidatedUser: address, markPx: money, method: word('market', 'backstop') },
}

// --- helpers ------------------------------------------------------------------------------------

async function trader(amount = '10000') {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const user = wallet.address.toLowerCase()
  await paper.faucet(user, amount)
  return { wallet, user, exchange: new ExchangeClient({ transport, wallet }) }
}

const BTC = 0
const limit = (px, sz = '0.01', more = {}) => ({ a: BTC, b: true, p: px, s: sz, r: false, t: { limit: { tif: 'Gtc' } }, ...more })
const one = (order, more = {}) => ({ orders: [order], grouping: 'na', ...more })
const newCloid = () => `0x${generatePrivateKey().slice(2, 34)}`

async function refused(promise, text) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiRequestError || error instanceof HttpRequestError, String(error.stack))
    assert.match(error.message, text)
    return true
  })
}

// --- reading ------------------------------------------------------------------------------------

describe('InfoClient', () => {
  test('meta and contexts: at least twenty markets with their rules', async () => {
    const meta = await info.meta()
    assert.ok(meta.universe.length >= 20)
    shaped(meta.universe, [{ name: '', szDecimals: 1, maxLeverage: 1, marginTableId: 1, 'isDelisted?': word(true), 'onlyIsolated?': word(true), 'marginMode?': word('strictIsolated', 'noCross'), 'growthMode?': '', 'lastGrowthModeChangeTime?': '' }])
    for (const [id, table] of meta.marginTables) {
      assert.equal(typeof id, 'number')
      shaped(table, { description: '', marginTiers: [{ lowerBound: money, maxLeverage: 1 }] })
    }
    assert.equal(meta.collateralToken, 0)
    const known = new Set(meta.marginTables.map(([id]) => id))
    for (const m of meta.universe) assert.ok(m.marginTableId < 50 || known.has(m.marginTableId), m.name)
    const [again, contexts] = await info.metaAndAssetCtxs()
    assert.deepEqual(again, meta)
    assert.equal(contexts.length, meta.universe.length)
    shaped(contexts, [context])
    assert.equal(contexts[0].markPx, '100000.0')
    assert.equal(contexts[0].oraclePx, '100000.0')
  })

  test('prices and books', async () => {
    const mids = await info.allMids()
    for (const [coin, px] of Object.entries(mids)) assert.match(px, money, coin)
    assert.equal(mids.BTC, '100000.0')
    for (const more of [{}, { nSigFigs: 5 }, { nSigFigs: 5, mantissa: 2 }, { nSigFigs: 2 }]) {
      const book = await info.l2Book({ coin: 'BTC', ...more })
      shaped(book, { coin: 'BTC', time: 1, levels: [[level]] })
      assert.equal(book.levels.length, 2)
      const [bids, asks] = book.levels
      assert.ok(bids.length > 0 && bids.length <= 20 && asks.length > 0)
      assert.ok(Number(bids[0].px) < Number(asks[0].px))
      bids.slice(1).forEach((l, i) => assert.ok(Number(l.px) < Number(bids[i].px)))
      asks.slice(1).forEach((l, i) => assert.ok(Number(l.px) > Number(asks[i].px)))
    }
    const end = Date.now()
    const candles = await info.candleSnapshot({ coin: 'BTC', interval: '1h', startTime: end - 6 * 3600000, endTime: end })
    assert.ok(candles.length > 0)
    shaped(candles, [{ t: 1, T: 1, s: 'BTC', i: '1h', o: money, c: money, h: money, l: money, v: money, n: 1 }])
    shaped(await info.fundingHistory({ coin: 'BTC', startTime: end - 86400000 }), [{ coin: 'BTC', fundingRate: money, premium: money, time: 1 }])
    shaped(await info.recentTrades({ coin: 'SOL' }), [{ coin: 'SOL', side: word('A', 'B'), px: money, sz: money, hash, time: 1, tid: 1, users: [address] }])
  })

  test('what the venue is and has not', async () => {
    assert.deepEqual((await info.perpDexs()).map((dex) => dex && dex.name), [null, 'xyz'])
    const spot = await info.spotMeta()
    assert.equal(spot.tokens[0].name, 'USDC')
    assert.ok(Array.isArray(spot.universe))
    const status = await info.exchangeStatus()
    assert.ok(Math.abs(status.time - Date.now()) < 60000)
    assert.deepEqual(await info.outcomeMeta(), { outcomes: [], questions: [] })
    assert.ok(Array.isArray(await info.spotMetaAndAssetCtxs()))
    assert.ok(Array.isArray(await info.predictedFundings()))
    assert.ok(Array.isArray(await info.perpsAtOpenInterestCap()))
    assert.ok(Array.isArray(await info.allPerpMetas()))
  })

  test('SymbolConverter.create', async () => {
    const converter = await SymbolConverter.create({ transport })
    assert.equal(converter.getAssetId('BTC'), 0)
    assert.equal(converter.getSzDecimals('BTC'), 5)
    assert.equal(formatPrice('97123.456789', converter.getSzDecimals('BTC')), '97123')
    assert.equal(converter.getAssetId('NOPE'), undefined)
  })

  test('an account that is nobody\'s', async () => {
    const user = privateKeyToAccount(generatePrivateKey()).address.toLowerCase()
    shaped(await info.clearinghouseState({ user }), state)
    assert.deepEqual(await info.openOrders({ user }), [])
    assert.deepEqual(await info.frontendOpenOrders({ user }), [])
    assert.deepEqual(await info.userFills({ user }), [])
    assert.deepEqual(await info.orderStatus({ user, oid: 1 }), { status: 'unknownOid' })
    assert.deepEqual(await info.orderStatus({ user, oid: newCloid() }), { status: 'unknownOid' })
    assert.equal(await info.maxBuilderFee({ user, builder: user }), 0)
    assert.deepEqual(await info.extraAgents({ user }), [])
    assert.equal((await info.userRole({ user })).role, 'missing')
    assert.equal(await info.subAccounts({ user }), null)
    assert.equal(await info.userAbstraction({ user }), 'disabled')
  })

  test('a request that is none is 422, as plain text', async () => {
    for (const payload of [{}, { type: 'nope' }, { type: 'l2Book' }, { type: 'clearinghouseState', user: 'x' }]) {
      await assert.rejects(transport.request('info', payload), (error) => {
        assert.ok(error instanceof HttpRequestError)
        assert.equal(error.response.status, 422)
        return true
      })
    }
  })
})

// --- trading ------------------------------------------------------------------------------------

describe('ExchangeClient with a wallet', () => {
  test('limit orders rest, are read back, and are cancelled by id and client id', async () => {
    const { exchange, user } = await trader()
    const c = newCloid()
    const placed = await exchange.order({ orders: [limit('90000', '0.01', { c }), limit('89000', '0.02')], grouping: 'na' })
    assert.equal(placed.status, 'ok')
    assert.equal(placed.response.type, 'order')
    const [a, b] = placed.response.data.statuses.map((s) => s.resting)
    assert.equal(a.cloid, c)
    const open = await info.openOrders({ user })
    shaped(open, [openOrder])
    assert.deepEqual(open.map((o) => o.oid).sort(), [a.oid, b.oid].sort())
    shaped(await info.frontendOpenOrders({ user }), [frontendOrder])
    for (const oid of [a.oid, c]) {
      const { status, order } = await info.orderStatus({ user, oid })
      assert.equal(status, 'order')
      shaped(order, { order: frontendOrder, status: word('open'), statusTimestamp: 1 })
      assert.deepEqual([order.order.limitPx, order.order.sz, order.order.side], ['90000.0', '0.01', 'B'])
    }
    assert.deepEqual((await exchange.cancelByCloid({ cancels: [{ asset: BTC, cloid: c }] })).response.data.statuses, ['success'])
    assert.deepEqual((await exchange.cancel({ cancels: [{ a: BTC, o: b.oid }] })).response.data.statuses, ['success'])
    assert.equal((await info.orderStatus({ user, oid: a.oid })).order.status, 'canceled')
    await refused(exchange.cancel({ cancels: [{ a: BTC, o: b.oid }] }), /Order was never placed, already canceled, or filled\./)
    assert.deepEqual(await info.openOrders({ user }), [])
  })

  test('an order is changed, and a batch of changes', async () => {
    const { exchange, user } = await trader()
    const [{ resting }] = (await exchange.order(one(limit('90000')))).response.data.statuses
    await exchange.modify({ oid: resting.oid, order: limit('91000', '0.02') })
    const [open] = await info.openOrders({ user })
    assert.deepEqual([open.limitPx, open.sz], ['91000.0', '0.02'])
    await exchange.batchModify({ modifies: [{ oid: open.oid, order: limit('92000', '0.03') }] })
    const [again] = await info.openOrders({ user })
    assert.deepEqual([again.limitPx, again.sz], ['92000.0', '0.03'])
  })

  test('market orders fill; position, fills and fees follow', async () => {
    const { exchange, user } = await trader()
    await exchange.updateLeverage({ asset: BTC, isCross: false, leverage: 10 })
    const [{ filled }] = (await exchange.order(one(limit('103000', '0.05', { t: { limit: { tif: 'Ioc' } } })))).response.data.statuses
    assert.deepEqual(Object.keys(filled).sort(), ['avgPx', 'oid', 'totalSz'])
    assert.equal(filled.totalSz, '0.05')
    const st = await info.clearinghouseState({ user })
    shaped(st, state)
    const [{ position: p }] = st.assetPositions
    assert.deepEqual([p.szi, p.leverage.type, p.leverage.value], ['0.05', 'isolated', 10])
    assert.ok(Number(p.liquidationPx) < 92000)
    const fills = await info.userFills({ user })
    shaped(fills, [fill])
    assert.deepEqual([fills[0].dir, fills[0].crossed, fills[0].startPosition], ['Open Long', true, '0.0'])
    const taken = fills.reduce((sum, f) => sum + Number(f.px) * Number(f.sz), 0)
    const fees = fills.reduce((sum, f) => sum + Number(f.fee), 0)
    assert.ok(Math.abs(fees - taken * 0.00045) < 1e-5 * fills.length, `${fees} of ${taken}`)
    await exchange.order(one({ a: BTC, b: false, p: '97000', s: '0.05', r: true, t: { limit: { tif: 'FrontendMarket' } } }))
    assert.deepEqual((await info.clearinghouseState({ user })).assetPositions, [])
    shaped(await info.userFillsByTime({ user, startTime: Date.now() - 60000 }), [fill])
    shaped(await info.historicalOrders({ user }), [{ order: frontendOrder, status: '', statusTimestamp: 1 }])
  })

  test('a resting order that another trader meets fills both, maker and taker', async () => {
    const [maker, taker] = [await trader(), await trader()]
    await maker.exchange.order(one(limit('100000', '0.001', { t: { limit: { tif: 'Alo' } } })))
    await taker.exchange.order(one({ a: BTC, b: false, p: '100000', s: '0.001', r: false, t: { limit: { tif: 'Ioc' } } }))
    const [m] = await info.userFills({ user: maker.user })
    const [t] = await info.userFills({ user: taker.user })
    assert.deepEqual([m.px, m.sz, m.crossed, t.crossed, m.tid], ['100000.0', '0.001', false, true, t.tid])
    assert.ok(Number(m.fee) < Number(t.fee))
  })

  test('leverage and isolated margin, and their refusals', async () => {
    const { exchange, user } = await trader()
    await exchange.updateLeverage({ asset: BTC, isCross: false, leverage: 10 })
    await exchange.order(one(limit('103000', '0.05', { t: { limit: { tif: 'Ioc' } } })))
    const pos = async () => (await info.clearinghouseState({ user })).assetPositions[0].position
    const first = await pos()
    await exchange.updateIsolatedMargin({ asset: BTC, isBuy: true, ntli: 100 * 1e6 })
    const more = await pos()
    assert.ok(Math.abs(Number(more.marginUsed) - Number(first.marginUsed) - 100) < 1e-3)
    assert.ok(Number(more.liquidationPx) < Number(first.liquidationPx))
    await exchange.updateIsolatedMargin({ asset: BTC, isBuy: true, ntli: -50 * 1e6 })
    assert.ok(Number((await pos()).liquidationPx) > Number(more.liquidationPx))
    await refused(exchange.updateIsolatedMargin({ asset: BTC, isBuy: true, ntli: -5000 * 1e6 }), /./)
    await refused(exchange.updateLeverage({ asset: BTC, isCross: true, leverage: 10 }), /Cannot switch leverage type with open position/)
    await refused(exchange.updateLeverage({ asset: BTC, isCross: false, leverage: 41 }), /Invalid leverage value/)
    await exchange.updateLeverage({ asset: BTC, isCross: false, leverage: 20 })
    const data = await info.activeAssetData({ user, coin: 'BTC' })
    shaped(data, { user: address, coin: 'BTC', leverage: { type: word('isolated'), value: 1, rawUsd: money }, maxTradeSzs: [money], availableToTrade: [money], markPx: money })
    assert.equal(data.leverage.value, 20)
  })

  test('trigger orders, and take-profit and stop-loss in a group', async () => {
    const { exchange, user } = await trader()
    await exchange.updateLeverage({ asset: BTC, isCross: true, leverage: 10 })
    const leg = (tpsl, triggerPx) => ({ a: BTC, b: false, p: tpsl === 'tp' ? '99000' : '90000', s: '0.01', r: true, t: { trigger: { isMarket: true, triggerPx, tpsl } } })
    const grouped = await exchange.order({ orders: [limit('103000', '0.01', { t: { limit: { tif: 'Ioc' } } }), leg('tp', '110000'), leg('sl', '95000')], grouping: 'normalTpsl' })
    const [parent, tp, sl] = grouped.response.data.statuses
    assert.ok(parent.filled)
    for (const child of [tp, sl]) assert.ok(child === 'waitingForTrigger' || child.resting, JSON.stringify(child))
    const open = await info.frontendOpenOrders({ user })
    shaped(open, [frontendOrder])
    assert.deepEqual(open.map((o) => [o.orderType, o.triggerPx, o.isTrigger, o.reduceOnly]).sort(), [
      ['Stop Market', '95000.0', true, true],
      ['Take Profit Market', '110000.0', true, true],
    ])
    const waiting = await exchange.order({ orders: [limit('90000', '0.02'), { ...leg('sl', '85000'), s: '0.02' }], grouping: 'normalTpsl' })
    assert.deepEqual(waiting.response.data.statuses.map((s) => (typeof s === 'string' ? s : Object.keys(s)[0])), ['resting', 'waitingForFill'])
    const forPosition = await exchange.order({ orders: [{ ...leg('sl', '94000'), s: '0' }], grouping: 'positionTpsl' })
    assert.equal(forPosition.status, 'ok')
    await paper.price('BTC', '94900')
    assert.deepEqual((await info.clearinghouseState({ user })).assetPositions, [], 'the stop closed it')
    await paper.price('BTC', '100000')
  })

  test("a builder's fee: approved, charged, and refused beyond what was approved", async () => {
    const { exchange, user } = await trader()
    const builder = privateKeyToAccount(generatePrivateKey()).address.toLowerCase()
    await paper.faucet(builder, '1000')
    const order = limit('103000', '0.01', { t: { limit: { tif: 'Ioc' } } })
    await refused(exchange.order(one(order, { builder: { b: builder, f: 10 } })), /Builder fee has not been approved/)
    await exchange.approveBuilderFee({ builder, maxFeeRate: '0.01%' })
    assert.equal(await info.maxBuilderFee({ user, builder }), 10)
    await refused(exchange.order(one(order, { builder: { b: builder, f: 11 } })), /Builder fee has not been approved/)
    await exchange.order(one(order, { builder: { b: builder, f: 10 } }))
    const fills = await info.userFills({ user })
    for (const f of fills) {
      assert.ok(Math.abs(Number(f.builderFee) - Number(f.px) * Number(f.sz) * 0.0001) < 2e-6, JSON.stringify(f))
      assert.ok(Number(f.fee) > Number(f.builderFee))
    }
  })

  test("the venue's rules, in its own words", async () => {
    const { exchange } = await trader('100')
    const ioc = { t: { limit: { tif: 'Ioc' } } }
    await refused(exchange.order(one(limit('90000.5'))), /Order has invalid price|Price must be divisible by tick size/)
    await refused(exchange.order(one(limit('90000', '0.000001'))), /Order has invalid size/)
    await refused(exchange.order(one(limit('90000', '0.0001'))), /Order must have minimum value of \$10/)
    await refused(exchange.order(one(limit('90000', '10'))), /Insufficient margin to place order/)
    await refused(exchange.order(one(limit('101000', '0.001', { t: { limit: { tif: 'Alo' } } }))), /Post only order would have immediately matched/)
    await refused(exchange.order(one(limit('90000', '0.001', ioc))), /Order could not immediately match against any resting orders/)
    await refused(exchange.order(one(limit('101000', '0.001', { r: true, ...ioc }))), /Reduce only order would increase position/)
    await refused(exchange.order(one(limit('100', '1'))), /80% away/)
    await refused(exchange.order(one(limit('1', '10', { a: 9999 }))), /./)
    const mixed = exchange.order({ orders: [limit('90000', '0.001'), limit('90000.5', '0.001')], grouping: 'na' })
    await refused(mixed, /./) // the client raises; the good one rests all the same
  })

  test('one bad order does not sink its neighbours', async () => {
    const { exchange, user } = await trader()
    await refused(exchange.order({ orders: [limit('90000', '0.01'), limit('90000', '0.000001')], grouping: 'na' }), /invalid size/)
    assert.equal((await info.openOrders({ user })).length, 1)
  })

  test('money moves out only with the wallet\'s signature', async () => {
    const { exchange, user } = await trader('500')
    const friend = await trader('10')
    await exchange.usdSend({ destination: friend.user, amount: '100' })
    assert.equal(Number((await info.clearinghouseState({ user: friend.user })).marginSummary.accountValue), 110)
    assert.ok(Number((await info.clearinghouseState({ user })).withdrawable) <= 400)
    await refused(exchange.usdSend({ destination: friend.user, amount: '100000' }), /./)
  })
})

describe('ExchangeClient with an agent', () => {
  test('an approved agent trades for its account, and can do nothing else', async () => {
    const { exchange, user } = await trader()
    const agent = privateKeyToAccount(generatePrivateKey())
    const asAgent = new ExchangeClient({ transport, wallet: agent })
    await refused(asAgent.order(one(limit('90000'))), new RegExp(`User or API Wallet ${agent.address.toLowerCase()} does not exist`, 'i'))
    await exchange.approveAgent({ agentAddress: agent.address, agentName: 'bot' })
    const agents = await info.extraAgents({ user })
    shaped(agents, [{ address, name: 'bot', validUntil: 1 }])
    await asAgent.order(one(limit('90000')))
    assert.equal((await info.openOrders({ user })).length, 1)
    assert.deepEqual(await info.openOrders({ user: agent.address.toLowerCase() }), [])
    assert.equal((await info.userRole({ user: agent.address.toLowerCase() })).role, 'agent')
    await refused(asAgent.usdSend({ destination: user, amount: '1' }), /./)
    const row = (await paper.ledger()).filter((r) => r.type === 'order').at(-1)
    assert.deepEqual([row.signer, row.account, row.effect], [agent.address.toLowerCase(), user, 'applied'])
    const next = privateKeyToAccount(generatePrivateKey())
    await exchange.approveAgent({ agentAddress: next.address, agentName: 'bot' })
    // Replaced by the one of the same name; the venue's words then name the account.
    await refused(asAgent.order(one(limit('90000'))), new RegExp(`Must deposit before performing actions\\. User: ${user}`))
  })
})

// --- signatures, nonces, time -------------------------------------------------------------------

describe('what is signed is what counts', () => {
  const send = (payload) => transport.request('exchange', payload)
  async function signed(wallet, { nonce = Date.now(), expiresAfter, isTestnet = false } = {}) {
    const order = limit('90000')
    const action = { type: 'order', orders: [order], grouping: 'na' }
    const signature = await signL1Action({ wallet, action, nonce, isTestnet, expiresAfter })
    return { action, nonce, signature, ...(expiresAfter ? { expiresAfter } : {}) }
  }

  test('anything changed after signing is a stranger\'s, who does not exist', async () => {
    const { wallet, user } = await trader()
    const good = await signed(wallet)
    const changes = [
      { ...good, action: { ...good.action, orders: [{ ...good.action.orders[0], s: '0.02' }] } },
      { ...good, nonce: good.nonce + 1 },
      { ...good, expiresAfter: good.nonce + 60000 },
      { ...good, signature: { ...good.signature, v: good.signature.v === 27 ? 28 : 27 } },
      await signed(wallet, { isTestnet: true }),
    ]
    for (const payload of changes) {
      const answer = await send(payload)
      assert.equal(answer.status, 'err', JSON.stringify(answer))
      assert.match(answer.response, /^User or API Wallet 0x[0-9a-f]{40} does not exist\.( |$)/)
      assert.ok(pointed.start !== startPaper || !answer.response.includes(user)) // a gateway names whose it would be
    }
    assert.deepEqual(await info.openOrders({ user }), [])
    assert.equal((await send(good)).status, 'ok')
  })

  test('a nonce counts once, and only near the present', async () => {
    const { wallet } = await trader()
    const payload = await signed(wallet)
    assert.equal((await send(payload)).status, 'ok')
    const again = await send(payload)
    assert.deepEqual([again.status, /nonce/i.test(again.response)], ['err', true], JSON.stringify(again))
    for (const nonce of [1, Date.now() - 3 * 86400000, Date.now() + 2 * 86400000]) {
      const answer = await send(await signed(wallet, { nonce }))
      assert.deepEqual([answer.status, /nonce/i.test(answer.response)], ['err', true], JSON.stringify(answer))
    }
    assert.equal((await send(await signed(wallet, { nonce: payload.nonce - 50 }))).status, 'ok', 'not in order of arrival')
  })

  test('an action that has expired does nothing', async () => {
    const { wallet, user, exchange } = await trader()
    const late = await send(await signed(wallet, { expiresAfter: Date.now() - 1000 }))
    assert.equal(late.status, 'err')
    assert.match(late.response, /expired/)
    assert.deepEqual(await info.openOrders({ user }), [])
    await refused(exchange.order(one(limit('90000')), { expiresAfter: Date.now() - 1 }), /expired/)
    await exchange.order(one(limit('90000')), { expiresAfter: Date.now() + 60000 })
    assert.equal((await info.openOrders({ user })).length, 1)
  })

  test('signatures with short r and s count as well', async () => {
    const { wallet } = await trader()
    for (let i = 0, seen = 0; i < 3000 && seen < 2; i++) {
      const payload = await signed(wallet, { nonce: Date.now() + i })
      if (!/^0x0/.test(payload.signature.r) && !/^0x0/.test(payload.signature.s)) continue
      seen++
      const strip = (x) => `0x${x.slice(2).replace(/^0+/, '')}`
      payload.signature = { ...payload.signature, r: strip(payload.signature.r), s: strip(payload.signature.s) }
      assert.equal((await send(payload)).status, 'ok')
    }
  })

  test('what is no action is 422 and plain text', async () => {
    const { wallet } = await trader()
    const good = await signed(wallet)
    for (const payload of [{}, { ...good, action: {} }, { ...good, action: { type: 'nope' } }, { ...good, signature: undefined }, { ...good, nonce: 'x' }, [], null])
      await assert.rejects(send(payload), (error) => {
        assert.ok(error instanceof HttpRequestError, String(error))
        assert.equal(error.response.status, 422)
        return true
      })
  })
})

// --- streams ------------------------------------------------------------------------------------

describe('over a WebSocket', () => {
  let socket
  let subscriptions
  before(async () => {
    socket = new WebSocketTransport({ url: `${(paper.client ?? paper.base).replace('http', 'ws')}/ws`, timeout: 5000 })
    await socket.ready()
    subscriptions = new SubscriptionClient({ transport: socket })
  })
  after(() => socket?.close())

  const first = (list) => until('an event', () => list.length > 0 && list[0])

  test('markets: allMids, l2Book, trades, activeAssetCtx, bbo, candle', async () => {
    const seen = { mids: [], book: [], trades: [], context: [], bbo: [], candle: [] }
    const subs = [
      await subscriptions.allMids((e) => seen.mids.push(e)),
      await subscriptions.l2Book({ coin: 'BTC' }, (e) => seen.book.push(e)),
      await subscriptions.trades({ coin: 'BTC' }, (e) => seen.trades.push(e)),
      await subscriptions.activeAssetCtx({ coin: 'BTC' }, (e) => seen.context.push(e)),
      await subscriptions.bbo({ coin: 'BTC' }, (e) => seen.bbo.push(e)),
      await subscriptions.candle({ coin: 'BTC', interval: '1m' }, (e) => seen.candle.push(e)),
    ]
    const { exchange, user } = await trader()
    await exchange.order(one(limit('103000', '0.01', { t: { limit: { tif: 'Ioc' } } })))
    assert.match((await first(seen.mids)).mids.BTC, money)
    shaped(await first(seen.book), { coin: 'BTC', time: 1, levels: [[level]] })
    const mine = await until('the trade, with both users', () => seen.trades.flat().find((t) => t.users.includes(user)))
    shaped(mine, { coin: 'BTC', side: word('B'), px: money, sz: money, time: 1, hash, tid: 1, users: [address] })
    assert.equal(mine.users[0], user, 'the buyer first')
    const { coin, ctx } = await first(seen.context)
    assert.equal(coin, 'BTC')
    shaped(ctx, context)
    shaped(await first(seen.bbo), { coin: 'BTC', time: 1, bbo: [or(level, nothing)] })
    shaped(await first(seen.candle), { t: 1, T: 1, s: 'BTC', i: '1m', o: money, c: money, h: money, l: money, v: money, n: 1 })
    for (const sub of subs) await sub.unsubscribe()
  })

  test('a trader: orderUpdates, userFills, userEvents', async () => {
    const { exchange, user } = await trader()
    const seen = { orders: [], fills: [], events: [] }
    const subs = [
      await subscriptions.orderUpdates({ user }, (e) => seen.orders.push(...e)),
      await subscriptions.userFills({ user }, (e) => seen.fills.push(e)),
      await subscriptions.userEvents({ user }, (e) => seen.events.push(e)),
    ]
    const c = newCloid()
    const [{ resting }] = (await exchange.order(one(limit('90000', '0.01', { c })))).response.data.statuses
    const opened = await until('the open order', () => seen.orders.find((o) => o.order.oid === resting.oid && o.status === 'open'))
    shaped(opened, { order: openOrder, status: word('open'), statusTimestamp: 1 })
    assert.equal(opened.order.cloid, c)
    await exchange.cancelByCloid({ cancels: [{ asset: BTC, cloid: c }] })
    await until('the cancelled order', () => seen.orders.find((o) => o.order.oid === resting.oid && o.status === 'canceled'))
    const [{ filled }] = (await exchange.order(one(limit('103000', '0.01', { t: { limit: { tif: 'Ioc' } } })))).response.data.statuses
    await until('the filled order', () => seen.orders.find((o) => o.order.oid === filled.oid && o.status === 'filled'))
    const filledEvent = await until('the fill', () => seen.fills.find((e) => e.fills.some((f) => f.oid === filled.oid)))
    assert.equal(filledEvent.user, user)
    shaped(filledEvent.fills, [fill])
    const event = await until('the event', () => seen.events.find((e) => e.fills?.some((f) => f.oid === filled.oid)))
    shaped(event.fills, [fill])
    for (const sub of subs) await sub.unsubscribe()
  })

  test('another trader\'s events do not arrive', async () => {
    const [a, b] = [await trader(), await trader()]
    const seen = []
    const sub = await subscriptions.orderUpdates({ user: a.user }, (e) => seen.push(...e))
    await b.exchange.order(one(limit('90000')))
    const [{ resting }] = (await a.exchange.order(one(limit('91000')))).response.data.statuses
    await until('its own', () => seen.find((o) => o.order.oid === resting.oid))
    assert.deepEqual([...new Set(seen.map((o) => o.order.oid))], [resting.oid])
    await sub.unsubscribe()
  })

  test('requests and actions are posted over the socket', async () => {
    const overSocket = new InfoClient({ transport: socket })
    assert.deepEqual((await overSocket.meta()).universe[0].name, 'BTC')
    assert.equal((await overSocket.l2Book({ coin: 'BTC' })).coin, 'BTC')
    const { wallet, user } = await trader()
    const exchange = new ExchangeClient({ transport: socket, wallet })
    const [{ resting }] = (await exchange.order(one(limit('90000')))).response.data.statuses
    assert.deepEqual((await overSocket.openOrders({ user })).map((o) => o.oid), [resting.oid])
    assert.deepEqual((await exchange.cancel({ cancels: [{ a: BTC, o: resting.oid }] })).response.data.statuses, ['success'])
    await assert.rejects(exchange.cancel({ cancels: [{ a: BTC, o: resting.oid }] }), /never placed/)
    await assert.rejects(overSocket.l2Book({ coin: 'NOPE' }).then((book) => assert.ok(book, 'no such book')))
  })

  test('what can not be subscribed is refused at once', async () => {
    await assert.rejects(subscriptions.l2Book({ coin: 'NOPE' }, () => {}))
    await assert.rejects(socket.subscribe('nope', { type: 'nope' }, () => {}))
  })
})

describe('time and faults', () => {
  test('funding is paid each hour of the venue\'s clock', async () => {
    const { exchange, user } = await trader()
    await exchange.order(one(limit('103000', '0.05', { t: { limit: { tif: 'Ioc' } } })))
    await paper.clock(3600000)
    const paid = await info.userFunding({ user, startTime: Date.now() - 86400000 })
    assert.ok(paid.length >= 1)
    shaped(paid, [{ time: 1, hash, delta: { type: word('funding'), coin: 'BTC', usdc: money, szi: money, fundingRate: money, nSamples: or(1, nothing) } }])
    assert.equal(paid[0].delta.szi, '0.05')
  })

  test('a fault is told to the client as the venue would', { skip: pointed.start !== startPaper && 'a gateway asks the venue too' }, async () => {
    await paper.fault('429', 1, { path: 'info' })
    await assert.rejects(info.meta(), (error) => error instanceof HttpRequestError && error.response.status === 429)
    await paper.fault('502', 1, { path: 'info' })
    await assert.rejects(info.meta(), (error) => error instanceof HttpRequestError && error.response.status === 502)
    await info.meta()
  })
})
