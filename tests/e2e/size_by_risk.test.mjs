// A size by its risk: the order that comes with it is previewed and placed as it is, loses at its stop
// what was asked to be lost, fees included, and is not liquidated before.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, signsNothing, startDemo, until } from './harness.mjs'

const seed = Number(process.env.SEED ?? Date.now() % 1000000)
let gateway

before(async () => {
  gateway = await startDemo()
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000'), gateway.price('SOL', '100'), gateway.price('XRP', '2')])
})
after(() => gateway?.stop())

const trader = (brand = 'meridian', amount = '50000') => new Trader(gateway, brand).onboard(amount)
const size = (who, body) => who.ok('POST', '/v1/risk/size', body)
const sum = (fees) => Number(fees.venue) + Number(fees.builder)

// What one lot more would lose at the stop, and with it what a size may stay below the risk.
async function lotLoss(who, sized) {
  const { sizeStep } = await who.ok('GET', `/v1/markets/${sized.symbol}`)
  return Number(sizeStep) * (Number(sized.lossAtStop) / Number(sized.size))
}

async function isExact(who, sized, label) {
  const [risk, loss] = [Number(sized.riskAmount), Number(sized.lossAtStop)]
  assert.ok(loss <= risk, `${label}: ${loss} is above ${risk}`)
  assert.ok(risk - loss <= (await lotLoss(who, sized)) * 1.001, `${label}: ${loss} of ${risk}`)
  const moved = Math.abs(Number(sized.entryPrice) - Number(sized.stopPrice)) * Number(sized.size)
  assert.ok(Math.abs(sum(sized.fees) - sum(sized.fees.entry) - sum(sized.fees.stop)) < 1e-9, label)
  assert.ok(Math.abs(moved + sum(sized.fees.entry) + sum(sized.fees.stop) - loss) < 1e-4, `${label}: the parts of ${loss}`)
}

function isBehindStop(sized, buffer, label) {
  if (sized.liquidationPrice === null) return
  const [stop, liquidation] = [Number(sized.stopPrice), Number(sized.liquidationPrice)]
  if (sized.side === 'buy') assert.ok(liquidation <= stop * (1 - buffer) + 1e-6, label)
  else assert.ok(liquidation >= stop * (1 + buffer) - 1e-6, label)
}

test(`the order that comes with a size previews to the same figures (SEED=${seed})`, async () => {
  let state = seed
  const below = (n) => ((state = (state * 48271 + 11) % 2147483647), state % n)
  const traders = [await trader('meridian'), await trader('harbor')]
  await signsNothing(gateway, async () => {
    for (let n = 0; n < 60; n++) {
      const who = traders[n % 2]
      const [symbol, at] = [['BTC', 100000], ['ETH', 4000], ['SOL', 100], ['XRP', 2]][below(4)]
      const side = below(2) ? 'buy' : 'sell'
      const away = (side === 'buy' ? -1 : 1) * (0.005 + below(300) / 1000)
      const tick = (price) => String(Number(price.toPrecision(4)))
      const body = { symbol, side, stopPrice: tick(at * (1 + away)) }
      if (below(2)) body.entryPrice = tick(at * (1 + (below(21) - 10) / 1000 + away / 10))
      if (below(2)) body.riskAmount = String(20 + below(300))
      else body.riskPercent = String((1 + below(10)) / 10)
      const buffer = below(2) ? 0.01 : (1 + below(40)) / 1000
      if (buffer !== 0.01) body.liquidationBuffer = String(buffer)
      const label = `SEED=${seed} ${JSON.stringify(body)}`
      const answer = await who.call('POST', '/v1/risk/size', body)
      assert.equal(answer.status, 200, `${label}: ${answer.text}`)
      const sized = answer.json
      await isExact(who, sized, label)
      isBehindStop(sized, buffer, label)
      const preview = await who.preview(sized.order)
      assert.deepEqual(preview.risk, sized.risk, label)
      assert.deepEqual(preview.after.freeCollateral, sized.after.freeCollateral, label)
      for (const [a, b] of [[preview.size, sized.size], [preview.notional, sized.notional], [preview.expectedPrice, sized.entryPrice], [preview.risk.leverage, sized.leverage],
        [preview.risk.marginRequired, sized.margin], [preview.after.liquidationPrice, sized.liquidationPrice], [preview.risk.liquidationDistance, sized.liquidationDistance], [sized.marginMode, 'isolated']])
        assert.equal(a, b, label)
      assert.deepEqual(preview.risk.fees, sized.fees.entry, label)
      assert.ok(Number(sized.margin) >= Number(sized.marginNeeded), label)
    }
  })
})

test('a higher leverage than the one answered would be liquidated too near the stop', async () => {
  const who = await trader('harbor')
  const sized = await size(who, { symbol: 'ETH', side: 'buy', stopPrice: '3700', riskAmount: '100', liquidationBuffer: '0.02' })
  const { stopLoss, ...order } = sized.order
  const more = await who.preview({ ...order, leverage: order.leverage + 1 })
  assert.ok(Number(more.risk.liquidationPrice) > 3700 * 0.98)
  assert.equal(stopLoss.triggerPrice, '3700')
})

describe('placed and stopped out, it has lost what was asked for', () => {
  for (const [brand, symbol, side, from, stop, more] of [
    ['meridian', 'BTC', 'buy', '100000', '97000', { riskAmount: '250' }],
    ['meridian', 'ETH', 'sell', '4000', '4300', { riskPercent: '1' }],
    ['harbor', 'SOL', 'buy', '100', '80', { riskAmount: '500', liquidationBuffer: '0.03' }],
    ['harbor', 'XRP', 'sell', '2', '2.05', { riskAmount: '77.7' }],
    ['meridian', 'ETH', 'buy', '4000', '3990', { riskAmount: '60', liquidationBuffer: '0.001' }],
    ['meridian', 'SOL', 'buy', '100', '95', { riskAmount: '120', entryPrice: '101' }],
  ])
    test(`${side} ${symbol} at ${brand}, stop ${stop}, ${JSON.stringify(more)}`, async () => {
      const who = await trader(brand)
      await gateway.price(symbol, from)
      const equity = Number((await who.ok('GET', '/v1/account')).equity)
      const sized = await size(who, { symbol, side, stopPrice: stop, ...more })
      if (more.riskPercent) assert.equal(Number(sized.riskAmount), (equity * Number(more.riskPercent)) / 100)
      assert.equal((await who.place(sized.order)).status, 'filled')
      assert.equal((await who.position(symbol)).liquidationPrice, sized.liquidationPrice)
      // The venue moves its mark to the stop, and no further.
      await gateway.price(symbol, stop)
      await until('the stop has closed it', async () => (await who.call('GET', `/v1/positions/${symbol}`)).status === 404)
      const { data: fills } = await who.ok('GET', `/v1/fills?symbol=${symbol}`)
      const [entries, exits] = [fills.filter((f) => f.side === side), fills.filter((f) => f.side !== side)]
      assert.ok(exits.length > 0 && exits.every((f) => !/liquid/i.test(f.direction ?? '')), JSON.stringify(exits))
      const total = (rows, of) => rows.reduce((all, row) => all + of(row), 0)
      assert.ok(Math.abs(total(exits, (f) => Number(f.size)) - Number(sized.size)) < 1e-9)
      const sign = side === 'buy' ? 1 : -1
      const value = (rows) => total(rows, (f) => Number(f.price) * Number(f.size))
      const fees = total(fills, (f) => sum(f.fees))
      const lost = sign * (value(entries) - value(exits)) + fees
      // How far the market order filled from the stop is the market's, not the size's.
      const slipped = sign * (Number(stop) * Number(sized.size) - value(exits))
      const lot = await lotLoss(who, sized)
      const risk = Number(sized.riskAmount)
      assert.ok(Math.abs(lost - slipped - risk) <= lot + Math.abs(slipped) * 0.001 + 1e-4, `lost ${lost}, slipped ${slipped}, asked ${risk}, a lot is ${lot}`)
      const left = Number((await who.ok('GET', '/v1/account')).equity)
      assert.ok(Math.abs(equity - left - lost) < 1e-3, `${equity} - ${left} is ${lost}`)
      await gateway.price(symbol, from)
    })
})

test('in a dex of a builder it is that collateral, that equity and those fees', async () => {
  const symbol = 'xyz:GOLD'
  await gateway.price(symbol, '5000')
  const who = new Trader(gateway, 'harbor')
  await gateway.venue.control('POST', '/paper/faucet', { user: who.address, amount: '8000', dex: 'xyz' })
  await who.onboard('0.01')
  const sized = await size(who, { symbol, side: 'sell', stopPrice: '5200', riskPercent: '1.5' })
  assert.deepEqual([sized.collateral, sized.equity, sized.riskAmount, sized.before.freeCollateral], ['USDX', '8000', '120', '8000'])
  await isExact(who, sized, symbol)
  isBehindStop(sized, 0.01, symbol)
  assert.equal((await who.place(sized.order)).status, 'filled')
  const position = await who.position(symbol)
  assert.equal(position.liquidationPrice, sized.liquidationPrice)
  assert.equal(position.margin, sized.after.position.margin)
  const { data } = await who.ok('GET', `/v1/fills?symbol=${encodeURIComponent(symbol)}`)
  const paid = data.reduce((all, fill) => all + sum(fill.fees), 0)
  assert.ok(Math.abs(paid - sum(sized.fees.entry)) < 1e-5, `${paid} paid, ${JSON.stringify(sized.fees)}`)
})

describe('refusals show their numbers', () => {
  const ask = { symbol: 'ETH', side: 'buy', stopPrice: '3800', riskAmount: '50' }
  let who
  before(async () => {
    who = await trader('meridian', '1000')
    await gateway.price('ETH', '4000')
  })

  for (const [what, more, status, code, field, says] of [
    ['a stop on the wrong side', { stopPrice: '4200' }, 400, 'invalid_request', 'stopPrice', /4200.*below.*40/],
    ['a risk too small for the venue', { riskAmount: '0.01' }, 422, 'order_too_small', 'riskAmount', /minimum.*10/],
    ['more than the account can carry', { riskAmount: '900', stopPrice: '3990' }, 422, 'insufficient_margin', undefined, /needs .* free is 1000/],
    ['two risks', { riskPercent: '1' }, 400, 'invalid_request', 'riskAmount', /exactly one/],
    ['no risk', { riskAmount: undefined }, 400, 'invalid_request', 'riskAmount', /exactly one/],
    ['more than all', { riskAmount: undefined, riskPercent: '100.1' }, 400, 'invalid_request', 'riskPercent', /100/],
    ['a stop off the tick', { stopPrice: '3800.123' }, 422, 'invalid_tick', 'stopPrice', /\d/],
    ['an entry off the tick', { entryPrice: '3900.123' }, 422, 'invalid_tick', 'entryPrice', /\d/],
    ['an unknown market', { symbol: 'NOTHING' }, 404, 'market_not_offered', 'symbol', /offered/],
    ['a number that is none', { stopPrice: 3800 }, 400, 'invalid_request', 'stopPrice', /./],
    ['a short whose stop is out of reach of its margin', { side: 'sell', stopPrice: '9000' }, 422, 'liquidation_too_close', 'stopPrice', /\d/],
    ['a buffer that leaves no price', { liquidationBuffer: '1' }, 422, 'liquidation_too_close', 'liquidationBuffer', /3800/],
  ])
    test(what, async () => {
      const refused = await who.refused(status, code, 'POST', '/v1/risk/size', { ...ask, ...more })
      assert.match(JSON.stringify([refused.detail, refused.errors ?? refused.fields ?? []]), says)
      if (field) assert.ok(JSON.stringify(refused).includes(`"${field}"`), JSON.stringify(refused))
    })

  test('a position that is open already', async () => {
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', margin: '100', leverage: 5 })
    const refused = await who.refused(400, 'invalid_request', 'POST', '/v1/risk/size', ask)
    assert.match(refused.detail, /long position of 0\.\d+ ETH/)
  })
})
