// Requests that meet: approvals at the same time, one key on two requests, a cancel that names no market.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Trader, signTypedData, startDemo } from './harness.mjs'

const resting = (symbol, price) => ({ symbol, side: 'buy', type: 'limit', size: '0.1', price, leverage: 5 })

let gateway, trader
before(async () => {
  gateway = await startDemo()
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
  trader = await new Trader(gateway, 'meridian').onboard('10000')
})
after(() => gateway?.stop())

test('agent and builder fee approved at the same time: both hold', async () => {
  const who = new Trader(gateway, 'meridian')
  await gateway.venue.faucet(who.address, '1000')
  await who.signIn()
  const sent = []
  for (const path of ['/v1/agent', '/v1/builder-fee']) {
    const asked = await who.ok('POST', path, {})
    sent.push([path, await signTypedData(who.account, asked.typedData)])
  }
  await Promise.all([
    ...sent.map(([path, signature]) => who.ok('POST', `${path}/approve`, { signature })),
    who.ok('GET', '/v1/onboarding'),
  ])
  const placed = await who.place({ ...resting('BTC', '80000'), size: '0.002' })
  assert.equal(placed.status, 'resting')
  const order = placed.plan.find((s) => s.action === 'order')
  assert.match(order.builder, /^0x[0-9a-f]{40}$/, 'the fee is known to be approved')
  // Asked again it is done already, and named right.
  const again = await who.ok('POST', '/v1/builder-fee/approve', { signature: sent[1][1] })
  assert.equal(again.builder, order.builder)
  await who.ok('DELETE', `/v1/orders/${placed.id}`)
})

test('one key on cancels of two markets is a conflict, not the first answer', async () => {
  const btc = await trader.place(resting('BTC', '80000'))
  const headers = { 'Idempotency-Key': randomUUID() }
  const first = await trader.ok('DELETE', '/v1/orders?symbol=BTC', undefined, headers)
  assert.deepEqual(first.results.map((r) => [r.id, r.status]), [[btc.id, 'cancelled']])
  assert.equal(first.more, false)
  const eth = await trader.place({ ...resting('ETH', '3200') })
  await trader.refused(409, 'idempotency_conflict', 'DELETE', '/v1/orders?symbol=ETH', undefined, headers)
  await trader.ok('DELETE', `/v1/orders/${eth.id}`)
})

test('a mistyped market cancels nothing', async () => {
  const placed = await trader.place(resting('BTC', '80000'))
  for (const query of ['?symbol=', `?symbol=${'B'.repeat(40)}`, '?market=BTC', '?Symbol=BTC'])
    await trader.refused(400, 'invalid_request', 'DELETE', `/v1/orders${query}`)
  assert.equal((await trader.ok('GET', `/v1/orders/${placed.id}`)).status, 'resting')
  await trader.ok('DELETE', `/v1/orders/${placed.id}`)
})

test('a close that asks for less than the whole is refused, not done in full', async () => {
  await trader.place({ symbol: 'ETH', side: 'buy', type: 'market', size: '0.1', leverage: 5 })
  await trader.refused(400, 'invalid_request', 'DELETE', '/v1/positions/ETH', { size: '0.05' })
  assert.equal((await trader.position('ETH')).size, '0.1')
  await trader.ok('DELETE', '/v1/positions/ETH')
})

test('an order whose leverage is not known to be set was not sent, and does not stay unknown', async () => {
  await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
  const found = await trader.refused(504, 'outcome_unknown', 'POST', '/v1/orders', { ...resting('BTC', '80000'), leverage: 9 })
  assert.deepEqual(found.plan.map((s) => [s.action, s.status]), [['setLeverage', 'unknown'], ['order', 'skipped']])
  assert.equal(found.orderStatus, 'rejected')
  assert.equal(found.filledSize, '0')
  assert.match(found.detail, /the order was not sent/)
  assert.equal((await trader.ok('GET', `/v1/orders/${found.id}`)).status, 'rejected')
  assert.deepEqual((await trader.ok('GET', '/v1/orders')).data, [])
})
