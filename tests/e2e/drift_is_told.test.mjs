// What differs from the venue for no reason that is known is drift: the trader is told, and his orders are judged by
// the venue's own numbers until a state comes out clean.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Elsewhere } from './elsewhere.mjs'
import { Trader, request, startConfigured, until } from './harness.mjs'

const SOON = 30000
const GIVEN_UP = 180000 // the venue's list of fills is asked for, for a minute and a half, before a difference is drift
const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000', marginMode: 'isolated', leverage: 10 }

let gateway
let trader
let other

before(async () => {
  gateway = await startConfigured({
    // One is followed, and it is the other one: what is known of the trader comes by trades and by polls.
    mirror: '{users: 1, checkMaxAgeMs: 600000, showMaxAgeMs: 0, pollWeightPerMinute: 100000, pollsAtOnce: 16}',
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200}',
  })
  await gateway.price('BTC', '100000')
  trader = await new Trader(gateway, 'harbor').onboard('10000')
  other = await new Trader(gateway, 'harbor').onboard('10000')
  assert.equal((await other.place(order)).status, 'resting')
})
after(() => gateway?.stop())

const preview = (who) => who.call('POST', '/v1/orders/preview', order)
const alerts = async () => (await trader.ok('GET', '/v1/alerts?limit=100')).data.filter((a) => a.kind === 'drift')
const drifted = async () => Number(/^perpgate_mirror_drifted (\d+)$/m.exec((await request(gateway.admin, 'GET', '/metrics')).text)[1])

test('a trade that the venue never told is drift until the account is read again', async () => {
  const elsewhere = new Elsewhere(trader.account, { world: { venue: gateway.venue } })
  const { universe } = await gateway.venue.info({ type: 'meta' })
  const asset = universe.findIndex((m) => m.name === 'BTC')
  // Both are known, and judged without asking.
  for (const who of [trader, other]) {
    assert.equal((await preview(who)).status, 200)
    await who.ok('GET', '/v1/account')
  }
  await gateway.venue.fault('lostEvent', 1, { path: 'ws' })
  await elsewhere.exchange.order({ orders: [{ a: asset, b: true, p: '101000', s: '0.02', r: false, t: { limit: { tif: 'Ioc' } } }], grouping: 'na' })
  // It shows in the next state, and then no state comes any more.
  await trader.ok('GET', '/v1/account')
  await gateway.venue.fault('502', 100000, { path: 'info' })
  await until('the drift', async () => (await drifted()) === 1, GIVEN_UP)
  const [told] = await until('the alert', async () => {
    const found = await alerts()
    return found.length > 0 && found
  }, SOON)
  assert.equal(told.detail.drifted, true)
  assert.ok(told.detail.fields.includes('size'), JSON.stringify(told))
  assert.ok(Number(told.detail.amount) > 1000, JSON.stringify(told))
  // The other one is judged by what is known of him; this one by the venue alone, which does not answer.
  assert.equal((await preview(other)).status, 200)
  const refused = await preview(trader)
  assert.ok(refused.status === 502 || refused.status === 503 || refused.status === 504, refused.text)
  await gateway.venue.fault('none', 1)
  await until('the end of it', async () => (await drifted()) === 0, SOON)
  await until('word of its end', async () => (await alerts()).some((a) => a.detail.drifted === false), SOON)
  const { marginMode, leverage, ...plain } = order
  assert.equal((await trader.call('POST', '/v1/orders/preview', plain)).status, 200)
  const positions = (await trader.ok('GET', '/v1/positions')).data
  assert.deepEqual(positions.map((p) => [p.symbol, p.size, p.side]), [['BTC', '0.02', 'long']])
})
