// A sub-account in a builder's dex: every way to ask for it, and everything that is left behind there.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey } from 'viem/accounts'
import { REPO, Trader, signTypedData, signsNothing, startConfigured, temporaryFolder, until } from './harness.mjs'

const GOLD = 'xyz:GOLD'
const NVDA = 'xyz:NVDA'
const path = encodeURIComponent
const VENUE = '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700, dexes: [xyz]}'
const PROXY = '{public: {port: 0}, admin: {port: 0}, trustedProxies: [127.0.0.1]}'

let gateway

before(async () => {
  const folder = temporaryFolder()
  const brand = (name, rules) => {
    const to = join(folder, name)
    cpSync(join(REPO, 'branding/harbor'), to, { recursive: true })
    const yaml = readFileSync(join(to, 'brand.yaml'), 'utf8').replaceAll('harbor.localhost', `${name}.localhost`)
    writeFileSync(join(to, 'brand.yaml'), `${yaml}\n${rules}\n`)
    return to
  }
  const brands = [brand('keeps', 'regions: {header: cf-ipcountry, blocked: [US]}'), brand('keyless', 'keys: none')]
  gateway = await startConfigured({ listen: PROXY, venue: VENUE, brands: `[${brands}]` }, { folder })
  for (const [coin, price] of [[GOLD, '5000'], [NVDA, '180'], ['BTC', '100000']]) await gateway.price(coin, price)
})
after(() => gateway?.stop())
beforeEach(() => gateway.venue.fault('none', 1))

// A trader whose requests come through a proxy that says where from.
class Traveller extends Trader {
  constructor(brand, key) {
    super(gateway, brand, key)
    this.brand = brand
  }

  call(method, to, body, headers = {}) {
    return super.call(method, to, body, { 'CF-IPCountry': 'CH', ...headers })
  }
}

class Sub extends Traveller {
  constructor(master, address) {
    super(master.brand)
    Object.assign(this, { master, address, host: master.host, token: master.token })
  }

  call(method, to, body, headers = {}) {
    return super.call(method, to, body, { 'X-Sub-Account': this.address, ...headers })
  }

  state(dex = 'xyz') {
    return gateway.venue.info({ type: 'clearinghouseState', user: this.address, dex })
  }

  async held(coin) {
    return (await this.state()).assetPositions.map((row) => row.position).find((p) => p.coin === coin)
  }

  open(dex = 'xyz') {
    return gateway.venue.info({ type: 'frontendOpenOrders', user: this.address, dex })
  }
}

// With money in the dex alone, or in both.
async function subOf(who, { usdx = '5000', usdc = '0' } = {}) {
  const { address } = await who.ok('POST', '/v1/sub-accounts', { name: 'dex' })
  await gateway.venue.control('POST', '/paper/faucet', { user: address, amount: usdx, dex: 'xyz' })
  if (Number(usdc)) await who.ok('POST', `/v1/sub-accounts/${address}/transfer`, { amount: usdc, direction: 'deposit' })
  return new Sub(who, address)
}

const onboarded = (brand = 'keeps', key) => new Traveller(brand, key).onboard('10000')
const buy = (more) => ({ symbol: GOLD, side: 'buy', type: 'market', notional: '1000', leverage: 5, ...more })
const rest = (symbol, price, size) => ({ symbol, side: 'buy', type: 'limit', size, price, leverage: 3 })

async function agrees(sub, preview) {
  const [position, venue] = [await sub.ok('GET', `/v1/positions/${path(GOLD)}`), await sub.held(GOLD)]
  assert.equal(position.liquidationPrice, venue.liquidationPx)
  assert.equal(preview.risk.liquidationPrice, venue.liquidationPx)
  assert.equal(position.collateral, 'USDX')
}

describe('a sub-account in a dex', () => {
  test("trades there with its own collateral, and has no other account's past", async () => {
    const who = await onboarded()
    const sub = await subOf(who)
    const preview = await sub.preview(buy())
    assert.equal((await sub.place(buy())).status, 'filled')
    await agrees(sub, preview)
    assert.deepEqual((await who.ok('GET', '/v1/positions')).data, [])
    const [fill] = (await sub.ok('GET', '/v1/fills')).data
    assert.deepEqual([fill.symbol, fill.fees.token], [GOLD, 'USDX'])
    assert.deepEqual((await who.ok('GET', '/v1/fills')).data, [])
    assert.deepEqual((await who.ok('GET', '/v1/orders?status=all')).data, [])
    assert.equal((await sub.ok('GET', `/v1/orders?status=filled&symbol=${GOLD}`)).data.length, 1)
    const account = await sub.ok('GET', '/v1/account')
    const state = await sub.state()
    const dex = account.dexes.find((d) => d.dex === 'xyz')
    assert.deepEqual([account.address, account.master, dex.collateral, dex.positions], [sub.address, who.address, 'USDX', 1])
    assert.equal(Number(dex.accountValue), Number(state.marginSummary.accountValue))
    const more = await sub.ok('POST', `/v1/positions/${path(GOLD)}/margin`, { amount: '50' })
    assert.equal(more.position.liquidationPrice, (await sub.held(GOLD)).liquidationPx)
    const rows = (await gateway.venue.ledger()).filter((r) => r.account?.toLowerCase() === sub.address)
    assert.ok(rows.length >= 2 && rows.every((r) => r.signer.toLowerCase() === who.agent.toLowerCase()))
  })

  test('cancels all of its own orders in all dexes, or those of a symbol', async () => {
    const who = await onboarded()
    const sub = await subOf(who, { usdc: '2000' })
    const mine = await who.place(rest('BTC', '50000', '0.001'))
    for (const order of [rest(GOLD, '4000', '0.01'), rest(NVDA, '150', '0.1'), rest('BTC', '51000', '0.001')])
      assert.equal((await sub.place(order)).status, 'resting')
    assert.equal((await sub.ok('DELETE', `/v1/orders?symbol=${path(NVDA)}`)).results.length, 1)
    const { results, more } = await sub.ok('DELETE', '/v1/orders')
    assert.deepEqual([results.map((r) => r.status), more], [['cancelled', 'cancelled'], false])
    assert.deepEqual([await sub.open(), await sub.open('')], [[], []])
    assert.equal((await who.ok('GET', `/v1/orders/${mine.id}`)).status, 'resting')
  })

  test('has a batch over dexes, and orphans of its own swept', async () => {
    const who = await onboarded()
    const sub = await subOf(who, { usdc: '2000' })
    const { results } = await sub.ok('POST', '/v1/orders/batch', {
      orders: [buy({ stopLoss: { triggerPrice: '4500' } }), { ...buy(), symbol: 'BTC', stopLoss: { triggerPrice: '90000' } }],
    })
    assert.deepEqual(results.map((r) => r.status), ['filled', 'filled'])
    assert.deepEqual([(await sub.open()).length, (await sub.open('')).length], [1, 1])
    await sub.ok('DELETE', `/v1/positions/${path(GOLD)}`)
    await until('the stop of the closed position is gone', async () => (await sub.open()).length === 0)
    assert.equal((await sub.open('')).length, 1)
  })

  test("an answer that was lost is found out in the sub-account's name", async () => {
    const who = await onboarded()
    const sub = await subOf(who)
    await sub.ok('PUT', `/v1/positions/${path(GOLD)}/leverage`, { marginMode: 'isolated', leverage: 3 })
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const placed = await sub.place({ ...rest(GOLD, '4000', '0.01'), marginMode: 'isolated' })
    assert.equal(placed.status, 'resting')
    assert.deepEqual((await sub.open()).map((o) => o.coin), [GOLD])
  })
})

test('a key that is bound to a sub-account trades in its dex', async () => {
  const who = await onboarded()
  const sub = await subOf(who)
  const key = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read', 'trade'], subAccount: sub.address })
  let last = 0
  const call = (method, to, body, signedAs = to) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    last = Math.max(Date.now(), last + 1)
    const mac = createHmac('sha256', key.secret).update(`${last}${method}${signedAs}${text}`).digest('hex')
    const headers = { 'CF-IPCountry': 'CH', 'X-Api-Key': key.id, 'X-Api-Timestamp': String(last), 'X-Api-Signature': mac }
    return gateway.call(method, to, { host: who.host, body: text || undefined, headers })
  }
  assert.equal((await call('POST', '/v1/orders', buy())).json.status, 'filled')
  assert.ok(await sub.held(GOLD))
  assert.deepEqual((await call('GET', '/v1/positions')).json.data.map((p) => p.symbol), [GOLD])
  // The colon is signed as it is sent, or as the other way to send it.
  const [plain, encoded] = [`/v1/positions/${GOLD}`, `/v1/positions/${path(GOLD)}`]
  for (const [sent, signed] of [[plain, plain], [plain, encoded], [encoded, plain], [encoded, encoded]])
    assert.equal((await call('GET', sent, undefined, signed)).json.symbol, GOLD, `${sent} signed as ${signed}`)
  assert.equal((await call('GET', encoded, undefined, `/v1/positions/${path(NVDA)}`)).status, 401)
  assert.equal((await call('DELETE', encoded)).json.position, null)
  assert.equal(await sub.held(GOLD), undefined)
  assert.equal((await call('DELETE', '/v1/orders')).status, 200)
})

test('in a brand that keeps no keys the wallet signs for both: the sub-account and the dex', async () => {
  const key = generatePrivateKey()
  const { address } = await subOf(await onboarded('keeps', key))
  const who = new Traveller('keyless', key)
  await who.signIn()
  const sub = new Sub(who, address)
  const send = async (prepared) => {
    const signatures = await Promise.all(prepared.sign.map((step) => signTypedData(who.account, step.typedData)))
    return sub.ok('POST', '/v1/orders/submit', { id: prepared.id, signatures })
  }
  const order = await sub.ok('POST', '/v1/orders', buy({ stopLoss: { triggerPrice: '4500' } }))
  assert.equal(order.risk.collateral, 'USDX')
  assert.equal((await send(order)).status, 'filled')
  await agrees(sub, order)
  await send(await sub.ok('POST', '/v1/orders', rest(NVDA, '150', '0.1')))
  assert.deepEqual((await sub.open()).map((o) => o.coin).sort(), [GOLD, NVDA].sort())
  const cancelled = await send(await sub.ok('DELETE', '/v1/orders?prepare=true'))
  assert.equal(cancelled.results.length, 2)
  await send(await sub.ok('DELETE', `/v1/positions/${path(GOLD)}`))
  assert.equal(await sub.held(GOLD), undefined)
  const rows = (await gateway.venue.ledger()).filter((r) => r.account?.toLowerCase() === address)
  assert.ok(rows.length >= 4 && rows.every((r) => r.signer.toLowerCase() === who.address))
})

test('where nothing may be opened, an agent is approved for who has something in a dex to close with it', async () => {
  const from = { 'CF-IPCountry': 'US' }
  const approve = async (who) => {
    await who.ok('DELETE', '/v1/agent')
    const asked = await who.ok('POST', '/v1/agent', { name: 'leaving' }, from)
    return ['POST', '/v1/agent/approve', { signature: await signTypedData(who.account, asked.typedData) }, from]
  }
  const empty = await new Traveller('keeps').onboard('100')
  await empty.ok('POST', '/v1/sub-accounts', { name: 'dex' })
  const refused = await approve(empty)
  await signsNothing(gateway, () => empty.refused(451, 'region_blocked', ...refused))
  const who = await onboarded()
  const sub = await subOf(who)
  await sub.place(buy())
  await who.ok(...(await approve(who)))
  await sub.refused(451, 'region_blocked', 'POST', '/v1/orders', buy(), from)
  await sub.ok('DELETE', `/v1/positions/${path(GOLD)}`, undefined, from)
  assert.equal(await sub.held(GOLD), undefined)
})
