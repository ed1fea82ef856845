// An order that stands takes another price, size or trigger in one action, and is never there twice.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, signsNothing, startConfigured, until } from './harness.mjs'

let gateway
let who

before(async () => {
  gateway = await startConfigured({
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}',
  })
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  who = await new Trader(gateway, 'meridian').onboard('10000')
})

const bid = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '90000', leverage: 5 }
const open = () => gateway.venue.info({ type: 'frontendOpenOrders', user: who.address })
const modifies = async () =>
  (await gateway.venue.ledger()).filter((row) => row.type === 'batchModify' && row.account?.toLowerCase() === who.address)

describe('a resting order', () => {
  test('takes another price; both ids are told, one order stands', async () => {
    const first = await who.place(bid)
    const second = await who.ok('PATCH', `/v1/orders/${first.id}`, { price: '91000' })
    assert.equal(second.status, 'resting')
    assert.notEqual(second.id, first.id)
    assert.equal(second.replaced.id, first.id)
    assert.equal(second.replaced.status, 'cancelled')
    assert.equal(second.plan.length, 1)
    assert.deepEqual([second.plan[0].action, second.plan[0].status], ['modify', 'done'])
    assert.equal(second.risk.marginRequired, '182')
    const orders = await open()
    assert.deepEqual(orders.map((o) => [o.cloid, Number(o.limitPx), o.sz]), [[second.id, 91000, '0.01']])
    assert.equal((await who.ok('GET', `/v1/orders/${first.id}`)).status, 'cancelled')
    assert.equal((await who.ok('GET', `/v1/orders/${second.id}`)).status, 'resting')
    const [row] = await modifies()
    assert.equal('a' in row.action, false, 'an order that filled meanwhile would be placed again')
    assert.equal(row.action.modifies[0].order.t.limit.tif, 'Alo')
  })

  test('takes another size, by the number of the venue too', async () => {
    const first = await who.place(bid)
    const { venueOrderId } = await who.ok('GET', `/v1/orders/${first.id}`)
    const second = await who.ok('PATCH', `/v1/orders/${venueOrderId}`, { size: '0.02', price: '89000' })
    assert.deepEqual([second.size, second.price], ['0.02', '89000'])
    assert.equal(second.risk.warnings.some((w) => w.code === 'becomes_post_only'), true)
  })

  test('frees its own margin for the new one', async () => {
    const first = await who.place({ ...bid, size: '0.5' }) // 9000 of 10000
    const second = await who.ok('PATCH', `/v1/orders/${first.id}`, { price: '92000' })
    assert.equal(second.status, 'resting')
    await signsNothing(gateway, () => who.refused(422, 'insufficient_margin', 'PATCH', `/v1/orders/${second.id}`, { size: '0.6' }))
  })

  test('the same key again gets the first answer, and nothing is sent', async () => {
    const first = await who.place(bid)
    const key = { 'Idempotency-Key': randomUUID() }
    const change = { price: '91000' }
    const second = await who.ok('PATCH', `/v1/orders/${first.id}`, change, key)
    const again = await who.call('PATCH', `/v1/orders/${first.id}`, change, key)
    assert.deepEqual(again.json, second)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.equal((await modifies()).length, 1)
    await who.refused(409, 'idempotency_conflict', 'PATCH', `/v1/orders/${first.id}`, { price: '92000' }, key)
  })

  test('one that would meet the book at once is refused by the venue, and the answer tells what stands', async () => {
    const first = await who.place(bid)
    const found = await who.refused(422, 'venue_rejected', 'PATCH', `/v1/orders/${first.id}`, { price: '110000' })
    assert.match(found.venueMessage, /immediately matched/)
    const stands = (await open()).length === 1
    assert.equal(found.replaced.status, stands ? 'resting' : 'cancelled')
    assert.equal(found.orderStatus, 'rejected')
  })

  test('an answer that is lost is found out: one order stands', async () => {
    const first = await who.place(bid)
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const second = await who.ok('PATCH', `/v1/orders/${first.id}`, { price: '91000' })
    assert.equal(second.status, 'resting')
    assert.deepEqual((await open()).map((o) => o.cloid), [second.id])
    assert.equal((await modifies()).length, 1)
  })
})

describe('a stop', () => {
  test('takes another trigger, and stays reduce-only', async () => {
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
    const stop = await who.place({ symbol: 'BTC', side: 'sell', type: 'stopMarket', size: '0.02', triggerPrice: '95000', reduceOnly: true })
    const moved = await who.ok('PATCH', `/v1/orders/${stop.id}`, { triggerPrice: '96000' })
    assert.equal(moved.status, 'triggerPending')
    assert.equal((await who.position('BTC')).stopLoss.triggerPrice, '96000')
    assert.equal((await open()).length, 1)
    assert.equal((await modifies())[0].action.a, true)
    await signsNothing(gateway, async () => {
      await who.refused(422, 'stop_beyond_liquidation', 'PATCH', `/v1/orders/${moved.id}`, { triggerPrice: '80000' })
      await who.refused(400, 'invalid_request', 'PATCH', `/v1/orders/${moved.id}`, { price: '95000' })
    })
  })
})

describe('what is refused', () => {
  test('is refused before anything is signed', async () => {
    const { id } = await who.place(bid)
    const bad = [
      [400, 'invalid_request', {}],
      [400, 'invalid_request', { side: 'sell' }],
      [400, 'invalid_request', { price: 91000 }],
      [400, 'invalid_request', { triggerPrice: '91000' }],
      [422, 'invalid_tick', { price: '91000.55' }],
      [422, 'invalid_lot', { size: '0.0000001' }],
      [422, 'order_too_small', { size: '0.00001' }],
    ]
    await signsNothing(gateway, async () => {
      for (const [status, code, body] of bad) await who.refused(status, code, 'PATCH', `/v1/orders/${id}`, body)
      await who.refused(404, 'not_found', 'PATCH', `/v1/orders/0x${'0'.repeat(32)}`, { price: '91000' })
      await who.refused(404, 'not_found', 'PATCH', '/v1/orders/nonsense', { price: '91000' })
    })
    await who.ok('DELETE', `/v1/orders/${id}`)
    await signsNothing(gateway, () => who.refused(404, 'not_found', 'PATCH', `/v1/orders/${id}`, { price: '91000' }))
  })

  test("another trader's order is nobody's", async () => {
    const { id } = await who.place(bid)
    const other = await new Trader(gateway, 'meridian').onboard('1000')
    await signsNothing(gateway, () => other.refused(404, 'not_found', 'PATCH', `/v1/orders/${id}`, { price: '91000' }))
    await until('it stands', async () => (await open()).length === 1)
  })
})
