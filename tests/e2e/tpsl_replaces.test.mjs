// A position's take-profit and stop-loss are replaced whole: the new ones stand before the old ones go.
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
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'meridian').onboard('10000')
  await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
})

const put = (body, headers) => who.ok('PUT', '/v1/positions/BTC/tpsl', body, headers)
const open = () => gateway.venue.info({ type: 'frontendOpenOrders', user: who.address })
const mine = async () => (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address)

describe('protection of a position', () => {
  test('is set, bound to the position', async () => {
    const set = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000', price: '94500' } })
    assert.deepEqual(set.legs.map((l) => [l.kind, l.status, l.triggerPrice]), [['takeProfit', 'triggerPending', '110000'], ['stopLoss', 'triggerPending', '95000']])
    assert.equal(set.position.takeProfit.triggerPrice, '110000')
    assert.equal(set.position.stopLoss.price, '94500')
    const row = (await mine()).at(-1)
    assert.equal(row.action.grouping, 'positionTpsl')
    assert.equal((await open()).every((o) => o.isPositionTpsl && o.reduceOnly), true)
    assert.equal((await who.ok('GET', `/v1/orders/${set.legs[0].id}`)).status, 'triggerPending')
  })

  test('is replaced: the new stands before the old goes', async () => {
    const first = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    const second = await put({ stopLoss: { triggerPrice: '96000' } })
    assert.deepEqual(second.plan.map((s) => [s.action, s.status]), [['order', 'done'], ['cancel', 'done']])
    assert.deepEqual((await mine()).slice(-2).map((r) => r.type), ['order', 'cancel'])
    assert.equal(second.position.stopLoss.triggerPrice, '96000')
    assert.equal(second.position.takeProfit.id, first.legs[0].id, 'what is not named stays')
    assert.equal((await open()).length, 2)
    assert.equal((await who.ok('GET', `/v1/orders/${first.legs[1].id}`)).status, 'cancelled')
  })

  test('takes the place of the legs that the order came with', async () => {
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '1000', leverage: 5, takeProfit: { triggerPrice: '9000' } })
    const set = await who.ok('PUT', '/v1/positions/ETH/tpsl', { takeProfit: { triggerPrice: '8000' } })
    assert.equal(set.position.takeProfit.triggerPrice, '8000')
    assert.equal((await open()).filter((o) => o.coin === 'ETH').length, 1)
  })

  test('goes with null', async () => {
    await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    const none = await put({ takeProfit: null, stopLoss: null })
    assert.deepEqual([none.position.takeProfit, none.position.stopLoss], [null, null])
    assert.deepEqual(await open(), [])
    const again = await put({ takeProfit: null })
    assert.deepEqual(again.plan, [])
  })

  test('that is refused leaves the old one', async () => {
    const first = await put({ stopLoss: { triggerPrice: '95000' } })
    await signsNothing(gateway, async () => {
      await who.refused(422, 'stop_beyond_liquidation', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '80000' } })
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '101000' } })
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', {})
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: '95000' })
      await who.refused(422, 'invalid_tick', 'PUT', '/v1/positions/BTC/tpsl', { takeProfit: { triggerPrice: '110000.55' } })
      await who.refused(404, 'not_found', 'PUT', '/v1/positions/ETH/tpsl', { takeProfit: null })
      await who.refused(404, 'market_not_offered', 'PUT', '/v1/positions/NOPE/tpsl', { takeProfit: null })
    })
    assert.equal((await who.position('BTC')).stopLoss.id, first.legs[0].id)
  })

  test('the same key again gets the first answer', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await put({ stopLoss: { triggerPrice: '95000' } }, key)
    assert.deepEqual(await put({ stopLoss: { triggerPrice: '95000' } }, key), first)
    assert.equal((await open()).length, 1)
  })

  test('an answer that is lost is found out for both legs', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const set = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    assert.deepEqual(set.legs.map((l) => l.status), ['triggerPending', 'triggerPending'])
    assert.equal((await open()).length, 2)
  })

  test('ends with the position', async () => {
    await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    await who.ok('DELETE', '/v1/positions/BTC')
    assert.deepEqual(await open(), [])
  })
})
