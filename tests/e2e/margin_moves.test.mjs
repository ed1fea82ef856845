// Margin is moved, positions are opened, changed and closed; and every liquidation price that is
// shown is the venue's own, to the last digit.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, decimal, problem, signsNothing, startDemo } from './harness.mjs'

let gateway

before(async () => {
  gateway = await startDemo()
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000'), gateway.price('SOL', '100'), gateway.price('XRP', '1.5'), gateway.price('DOGE', '0.1')])
})
after(() => gateway?.stop())

const trader = (brand = 'meridian', amount = '10000') => new Trader(gateway, brand).onboard(amount)

// What preview, position and venue say of the liquidation price.
async function agree(who, symbol, preview) {
  const [position, venue] = [await who.position(symbol), await who.venuePosition(symbol)]
  assert.equal(position.liquidationPrice, venue.liquidationPx, 'position and venue')
  assert.equal(preview.risk.liquidationPrice, venue.liquidationPx, 'preview and venue')
  assert.equal(position.source, 'venue')
  return { position, venue }
}

describe('the liquidation price is one: in preview, position and at the venue', () => {
  const cases = []
  for (const side of ['buy', 'sell'])
    for (const marginMode of ['isolated', 'cross'])
      for (const type of ['market', 'limit'])
        for (const [symbol, leverage, how] of [['BTC', 10, { size: '0.05' }], ['ETH', 25, { notional: '3000' }], ['SOL', 3, { size: '7.31' }], ['XRP', 20, { notional: '1234.5' }]])
          cases.push({ side, marginMode, type, symbol, leverage, how })

  for (const brand of ['meridian', 'harbor'])
    test(`${cases.length} ways to open at ${brand}`, async () => {
      for (const { side, marginMode, type, symbol, leverage, how } of cases) {
        const who = await trader(brand, '4000')
        const order = { symbol, side, type, marginMode, leverage, ...how }
        if (type === 'limit') {
          const book = await who.ok('GET', `/v1/markets/${symbol}/book`)
          order.price = (side === 'buy' ? book.asks : book.bids)[0].price
          order.timeInForce = 'gtc'
        }
        const label = JSON.stringify(order)
        const preview = await who.preview(order)
        const placed = await who.place(order)
        assert.equal(placed.status, 'filled', label)
        assert.deepEqual(placed.plan.map((s) => [s.action, s.status]), preview.plan.map((s) => [s.action, 'done']), label)
        const { position } = await agree(who, symbol, preview)
        assert.equal(position.marginMode, marginMode, label)
        assert.equal(position.leverage, leverage, label)
        assert.equal(position.side, side === 'buy' ? 'long' : 'short', label)
        assert.equal(position.size, preview.size, label)
        await who.ok('DELETE', `/v1/positions/${symbol}`)
      }
    })

  test('a position that is added to, and one beside others in cross', async () => {
    const who = await trader('harbor', '20000')
    for (const order of [
      { symbol: 'BTC', side: 'buy', type: 'market', size: '0.05', marginMode: 'isolated', leverage: 10 },
      { symbol: 'ETH', side: 'sell', type: 'market', notional: '5000', marginMode: 'cross', leverage: 5 },
      { symbol: 'SOL', side: 'buy', type: 'market', notional: '3000', marginMode: 'cross', leverage: 10 },
      { symbol: 'BTC', side: 'buy', type: 'market', size: '0.03', leverage: 10 },
      { symbol: 'ETH', side: 'sell', type: 'market', notional: '1000', leverage: 5 },
      { symbol: 'SOL', side: 'sell', type: 'market', size: '5' }, // takes a part off
    ]) {
      const preview = await who.preview(order)
      assert.equal((await who.place(order)).status, 'filled')
      await agree(who, order.symbol, preview)
    }
  })
})

test('a position that flips has the liquidation price that was foretold', async () => {
  for (const [symbol, side, more] of [['SOL', 'buy', { margin: '46.40', leverage: 10 }], ['SUI', 'sell', { notional: '887.11', leverage: 7 }], ['ETH', 'buy', { notional: '235.72', leverage: 2 }]])
    for (const marginMode of ['cross', 'isolated']) {
      const who = await trader('meridian', '3000')
      if (symbol === 'SUI') await gateway.price('SUI', '1')
      await who.place({ symbol, side, type: 'market', marginMode, ...more })
      const flip = { symbol, side: side === 'buy' ? 'sell' : 'buy', type: 'market', notional: '1640.73', marginMode, leverage: more.leverage }
      const preview = await who.preview(flip)
      assert.equal((await who.place(flip)).status, 'filled')
      const { position } = await agree(who, symbol, preview)
      assert.equal(position.side, side === 'buy' ? 'short' : 'long')
    }
})

test('a limit order that meets the book is foretold at the prices it meets, or called an estimate', async () => {
  for (const side of ['buy', 'sell']) {
    const who = await trader('harbor', '3000')
    const order = { symbol: 'ETH', side, type: 'limit', notional: '1500', price: side === 'buy' ? '4010' : '3990', marginMode: 'isolated', leverage: 5 }
    const preview = await who.preview(order)
    await who.place(order)
    const { liquidationPx } = await who.venuePosition('ETH')
    if (preview.risk.liquidationPrice !== liquidationPx) {
      assert.equal(preview.risk.source, 'estimate')
      assert.ok(preview.risk.warnings.length > 0)
    }
  }
})

test('a preview signs nothing and changes nothing, without an agent too', async () => {
  const who = new Trader(gateway, 'meridian')
  await gateway.venue.faucet(who.address, '5000')
  await who.signIn()
  await signsNothing(gateway, async () => {
    for (const order of [
      { symbol: 'BTC', side: 'buy', type: 'market', margin: '100', leverage: 20, takeProfit: { triggerPrice: '110000' } },
      { symbol: 'ETH', side: 'sell', type: 'limit', size: '0.1', price: '4100', marginMode: 'cross', leverage: 3 },
    ]) {
      const { plan, id } = await who.preview(order)
      assert.equal(id, undefined)
      assert.deepEqual(plan.map((s) => s.status), plan.map(() => 'pending'))
    }
  })
  const { leverage } = await gateway.venue.info({ type: 'activeAssetData', user: who.address, coin: 'ETH' })
  assert.notEqual(leverage.value, 3)
})

describe('margin orders', () => {
  test('the margin asked for is what stands behind the position, and the most that is lost', async () => {
    const who = await trader()
    const order = { symbol: 'BTC', side: 'buy', type: 'market', margin: '1000', leverage: 10 }
    const preview = await who.preview(order)
    assert.equal(preview.risk.marginMode, 'isolated')
    assert.equal(preview.risk.maxLoss, '1000')
    assert.ok(Number(preview.notional) <= 10000 && Number(preview.notional) > 9990)
    assert.equal((await who.place(order)).status, 'filled')
    const { position, venue } = await agree(who, 'BTC', preview)
    assert.ok(Math.abs(Number(position.margin) - 1000) < 1, position.margin)
    assert.ok(Math.abs(Number(venue.marginUsed) - Number(position.marginUsed)) < 1e-6)
  })
})

describe('isolated margin', () => {
  test('added it moves the liquidation price away, removed closer; both sides agree on every number', async () => {
    for (const [side, away] of [['buy', -1], ['sell', 1]]) {
      const who = await trader()
      await who.place({ symbol: 'BTC', side, type: 'market', margin: '1000', leverage: 10 })
      const start = await who.position('BTC')
      let last = start
      for (const [amount, direction] of [['500', away], ['-200', -away], ['0.000001', 0], ['-0.5', -away]]) {
        const moved = await who.ok('POST', '/v1/positions/BTC/margin', { amount })
        assert.deepEqual(moved.plan.map((s) => [s.action, s.status, s.amount]), [['adjustMargin', 'done', amount]])
        assert.equal(moved.before.liquidationPrice, last.liquidationPrice)
        const venue = await who.venuePosition('BTC')
        assert.equal(moved.position.liquidationPrice, venue.liquidationPx)
        assert.equal(moved.risk.liquidationPrice, venue.liquidationPx, 'what was foretold')
        const step = Number(moved.position.liquidationPrice) - Number(last.liquidationPrice)
        if (direction) assert.equal(Math.sign(step), direction, `${side} ${amount}: ${step}`)
        const change = Number(moved.position.margin) - Number(last.margin)
        assert.ok(Math.abs(change - Number(amount)) < 1e-5, `${amount} moved ${change}`)
        last = moved.position
      }
    }
  })

  test('what must stay stays, and everything removable can be removed', async () => {
    const who = await trader()
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', margin: '1000', leverage: 10 })
    await who.ok('POST', '/v1/positions/BTC/margin', { amount: '300' })
    const { removableMargin } = await who.position('BTC')
    assert.match(removableMargin, decimal)
    const more = (Number(removableMargin) + 0.01).toFixed(6)
    await signsNothing(gateway, async () => {
      const refused = await who.refused(422, 'margin_not_removable', 'POST', '/v1/positions/BTC/margin', { amount: `-${more}` })
      assert.match(refused.hint, /at most [\d.]+ can be removed/)
      await who.refused(422, 'insufficient_margin', 'POST', '/v1/positions/BTC/margin', { amount: '100000' })
    })
    const least = (Math.floor(Number(removableMargin) * 1e6) / 1e6).toFixed(6).replace(/\.?0+$/, '')
    const moved = await who.ok('POST', '/v1/positions/BTC/margin', { amount: `-${least}` })
    assert.ok(Number(moved.position.removableMargin) < 0.01, 'nothing is left to remove')
  })

  test('cross positions have no margin of their own to move', async () => {
    const who = await trader('harbor')
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '1000', leverage: 5 })
    await signsNothing(gateway, () => who.refused(400, 'invalid_request', 'POST', '/v1/positions/ETH/margin', { amount: '10' }))
  })
})

describe('leverage', () => {
  test('up and down with a position, as far as its margin carries it', async () => {
    const who = await trader()
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.05', leverage: 10 })
    for (const leverage of [20, 15]) {
      const changed = await who.ok('PUT', '/v1/positions/BTC/leverage', { leverage })
      assert.deepEqual(changed.plan.map((s) => [s.action, s.status, s.leverage]), [['setLeverage', 'done', leverage]])
      assert.equal(changed.position.leverage, leverage)
      assert.equal((await who.venuePosition('BTC')).leverage.value, leverage)
      assert.equal(changed.risk.liquidationPrice, (await who.venuePosition('BTC')).liquidationPx)
    }
    await signsNothing(gateway, async () => {
      const same = await who.ok('PUT', '/v1/positions/BTC/leverage', { leverage: 15 })
      assert.deepEqual(same.plan, [], 'nothing to do, nothing signed')
      await who.refused(422, 'insufficient_margin', 'PUT', '/v1/positions/BTC/leverage', { leverage: 2 })
    })
  })

  test('mode and leverage of a flat symbol are set, and hold for the next order', async () => {
    const who = await trader()
    const set = await who.ok('PUT', '/v1/positions/ETH/leverage', { marginMode: 'cross', leverage: 7 })
    assert.deepEqual(set.plan.map((s) => [s.action, s.marginMode, s.leverage]), [['setLeverage', 'cross', 7]])
    assert.equal(set.position, null)
    const { leverage } = await gateway.venue.info({ type: 'activeAssetData', user: who.address, coin: 'ETH' })
    assert.deepEqual([leverage.type, leverage.value], ['cross', 7])
    const preview = await who.preview({ symbol: 'ETH', side: 'buy', type: 'market', notional: '100', marginMode: 'cross' })
    assert.equal(preview.risk.leverage, 7)
    assert.deepEqual(preview.plan.map((s) => s.action), ['order'])
  })

  test('a mode is not changed under open orders', async () => {
    const who = await trader()
    const order = { symbol: 'ETH', side: 'buy', type: 'limit', size: '0.1', price: '3500', leverage: 5 }
    const { id } = await who.place(order)
    await signsNothing(gateway, async () => {
      await who.refused(422, 'margin_mode_not_allowed', 'PUT', '/v1/positions/ETH/leverage', { marginMode: 'cross', leverage: 5 })
      await who.refused(422, 'margin_mode_not_allowed', 'POST', '/v1/orders', { ...order, marginMode: 'cross' })
    })
    await who.ok('DELETE', `/v1/orders/${id}`)
    await who.ok('PUT', '/v1/positions/ETH/leverage', { marginMode: 'cross', leverage: 5 })
  })
})

describe('take-profit and stop-loss', () => {
  const entry = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 }

  test('legs wait for their order, protect the position, and go with it', async () => {
    const who = await trader()
    const placed = await who.place({ ...entry, takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000', price: '94500' } })
    assert.equal(placed.status, 'filled')
    assert.deepEqual(placed.legs.map((l) => [l.kind, l.triggerPrice]), [['takeProfit', '110000'], ['stopLoss', '95000']])
    for (const leg of placed.legs) assert.equal(leg.status, 'triggerPending')
    const position = await who.position('BTC')
    assert.equal(position.takeProfit.triggerPrice, '110000')
    assert.equal(position.takeProfit.price, null, 'at market')
    assert.deepEqual([position.stopLoss.triggerPrice, position.stopLoss.price, position.stopLoss.size], ['95000', '94500', '0.02'])
    const open = (await who.ok('GET', '/v1/orders')).data
    assert.deepEqual(open.map((o) => [o.type, o.status, o.reduceOnly, o.side]).sort(), [
      ['stopLimit', 'triggerPending', true, 'sell'],
      ['takeProfitMarket', 'triggerPending', true, 'sell'],
    ])
    const { plan } = placed
    assert.equal(plan.find((s) => s.action === 'order').orders.length, 3)
  })

  test('the stop ends the position before its liquidation, and the take-profit goes with it', async () => {
    const alone = await startDemo()
    try {
      await alone.price('BTC', '100000')
      const who = await new Trader(alone, 'meridian').onboard('10000')
      const placed = await who.place({ ...entry, takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
      await alone.price('BTC', '94900')
      await who.refused(404, 'not_found', 'GET', '/v1/positions/BTC')
      assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
      const status = async (i) => (await who.ok('GET', `/v1/orders/${placed.legs[i].id}`)).status
      assert.deepEqual([await status(0), await status(1)], ['cancelled', 'filled'])
    } finally {
      await alone.stop()
    }
  })

  test('a stop for a position that is there, and one cancelled by its id', async () => {
    const who = await trader()
    await who.place(entry)
    const stop = await who.place({ symbol: 'BTC', side: 'sell', type: 'stopMarket', size: '0.02', triggerPrice: '96000', reduceOnly: true })
    assert.equal(stop.status, 'triggerPending')
    assert.equal((await who.position('BTC')).stopLoss.id, stop.id)
    assert.equal((await who.ok('DELETE', `/v1/orders/${stop.id}`)).status, 'cancelled')
    assert.equal((await who.position('BTC')).stopLoss, null)
  })
})

describe('orders', () => {
  const bid = (price, symbol = 'BTC', size = '0.001') => ({ symbol, side: 'buy', type: 'limit', size, price, leverage: 5 })

  test('rest, are listed, read and cancelled: by our id and by the venue\'s', async () => {
    const who = await trader()
    const a = await who.place({ ...bid('90000'), clientId: 'first', timeInForce: 'alo' })
    const b = await who.place(bid('91000'))
    assert.deepEqual([a.status, a.clientId, a.filledSize, a.averagePrice], ['resting', 'first', '0', null])
    const listed = (await who.ok('GET', '/v1/orders')).data
    assert.deepEqual(listed.map((o) => o.id).sort(), [a.id, b.id].sort())
    const read = await who.ok('GET', `/v1/orders/${a.id}`)
    assert.deepEqual([read.symbol, read.side, read.type, read.price, read.size, read.remainingSize, read.timeInForce, read.status], ['BTC', 'buy', 'limit', '90000', '0.001', '0.001', 'alo', 'resting'])
    assert.equal((await who.ok('GET', `/v1/orders/${read.venueOrderId}`)).id, a.id)
    assert.equal((await who.ok('DELETE', `/v1/orders/${a.id}`)).status, 'cancelled')
    const { venueOrderId } = await who.ok('GET', `/v1/orders/${b.id}`)
    assert.equal((await who.ok('DELETE', `/v1/orders/${venueOrderId}`)).status, 'cancelled')
    assert.equal((await who.ok('GET', `/v1/orders/${a.id}`)).status, 'cancelled')
    problem(await who.call('DELETE', `/v1/orders/${a.id}`), 404, 'not_found') // there is nothing left to cancel
    assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
  })

  test('all are cancelled, or those of a symbol', async () => {
    const who = await trader()
    const placed = []
    for (const [price, symbol, size] of [['90000', 'BTC', '0.001'], ['91000', 'BTC', '0.001'], ['3500', 'ETH', '0.01']]) placed.push(await who.place(bid(price, symbol, size)))
    assert.equal((await who.ok('GET', '/v1/orders?symbol=ETH')).data.length, 1)
    const btc = await who.ok('DELETE', '/v1/orders?symbol=BTC')
    assert.deepEqual(btc.results.map((r) => r.status), ['cancelled', 'cancelled'])
    assert.deepEqual(btc.results.map((r) => r.id).sort(), [placed[0].id, placed[1].id].sort())
    assert.deepEqual((await who.ok('GET', '/v1/orders')).data.map((o) => o.id), [placed[2].id])
    assert.equal((await who.ok('DELETE', '/v1/orders')).results.length, 1)
    assert.deepEqual((await who.ok('DELETE', '/v1/orders')).results, [])
  })

  test('an immediate order that meets nobody is told as refused by the venue', async () => {
    const who = await trader()
    const found = await who.refused(422, 'venue_rejected', 'POST', '/v1/orders', { ...bid('90000'), timeInForce: 'ioc' })
    assert.match(found.venueMessage, /could not immediately match/)
    assert.equal(found.status, 422)
    assert.equal(found.plan.find((s) => s.action === 'order').status, 'failed')
  })
})

describe('closing', () => {
  test('ends the position at market, reduce-only, whatever its side and mode', async () => {
    for (const side of ['buy', 'sell'])
      for (const marginMode of ['isolated', 'cross']) {
        const who = await trader()
        await who.place({ symbol: 'ETH', side, type: 'market', notional: '1000', marginMode, leverage: 5 })
        const closed = await who.ok('DELETE', '/v1/positions/ETH')
        assert.equal(closed.status, 'filled')
        assert.equal(closed.position, null)
        const order = closed.plan.find((s) => s.action === 'order').orders[0]
        assert.deepEqual([order.reduceOnly, order.side], [true, side === 'buy' ? 'sell' : 'buy'])
        assert.equal(await who.venuePosition('ETH'), undefined)
        await who.refused(404, 'not_found', 'GET', '/v1/positions/ETH')
        await who.refused(404, 'not_found', 'DELETE', '/v1/positions/ETH')
      }
  })

  test('a body that asks for something else is refused, and closes nothing', async () => {
    const who = await trader()
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '1000', leverage: 5 })
    await signsNothing(gateway, () => who.refused(400, 'invalid_request', 'DELETE', '/v1/positions/ETH', { size: '0.01' }))
    assert.equal((await who.position('ETH')).side, 'long')
  })

  test('a market that the brand does not offer can still be closed and its orders cancelled', async () => {
    const who = await trader('harbor')
    await gateway.price('AAVE', '100')
    await who.place({ symbol: 'AAVE', side: 'buy', type: 'market', notional: '500', leverage: 3 })
    // The same wallet at the brand that offers no AAVE.
    const there = new Trader(gateway, 'meridian')
    there.account = who.account
    there.address = who.address
    await there.signIn()
    await there.approve('/v1/agent')
    await signsNothing(gateway, () => there.refused(404, 'market_not_offered', 'POST', '/v1/orders', { symbol: 'AAVE', side: 'buy', type: 'market', notional: '100' }))
    assert.equal((await there.ok('DELETE', '/v1/positions/AAVE')).status, 'filled')
    assert.equal(await who.venuePosition('AAVE'), undefined)
  })
})

describe('the account', () => {
  test('equity, margins and fees are the venue\'s', async () => {
    const who = await trader('meridian', '5000')
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', leverage: 10 })
    await who.place({ symbol: 'ETH', side: 'sell', type: 'market', notional: '1000', marginMode: 'cross', leverage: 5 })
    const account = await who.ok('GET', '/v1/account')
    const state = await gateway.venue.info({ type: 'clearinghouseState', user: who.address })
    const [summary] = account.marginSummary
    const same = (a, b, what) => assert.ok(Math.abs(Number(a) - Number(b)) < 1e-5, `${what}: ${a} ${b}`)
    same(account.equity, state.marginSummary.accountValue, 'equity')
    same(summary.crossAccountValue, state.crossMarginSummary.accountValue, 'cross')
    same(summary.totalMarginUsed, state.marginSummary.totalMarginUsed, 'margin')
    same(summary.crossMaintenanceMargin, state.crossMaintenanceMarginUsed, 'maintenance')
    same(summary.withdrawable, state.withdrawable, 'withdrawable')
    assert.equal(account.positions, 2)
    assert.equal(account.accountMode, 'standard')
    assert.deepEqual(account.fees, { taker: '0.00045', maker: '0.00015', builder: '0.00025' })
  })
})
