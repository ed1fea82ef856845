// Many orders in one request: as few signed actions as can be, one result for each, and a bad one
// does not sink its neighbours.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, signsNothing, startConfigured } from './harness.mjs'

let gateway
let who

before(async () => {
  gateway = await startConfigured({
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}',
  })
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000'), gateway.price('SOL', '200')])
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  who = await new Trader(gateway, 'meridian').onboard('10000')
})

const bid = (symbol, price, size, more = {}) => ({ symbol, side: 'buy', type: 'limit', size, price, leverage: 5, ...more })
const batch = (orders, headers) => who.ok('POST', '/v1/orders/batch', { orders }, headers)
const open = async () => (await who.ok('GET', '/v1/orders')).data
async function sent(attempt) {
  const mine = async () => (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address)
  const first = (await mine()).length
  const answer = await attempt()
  return { answer, types: (await mine()).slice(first).map((row) => row.type), rows: (await mine()).slice(first) }
}

describe('a batch', () => {
  test('sets each leverage once, and places all plain orders in one action', async () => {
    const { answer, types, rows } = await sent(() =>
      batch([bid('BTC', '90000', '0.001'), bid('ETH', '3500', '0.01'), bid('BTC', '89000', '0.001'), bid('BTC', '88000', '0.001')]),
    )
    assert.deepEqual(types, ['updateLeverage', 'updateLeverage', 'order'])
    assert.equal(rows[2].action.orders.length, 4)
    assert.equal(rows[2].action.grouping, 'na')
    assert.deepEqual(answer.results.map((r) => [r.index, r.symbol, r.status]), [[0, 'BTC', 'resting'], [1, 'ETH', 'resting'], [2, 'BTC', 'resting'], [3, 'BTC', 'resting']])
    assert.deepEqual((await open()).map((o) => o.id).sort(), answer.results.map((r) => r.id).sort())
    assert.deepEqual(rows[2].action.orders.map((o) => o.c), answer.results.map((r) => r.id))
    assert.deepEqual(answer.results[0].plan.map((s) => [s.action, s.status]), [['setLeverage', 'done'], ['order', 'done']])
    assert.deepEqual(answer.results[2].plan.map((s) => [s.action, s.status]), [['order', 'done']])
  })

  test('an order with legs is an action of its own, and margin is moved after the fill', async () => {
    const { answer, types } = await sent(() =>
      batch([
        { symbol: 'ETH', side: 'buy', type: 'market', size: '0.1', leverage: 5, takeProfit: { triggerPrice: '5000' }, stopLoss: { triggerPrice: '3500' } },
        bid('BTC', '90000', '0.001'),
        { symbol: 'SOL', side: 'sell', type: 'market', margin: '200', leverage: 5 },
      ]),
    )
    const [eth, btc, sol] = answer.results
    assert.deepEqual([eth.status, btc.status, sol.status], ['filled', 'resting', 'filled'])
    assert.deepEqual(eth.legs.map((l) => l.status), ['triggerPending', 'triggerPending'])
    assert.equal(types.filter((t) => t === 'order').length, 2)
    assert.equal(sol.plan.at(-1).action, 'adjustMargin')
    assert.notEqual(sol.plan.at(-1).status, 'pending')
    const position = await who.position('SOL')
    assert.ok(Math.abs(Number(position.margin) - 200) < 0.01, position.margin)
    assert.equal((await who.position('ETH')).takeProfit.triggerPrice, '5000')
  })

  test('one bad order does not sink its neighbours: each gets its own refusal', async () => {
    const { answer, types, rows } = await sent(() =>
      batch([
        bid('BTC', '90000', '0.001'),
        bid('BTC', '90000.55', '0.001'),
        bid('NOPE', '1', '1'),
        { symbol: 'BTC', side: 'up' },
        bid('ETH', '3500', '0.0001'),
        bid('ETH', '3500', '0.01'),
      ]),
    )
    assert.deepEqual(answer.results.map((r) => r.error?.code ?? r.status), ['resting', 'invalid_tick', 'market_not_offered', 'invalid_request', 'order_too_small', 'resting'])
    for (const r of answer.results.filter((x) => x.error)) {
      assert.equal(r.status, 'rejected')
      assert.equal(typeof r.error.retryable, 'boolean')
      assert.ok(r.error.detail.length > 0)
    }
    assert.equal(types.filter((t) => t === 'order').length, 1)
    assert.equal(rows.at(-1).action.orders.length, 2)
  })

  test('what the venue refuses inside the action is told for that order alone', async () => {
    const { answer } = await sent(() => batch([bid('BTC', '90000', '0.001'), bid('BTC', '90000', '0.001', { timeInForce: 'ioc' }), bid('BTC', '89000', '0.001')]))
    assert.deepEqual(answer.results.map((r) => r.status), ['resting', 'rejected', 'resting'])
    assert.match(answer.results[1].error.venueMessage, /could not immediately match/)
    assert.equal((await who.ok('GET', `/v1/orders/${answer.results[1].id}`)).status, 'rejected')
  })

  test('earlier orders take from what later ones may use', async () => {
    const half = bid('BTC', '100000', '0.3', { leverage: 5, timeInForce: 'alo', price: '99000' }) // 5940 of 10000
    const { answer } = await sent(() => batch([half, half, bid('ETH', '3500', '0.1')]))
    assert.deepEqual(answer.results.map((r) => r.error?.code ?? r.status), ['resting', 'insufficient_margin', 'resting'])
  })

  test('a symbol has one leverage in a batch', async () => {
    const { answer } = await sent(() => batch([bid('BTC', '90000', '0.001'), bid('BTC', '89000', '0.001', { leverage: 7 }), bid('BTC', '88000', '0.001', { leverage: undefined })]))
    assert.deepEqual(answer.results.map((r) => r.error?.code ?? r.status), ['resting', 'invalid_request', 'resting'])
    assert.equal(answer.results[1].error.fields[0].field, 'leverage')
  })

  test('leverage that was changed for orders that were all refused is put back', async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 3 })
    const { answer, types, rows } = await sent(() => batch([bid('BTC', '90000', '0.001', { timeInForce: 'ioc', leverage: 10 })]))
    assert.equal(answer.results[0].status, 'rejected')
    assert.deepEqual(types, ['updateLeverage', 'order', 'updateLeverage'])
    assert.deepEqual(rows.filter((r) => r.type === 'updateLeverage').map((r) => r.action.leverage), [10, 3])
    assert.deepEqual(answer.results[0].plan.map((s) => [s.action, s.status, s.putBack]), [['setLeverage', 'done', undefined], ['order', 'failed', undefined], ['setLeverage', 'done', true]])
  })

  test('an order that only reduces does not keep a leverage that others asked for', async () => {
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', marginMode: 'cross', leverage: 5 })
    const { answer, types, rows } = await sent(() =>
      batch([bid('BTC', '90000', '0.001', { timeInForce: 'ioc', marginMode: 'cross', leverage: 10 }), { symbol: 'BTC', side: 'sell', type: 'limit', size: '0.005', price: '110000', reduceOnly: true }]),
    )
    assert.deepEqual(answer.results.map((r) => r.status), ['rejected', 'resting'])
    assert.deepEqual(types, ['updateLeverage', 'order', 'updateLeverage'])
    assert.deepEqual(rows.filter((r) => r.type === 'updateLeverage').map((r) => r.action.leverage), [10, 5])
    assert.equal((await who.position('BTC')).leverage, 5)
  })

  test('the same key again gets the first answer; another body a conflict', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    const orders = [bid('BTC', '90000', '0.001'), bid('BTC', '90000.55', '0.001')]
    const first = await batch(orders, key)
    const { answer, types } = await sent(() => who.call('POST', '/v1/orders/batch', { orders }, key))
    assert.deepEqual(answer.json, first)
    assert.equal(answer.headers['idempotent-replayed'], 'true')
    assert.deepEqual(types, [])
    await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders/batch', { orders: [orders[0]] }, key)
  })

  test('the same request twice at once is sent once', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    const orders = [bid('BTC', '90000', '0.001'), bid('ETH', '3500', '0.01')]
    const { answer, types } = await sent(() => Promise.all([1, 2, 3].map(() => who.call('POST', '/v1/orders/batch', { orders }, key))))
    const [first] = answer.filter((a) => a.status === 200)
    assert.ok(first, answer[0].text)
    for (const one of answer)
      if (one.status === 200) assert.deepEqual(one.json, first.json)
      else assert.deepEqual([one.status, one.json.code, one.json.retryable], [409, 'in_progress', true])
    assert.equal(types.filter((t) => t === 'order').length, 1)
  })

  test('a client id is used once, in a batch too', async () => {
    await who.place(bid('BTC', '90000', '0.001', { clientId: 'a' }))
    const answer = await batch([bid('BTC', '89000', '0.001', { clientId: 'a' }), bid('BTC', '88000', '0.001', { clientId: 'b' }), bid('BTC', '87000', '0.001', { clientId: 'b' })])
    assert.deepEqual(answer.results.map((r) => r.error?.code ?? r.status), ['idempotency_conflict', 'resting', 'idempotency_conflict'])
    assert.equal((await open()).length, 2)
    assert.equal((await who.ok('GET', `/v1/orders/${answer.results[1].id}`)).clientId, 'b')
  })

  test('an answer that is lost is found out order by order, and nothing is sent twice', async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const { answer, types } = await sent(() => batch([bid('BTC', '90000', '0.001'), bid('BTC', '89000', '0.001')]))
    assert.deepEqual(answer.results.map((r) => r.status), ['resting', 'resting'])
    assert.deepEqual(types, ['order'])
    assert.equal((await open()).length, 2)
  })

  test('what can not be found out is told as unknown for those orders, and not sent again', async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
    const legged = { symbol: 'ETH', side: 'buy', type: 'limit', size: '0.1', price: '3900', leverage: 5, stopLoss: { triggerPrice: '3500' } }
    await who.ok('PUT', '/v1/positions/ETH/leverage', { marginMode: 'isolated', leverage: 5 })
    await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
    const { answer, types } = await sent(() => batch([bid('BTC', '90000', '0.001'), legged, bid('BTC', '89000', '0.001')]))
    assert.deepEqual(answer.results.map((r) => [r.status, r.error?.code]), [['unknown', 'outcome_unknown'], ['resting', undefined], ['unknown', 'outcome_unknown']])
    assert.deepEqual(types, ['order'])
    assert.equal((await who.ok('GET', `/v1/orders/${answer.results[0].id}`)).status, 'unknown')
    assert.deepEqual(answer.results[0].plan.map((s) => [s.action, s.status]), [['order', 'unknown']])
  })

  test('an order whose leverage could not be set is not sent; others are', async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
    await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
    const { answer, types } = await sent(() => batch([bid('ETH', '3500', '0.01', { leverage: 7 }), bid('BTC', '90000', '0.001')]))
    assert.deepEqual(answer.results.map((r) => r.status), ['rejected', 'resting'])
    assert.deepEqual(answer.results[0].plan.map((s) => [s.action, s.status]), [['setLeverage', 'unknown'], ['order', 'skipped']])
    assert.deepEqual(types, ['order'])
  })

  test('the whole is refused where it is none', async () => {
    await signsNothing(gateway, async () => {
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', {})
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', { orders: [] })
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', { orders: {} })
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', { orders: [1] })
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', { orders: [bid('BTC', '90000', '0.001')], more: true })
      await who.refused(400, 'invalid_request', 'POST', '/v1/orders/batch', { orders: Array(21).fill(bid('BTC', '90000', '0.001')) })
      const stranger = new Trader(gateway, 'meridian')
      await stranger.signIn()
      await stranger.refused(403, 'agent_not_approved', 'POST', '/v1/orders/batch', { orders: [bid('BTC', '90000', '0.001')] })
    })
  })

  test('twenty orders are one action', async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
    const orders = Array.from({ length: 20 }, (_, i) => bid('BTC', String(90000 - 100 * i), '0.001'))
    const { answer, types } = await sent(() => batch(orders))
    assert.deepEqual(types, ['order'])
    assert.equal(answer.results.every((r) => r.status === 'resting'), true)
    assert.equal((await open()).length, 20)
  })
})
