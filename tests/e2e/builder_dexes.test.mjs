// A builder's dex (HIP-3) on `perpgate-paper`, through @nktkas/hyperliquid unchanged: its ids and names as the
// client finds them, its collateral, its margin modes, money to and from it, and its streams.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiRequestError, ExchangeClient, HttpTransport, InfoClient, SubscriptionClient, WebSocketTransport } from '@nktkas/hyperliquid'
import { SymbolConverter } from '@nktkas/hyperliquid/utils'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { WebSocket } from 'ws'
import { startPaper, within } from './harness.mjs'

globalThis.WebSocket ??= WebSocket // the client wants the one that newer releases of Node have

let paper
let transport
let info
let converter
let tokens

before(async () => {
  paper = await startPaper()
  transport = new HttpTransport({ apiUrl: paper.base })
  info = new InfoClient({ transport })
  await paper.price('BTC', '60000')
  await paper.price('xyz:XYZ100', '25000')
  await paper.price('xyz:TSLA', '400')
  await paper.price('xyz:GOLD', '5000')
  converter = await SymbolConverter.create({ transport, dexs: ['xyz'] })
  tokens = (await info.spotMeta()).tokens
})
after(() => paper?.program.stop())

const post = (path, body) => fetch(paper.base + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })

async function trader(amount = '10000') {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const user = wallet.address.toLowerCase()
  assert.equal((await post('/paper/faucet', { user, amount, dex: 'xyz' })).status, 200)
  return { wallet, user, exchange: new ExchangeClient({ transport, wallet }) }
}

const buy = (a, p, s, tif = 'Ioc', b = true) => ({ a, b, p, s, r: false, t: { limit: { tif } } })
const at = (name) => converter.getAssetId(`xyz:${name}`)
const refused = (promise, text) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiRequestError, String(error.stack))
    assert.match(error.message, text)
    return true
  })

test('the client finds the ids: 100000 + 10000 * dex + index', async () => {
  assert.equal(at('XYZ100'), 110000)
  assert.equal(at('GOLD'), 110002)
  assert.equal(converter.getSzDecimals('xyz:TSLA'), 3)
  const meta = await info.meta({ dex: 'xyz' })
  assert.equal(tokens.find((token) => token.index === meta.collateralToken).name, 'USDX')
  assert.deepEqual(meta.universe.map((market) => market.marginMode), [undefined, 'strictIsolated', 'noCross', undefined])
  assert.equal((await info.meta()).universe.some((market) => market.name.includes(':')), false)
})

test('an order is margined, charged and shown in the dex alone', async () => {
  const { user, exchange } = await trader()
  const { filled } = (await exchange.order({ orders: [buy(at('XYZ100'), '25100', '0.2')], grouping: 'na' })).response.data.statuses[0]
  assert.equal(filled.totalSz, '0.2')
  await exchange.order({ orders: [buy(at('XYZ100'), '20000', '0.01', 'Gtc')], grouping: 'na' })
  const state = await info.clearinghouseState({ user, dex: 'xyz' })
  assert.equal(state.assetPositions[0].position.coin, 'xyz:XYZ100')
  assert.equal(Number((await info.clearinghouseState({ user })).marginSummary.accountValue), 0)
  const [fill] = await info.userFills({ user })
  assert.equal(fill.feeToken, 'USDX')
  // The published rule: taker rate * growth * hip3(deployerFeeScale).
  const [, dex] = await info.perpDexs()
  const scale = Number(dex.deployerFeeScale)
  const rate = Number((await info.userFees({ user })).userCrossRate) * 0.1 * (scale < 1 ? 1 + scale : 2 * scale)
  assert.ok(Math.abs(Number(fill.fee) - Number(fill.px) * Number(fill.sz) * rate) < 2e-6)
  assert.equal((await info.openOrders({ user })).length, 0)
  assert.equal((await info.openOrders({ user, dex: 'xyz' })).length, 1)
  await refused(exchange.order({ orders: [buy(0, '60100', '0.01')], grouping: 'na' }), /Insufficient margin/)
})

test('a fall in the dex liquidates there and nowhere else', async () => {
  const { user, exchange } = await trader('1000')
  await paper.faucet(user, '1000')
  await exchange.order({ orders: [buy(0, '60100', '0.01')], grouping: 'na' })
  await exchange.updateLeverage({ asset: at('XYZ100'), isCross: true, leverage: 20 })
  await exchange.order({ orders: [buy(at('XYZ100'), '25100', '0.7')], grouping: 'na' })
  const before = await info.clearinghouseState({ user })
  await paper.price('xyz:XYZ100', '23000')
  await paper.price('xyz:XYZ100', '25000')
  assert.equal((await info.clearinghouseState({ user, dex: 'xyz' })).assetPositions.length, 0)
  const after = await info.clearinghouseState({ user })
  assert.equal(after.assetPositions[0].position.szi, before.assetPositions[0].position.szi)
  assert.equal(after.withdrawable, before.withdrawable)
})

test('margin modes are enforced in the venue\'s words', async () => {
  const { exchange } = await trader()
  for (const name of ['TSLA', 'GOLD'])
    await refused(exchange.updateLeverage({ asset: at(name), isCross: true, leverage: 5 }), /Cross margin is not allowed for this asset\./)
  await exchange.order({ orders: [buy(at('TSLA'), '410', '2'), buy(at('GOLD'), '5100', '0.1')], grouping: 'na' })
  for (const name of ['TSLA', 'GOLD']) await exchange.updateIsolatedMargin({ asset: at(name), isBuy: true, ntli: 60e6 })
  await refused(
    exchange.updateIsolatedMargin({ asset: at('TSLA'), isBuy: true, ntli: -1e6 }),
    /Cannot remove isolated margin for this asset\. To remove margin, reduce the position\./,
  )
  await exchange.updateIsolatedMargin({ asset: at('GOLD'), isBuy: true, ntli: -10e6 })
  await exchange.topUpIsolatedOnlyMargin({ asset: at('TSLA'), leverage: '2' })
  await refused(exchange.topUpIsolatedOnlyMargin({ asset: at('GOLD'), leverage: '2' }), /Asset not strict isolated/)
})

test('money goes between the dex, spot and nobody else\'s collateral', async () => {
  const { wallet, user, exchange } = await trader()
  const usdx = tokens[1]
  const token = `${usdx.name}:${usdx.tokenId}`
  await exchange.sendAsset({ destination: user, sourceDex: 'xyz', destinationDex: 'spot', token, amount: '100' })
  assert.deepEqual((await info.spotClearinghouseState({ user })).balances.map((b) => [b.coin, b.token, Number(b.total)]), [['USDX', 1, 100]])
  const agent = privateKeyToAccount(generatePrivateKey())
  await exchange.approveAgent({ agentAddress: agent.address, agentName: 'mover' })
  const mover = new ExchangeClient({ transport, wallet: agent })
  await mover.agentSendAsset({ destination: user, sourceDex: 'spot', destinationDex: 'xyz', token, amount: '40', fromSubAccount: '' })
  assert.equal(Number((await info.clearinghouseState({ user, dex: 'xyz' })).withdrawable), 9940)
  await refused(exchange.sendAsset({ destination: user, sourceDex: 'spot', destinationDex: '', token, amount: '1' }), /Invalid send/)
  await refused(exchange.sendAsset({ destination: user, sourceDex: 'spot', destinationDex: 'xyz', token, amount: '61' }), /Insufficient balance/)
  assert.equal((await info.userNonFundingLedgerUpdates({ user, startTime: 0 })).filter((row) => row.delta.type === 'send').length, 2)
  assert.ok(wallet)
})

test('streams by dex carry its name and its own alone', async () => {
  const { user, exchange } = await trader()
  const socket = new WebSocketTransport({ url: `${paper.base.replace('http', 'ws')}/ws` })
  const client = new SubscriptionClient({ transport: socket })
  const first = (subscribe) => within('an event', 10000, new Promise((done, failed) => subscribe(done).catch(failed)))
  try {
    const mids = await first((done) => client.allMids({ dex: 'xyz' }, done))
    assert.deepEqual(Object.keys(mids.mids).every((coin) => coin.startsWith('xyz:')), true)
    assert.equal(mids.dex, 'xyz')
    const state = await first((done) => client.clearinghouseState({ user, dex: 'xyz' }, done))
    assert.equal(Number(state.clearinghouseState.withdrawable), 10000)
    const contexts = await first((done) => client.allDexsAssetCtxs(done))
    assert.deepEqual(contexts.ctxs.map(([dex]) => dex), ['', 'xyz'])
    const orders = first((done) => client.openOrders({ user, dex: 'xyz' }, (event) => event.orders.length && done(event)))
    await exchange.order({ orders: [buy(at('XYZ100'), '20000', '0.01', 'Gtc')], grouping: 'na' })
    assert.equal((await orders).orders[0].coin, 'xyz:XYZ100')
  } finally {
    await socket.close()
  }
})

test('what the dex may hold is told', async () => {
  const limits = await info.perpDexLimits({ dex: 'xyz' })
  assert.equal(limits.coinToOiCap.length, 4)
  assert.ok(Number((await info.perpDexStatus({ dex: 'xyz' })).totalNetDeposit) > 0)
  assert.deepEqual(await info.perpsAtOpenInterestCap({ dex: 'xyz' }), [])
  assert.equal((await info.allPerpMetas()).length, 2)
  assert.equal((await post('/info', { type: 'meta', dex: 'nope' })).status, 500)
})
