// Margin by what it is to lead to: the liquidation price or the leverage asked for is the venue's
// afterwards, and not a unit of margin more than that takes is moved.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, signsNothing, startDemo } from './harness.mjs'

let gateway
let who

before(async () => {
  gateway = await startDemo()
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'meridian').onboard('10000')
})

const open = (side, more = {}) => who.place({ symbol: 'BTC', side, type: 'market', size: '0.05', leverage: 10, ...more })
const margin = (body) => who.ok('POST', '/v1/positions/BTC/margin', body)
const liquidation = async () => Number((await who.venuePosition('BTC')).liquidationPx)

describe('a liquidation price', () => {
  for (const [side, targets] of [['buy', ['85000', '91000', '60000.5']], ['sell', ['115000', '109500', '140000.5']]])
    test(`is reached, nearer and further: ${side}`, async () => {
      await open(side)
      for (const target of targets) {
        const moved = await margin({ targetLiquidationPrice: target })
        const price = await liquidation()
        // A unit of margin moves it by 0.00002: the target is met from the safe side.
        if (side === 'buy') assert.ok(price <= Number(target) && price > Number(target) - 0.0001, `${price} for ${target}`)
        else assert.ok(price >= Number(target) && price < Number(target) + 0.0001, `${price} for ${target}`)
        assert.equal(moved.plan[0].action, 'adjustMargin')
        assert.equal(moved.plan[0].status, 'done')
        assert.ok(Math.abs(Number(moved.position.liquidationPrice) - Number(target)) < 0.0001)
      }
    })

  test('that is there needs nothing', async () => {
    await open('buy')
    await margin({ targetLiquidationPrice: '85000' })
    await signsNothing(gateway, async () => assert.deepEqual((await margin({ targetLiquidationPrice: '85000' })).plan, []))
  })
})

describe('a leverage', () => {
  test('is reached by adding and by removing', async () => {
    await open('buy')
    for (const target of ['4', '2.5', '8']) {
      await margin({ targetLeverage: target })
      const p = await who.venuePosition('BTC')
      const now = Number(p.positionValue) / Number(p.marginUsed)
      assert.ok(now <= Number(target) + 1e-9 && now > Number(target) - 0.0001, `${now} for ${target}`)
    }
  })
})

describe('what is refused', () => {
  test('is refused as any amount is, under the name that was asked for', async () => {
    await open('buy')
    await signsNothing(gateway, async () => {
      const bad = [
        [400, 'invalid_request', {}],
        [400, 'invalid_request', { amount: '5', targetLeverage: '5' }],
        [400, 'invalid_request', { targetLiquidationPrice: '85000', targetLeverage: '5' }],
        [400, 'invalid_request', { targetLeverage: 5 }],
        [400, 'invalid_request', { targetLiquidationPrice: '0' }],
        [400, 'invalid_request', { targetLiquidationPrice: '100500' }],
        [422, 'margin_not_removable', { targetLiquidationPrice: '99000' }],
        [422, 'margin_not_removable', { targetLeverage: '30' }],
      ]
      for (const [status, code, body] of bad) await who.refused(status, code, 'POST', '/v1/positions/BTC/margin', body)
      const poor = await who.refused(422, 'insufficient_margin', 'POST', '/v1/positions/BTC/margin', { targetLeverage: '0.3' })
      assert.equal(poor.fields[0].field, 'targetLeverage')
      await who.refused(404, 'not_found', 'POST', '/v1/positions/ETH/margin', { targetLeverage: '5' })
    })
  })

  test('a cross position has none of its own', async () => {
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '500', marginMode: 'cross', leverage: 5 })
    await signsNothing(gateway, () => who.refused(400, 'invalid_request', 'POST', '/v1/positions/ETH/margin', { targetLeverage: '3' }))
  })
})
