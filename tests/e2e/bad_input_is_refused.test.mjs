// Whatever a stranger or a mistaken client sends gets its code; nothing is signed, nothing breaks.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, problem, rawAnswer, rawExchange, signsNothing, startConfigured, startDemo } from './harness.mjs'

let gateway
let trader // of meridian; holds 0.01 BTC isolated at 10x; another one for each group: limits are per account
let harbor

async function holder() {
  const who = await new Trader(gateway, 'meridian').onboard('10000')
  const opened = await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', leverage: 10 })
  assert.equal(opened.status, 'filled')
  return who
}

before(async () => {
  gateway = await startDemo()
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000'), gateway.price('SOL', '100'), gateway.price('SILVER', '75')])
  trader = await holder()
  harbor = await new Trader(gateway, 'harbor').onboard('10000')
})
after(() => gateway?.stop())

const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000', leverage: 10 }
const market = { symbol: 'BTC', side: 'buy', type: 'market', notional: '100', leverage: 10 }

// Both of the order routes refuse, alike and before anything is signed.
// A path that names nothing: not found, or refused for a character that no path here has.
async function nowhere(code, method, path, body) {
  const answer = await trader.call(method, path, body)
  if (answer.status === 400) problem(answer, 400, 'invalid_request')
  else problem(answer, 404, code)
}

async function refusedOrder(body, status, code, { who = trader, field, hint } = {}) {
  for (const path of ['/v1/orders/preview', '/v1/orders']) {
    const found = await who.refused(status, code, 'POST', path, body)
    if (field) assert.ok(found.fields.some((f) => f.field === field), `names ${field}: ${JSON.stringify(found)}`)
    if (hint) assert.match(found.hint ?? '', hint, JSON.stringify(found))
  }
}

const signed = [
  ['POST', '/v1/orders'],
  ['POST', '/v1/orders/preview'],
  ['PUT', '/v1/positions/BTC/leverage'],
  ['POST', '/v1/positions/BTC/margin'],
]
const all = [...signed, ['POST', '/v1/auth/login'], ['POST', '/v1/auth/challenge']]

test('what the bad ones are made from is good', async () => {
  await trader.preview(order)
  await trader.preview(market)
  await trader.preview({ ...order, price: '99000', takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
})

describe('bodies', () => {
  before(async () => {
    trader = await holder()
  })

  const bodies = {
    'cut off': '{"symbol":"BTC"',
    'a trailing comma': '{"symbol":"BTC",}',
    'two documents': '{}{}',
    'rubbish behind': '{} x',
    'bare words': '{symbol:BTC}',
    'single quotes': "{'symbol':'BTC'}",
    'a comment': '{/* x */}',
    'an array': '[]',
    'null': 'null',
    'a string': '"symbol"',
    'a number': '7',
    'NaN': '{"size":NaN}',
    'Infinity': '{"size":Infinity}',
    '1e400': '{"size":1e400}',
    'an integer beyond 64 bits': '{"leverage":99999999999999999999999999}',
    'a NUL': '{"symbol":"B\\u0000TC"}',
    'a lone surrogate': '{"symbol":"\\ud800"}',
    'bytes that are no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    'a byte order mark': Buffer.from('\ufeff{}'),
    'only blanks': '   ',
    'a duplicate field': '{"symbol":"BTC","symbol":"ETH"}',
    'a duplicate leverage': '{"leverage":5,"leverage":50}',
    'a duplicate amount': '{"amount":"1","amount":"-1"}',
  }
  for (const [name, body] of Object.entries(bodies))
    test(name, () =>
      signsNothing(gateway, async () => {
        for (const [method, path] of all) await trader.refused(400, 'invalid_request', method, path, body)
      }),
    )

  test('deep nesting', () =>
    signsNothing(gateway, async () => {
      const deep = ['['.repeat(400) + ']'.repeat(400), '{"a":'.repeat(160) + '1' + '}'.repeat(160), '['.repeat(1000)]
      for (const body of deep) for (const [method, path] of all) await trader.refused(400, 'invalid_request', method, path, body)
      const deeper = '{"takeProfit":'.repeat(1000) + '1' + '}'.repeat(1000)
      for (const path of ['/v1/orders', '/v1/orders/preview']) await trader.refused(400, 'invalid_request', 'POST', path, deeper)
      const brackets = '['.repeat(16000)
      for (const path of ['/v1/orders', '/v1/orders/preview']) await trader.refused(400, 'invalid_request', 'POST', path, brackets)
    }))

  test('larger than the route takes', () =>
    signsNothing(gateway, async () => {
      const limits = [['POST', '/v1/orders', 16384], ['POST', '/v1/orders/preview', 16384], ['PUT', '/v1/positions/BTC/leverage', 1024],
        ['POST', '/v1/positions/BTC/margin', 1024], ['POST', '/v1/auth/login', 8192], ['POST', '/v1/auth/challenge', 1024]]
      for (const [method, path, most] of limits) {
        const body = (n) => `{"x":"${'a'.repeat(n - 8)}"}`
        await trader.refused(400, 'invalid_request', method, path, body(most)) // an unknown field, but read
        await trader.refused(413, 'payload_too_large', method, path, body(most + 1))
      }
    }))

  test('a body where none belongs', () =>
    signsNothing(gateway, async () => {
      await trader.refused(400, 'invalid_request', 'DELETE', '/v1/orders', { symbol: 'BTC' })
      await trader.refused(400, 'invalid_request', 'GET', '/v1/account', { a: 1 })
    }))

  test('another media type', () =>
    signsNothing(gateway, async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data; boundary=x'])
        for (const [method, path] of signed)
          await trader.refused(415, 'invalid_request', method, path, JSON.stringify(order), { 'Content-Type': type })
    }))

  test('nothing at all names what is required', () =>
    signsNothing(gateway, async () => {
      const fields = async (method, path) => (await trader.refused(400, 'invalid_request', method, path)).fields.map((f) => f.field).sort()
      assert.deepEqual(await fields('POST', '/v1/orders'), ['side', 'symbol', 'type'])
      assert.deepEqual(await fields('PUT', '/v1/positions/BTC/leverage'), ['leverage'])
      assert.deepEqual(await fields('POST', '/v1/positions/BTC/margin'), ['amount'])
      assert.deepEqual(await fields('POST', '/v1/auth/login'), ['message', 'signature'])
      assert.deepEqual(await fields('POST', '/v1/auth/challenge'), ['address'])
    }))
})

describe('fields', () => {
  before(async () => {
    trader = await holder()
  })

  const notDecimals = [0.001, 1, 'NaN', 'Infinity', '1e400', '1e3', '1E-3', '-0.001', '-1', '0', '0.0', '-0', '+1', ' 1', '1 ', '0x10', '1,000',
    '1_000', '\uff11', '', '.', '-', '1..2', '1.2.3', null, true, [], {}, ['1'], '9'.repeat(40), '0.000000001', '1'.repeat(300)]

  test('decimals are plain positive strings', () =>
    signsNothing(gateway, async () => {
      for (const value of notDecimals)
        for (const field of ['size', 'price']) await trader.refused(400, 'invalid_request', 'POST', '/v1/orders', { ...order, [field]: value })
      const { size: _, ...sized } = order
      for (const value of notDecimals)
        for (const field of ['notional', 'margin']) await trader.refused(400, 'invalid_request', 'POST', '/v1/orders', { ...sized, [field]: value })
    }))

  test('the field at fault is named', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, size: 0.25 }, 400, 'invalid_request', { field: 'size' })
      await refusedOrder({ ...order, price: 90000 }, 400, 'invalid_request', { field: 'price' })
      await refusedOrder({ ...order, takeProfit: { triggerPrice: 110000 } }, 400, 'invalid_request', { field: 'takeProfit.triggerPrice' })
      await refusedOrder({ ...order, stopLoss: {} }, 400, 'invalid_request', { field: 'stopLoss.triggerPrice' })
      await refusedOrder({ ...order, leverage: '10' }, 400, 'invalid_request', { field: 'leverage' })
    }))

  test('unknown fields', () =>
    signsNothing(gateway, async () => {
      for (const field of ['Size', 'sizes', 'vault', '__proto__', 'constructor', '', 'a'.repeat(500), 'symbol\n', '$where'])
        await refusedOrder(JSON.stringify(order).replace('{', `{${JSON.stringify(field)}:1,`), 400, 'invalid_request')
      await refusedOrder({ ...order, stopLoss: { triggerPrice: '85000', size: '1' } }, 400, 'invalid_request', { field: 'stopLoss.size' })
      await trader.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/leverage', { leverage: 5, symbol: 'BTC' })
      await trader.refused(400, 'invalid_request', 'POST', '/v1/positions/BTC/margin', { amount: '1', mode: 'isolated' })
      await trader.refused(400, 'invalid_request', 'POST', '/v1/auth/login', { message: 'x', signature: '0x', address: trader.address })
    }))

  test('words that are none', () =>
    signsNothing(gateway, async () => {
      for (const side of ['long', 'BUY', 'b', '', 1, null, true]) await refusedOrder({ ...order, side }, 400, 'invalid_request', { field: 'side' })
      for (const type of ['Limit', 'twap', '', 0]) await refusedOrder({ ...order, type }, 400, 'invalid_request', { field: 'type' })
      for (const timeInForce of ['GTC', 'fok', 1]) await refusedOrder({ ...order, timeInForce }, 400, 'invalid_request', { field: 'timeInForce' })
      for (const marginMode of ['Isolated', 'both', 1]) await refusedOrder({ ...order, marginMode }, 400, 'invalid_request', { field: 'marginMode' })
      for (const reduceOnly of ['true', 1, null]) await refusedOrder({ ...order, reduceOnly }, 400, 'invalid_request', { field: 'reduceOnly' })
      for (const takeProfit of ['110000', 1, [], null, true]) await refusedOrder({ ...order, takeProfit }, 400, 'invalid_request', { field: 'takeProfit' })
    }))

  test('a leverage is a whole number', () =>
    signsNothing(gateway, async () => {
      for (const leverage of ['10', 10.5, 0, -1, 1001, null, true, [], '1e1']) {
        await refusedOrder({ ...order, leverage }, 400, 'invalid_request', { field: 'leverage' })
        await trader.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/leverage', { leverage })
      }
      await trader.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/leverage', '{"leverage":1e1}')
    }))

  test('exactly one of size, notional and margin', () =>
    signsNothing(gateway, async () => {
      const { size: _, ...none } = order
      await refusedOrder(none, 400, 'invalid_request', { field: 'size' })
      await refusedOrder({ ...order, notional: '100' }, 400, 'invalid_request')
      await refusedOrder({ ...order, margin: '100' }, 400, 'invalid_request')
      await refusedOrder({ ...none, notional: '100', margin: '10' }, 400, 'invalid_request')
    }))

  test('what does not go with the type of order', () =>
    signsNothing(gateway, async () => {
      const { price: _, ...unpriced } = order
      await refusedOrder(unpriced, 400, 'invalid_request', { field: 'price' })
      await refusedOrder({ ...market, price: '90000' }, 400, 'invalid_request', { field: 'price' })
      await refusedOrder({ ...market, timeInForce: 'gtc' }, 400, 'invalid_request', { field: 'timeInForce' })
      await refusedOrder({ ...market, triggerPrice: '90000' }, 400, 'invalid_request', { field: 'triggerPrice' })
      await refusedOrder({ ...order, slippage: '0.01' }, 400, 'invalid_request', { field: 'slippage' })
      for (const slippage of ['0', '-0.01', '1.5', '0.06', '1', 0.01]) await refusedOrder({ ...market, slippage }, 400, 'invalid_request', { field: 'slippage' })
      const stop = { symbol: 'BTC', side: 'sell', type: 'stopMarket', size: '0.01', reduceOnly: true }
      await refusedOrder(stop, 400, 'invalid_request', { field: 'triggerPrice' })
      await refusedOrder({ ...stop, triggerPrice: '101000' }, 400, 'invalid_request', { field: 'triggerPrice' })
      await refusedOrder({ ...stop, type: 'takeProfitMarket', triggerPrice: '99000' }, 400, 'invalid_request', { field: 'triggerPrice' })
      await refusedOrder({ ...stop, triggerPrice: '95000', reduceOnly: false }, 400, 'invalid_request', { field: 'reduceOnly' })
      await refusedOrder({ ...order, takeProfit: { triggerPrice: '89000' } }, 400, 'invalid_request', { field: 'takeProfit.triggerPrice' })
      await refusedOrder({ ...order, stopLoss: { triggerPrice: '90001' } }, 400, 'invalid_request', { field: 'stopLoss.triggerPrice' })
    }))

  test('client ids and idempotency keys', () =>
    signsNothing(gateway, async () => {
      for (const clientId of ['', 'a'.repeat(64), 'a\nb', 7, null]) await refusedOrder({ ...order, clientId }, 400, 'invalid_request', { field: 'clientId' })
      for (const key of ['a b', 'x'.repeat(300), 'caf\u00e9'])
        await trader.refused(400, 'invalid_request', 'POST', '/v1/orders', order, { 'Idempotency-Key': key })
    }))
})

describe('the venue\'s and the brand\'s rules', () => {
  before(async () => {
    trader = await holder()
  })

  test('off-tick prices name the nearest valid ones', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, price: '90000.5' }, 422, 'invalid_tick', { field: 'price', hint: /\b90000\b.*\b90001\b/ })
      await refusedOrder({ ...order, price: '9123.45' }, 422, 'invalid_tick', { field: 'price', hint: /\b9123\.4\b.*\b9123\.5\b/ })
      await refusedOrder({ ...order, symbol: 'SOL', size: '1', price: '91.23456' }, 422, 'invalid_tick', { field: 'price', hint: /\b91\.234\b.*\b91\.235\b/ })
      await refusedOrder({ ...order, price: '99000', takeProfit: { triggerPrice: '110000.5' } }, 422, 'invalid_tick', { field: 'takeProfit.triggerPrice', hint: /\b110000\b.*\b110001\b/ })
      await refusedOrder({ ...order, price: '99000', stopLoss: { triggerPrice: '95000', price: '94000.7' } }, 422, 'invalid_tick', { field: 'stopLoss.price', hint: /\b94000\b.*\b94001\b/ })
    }))

  test('off-lot sizes name the nearest valid ones', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, size: '0.001234' }, 422, 'invalid_lot', { field: 'size', hint: /\b0\.00123\b.*\b0\.00124\b/ })
      await refusedOrder({ ...order, symbol: 'SOL', size: '1.005', price: '90' }, 422, 'invalid_lot', { field: 'size', hint: /\b1\b.*\b1\.01\b/ })
      await refusedOrder({ ...market, notional: undefined, size: '0.00000001' }, 422, 'invalid_lot', { field: 'size', hint: /\b0\.00001\b/ })
    }))

  test('below 10 dollars', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, size: '0.00011' }, 422, 'order_too_small', { field: 'size', hint: /0\.00012\b/ })
      await refusedOrder({ ...market, notional: '9.99' }, 422, 'order_too_small', { field: 'notional' })
      await refusedOrder({ symbol: 'ETH', side: 'buy', type: 'limit', price: '4000', margin: '0.9', leverage: 10 }, 422, 'order_too_small', { field: 'margin' })
    }))

  test('symbols that are unknown, not offered, delisted or no symbols', () =>
    signsNothing(gateway, async () => {
      for (const symbol of ['NOPE', 'AAVE', 'btc', 'BTC ', '@1', 'BTC/USDC', '../BTC', 'xyz:BTC', "BTC'--"]) {
        await refusedOrder({ ...order, symbol }, 404, 'market_not_offered', { field: 'symbol' })
        const at = encodeURIComponent(symbol)
        if (symbol.includes('/')) continue
        await nowhere('market_not_offered', 'GET', `/v1/markets/${at}`)
        await nowhere('market_not_offered', 'GET', `/v1/markets/${at}/book`)
        await nowhere('market_not_offered', 'PUT', `/v1/positions/${at}/leverage`, { leverage: 2 })
        await nowhere('market_not_offered', 'POST', `/v1/positions/${at}/margin`, { amount: '1' })
      }
      await refusedOrder({ ...order, symbol: 'MATIC', size: '100', price: '1' }, 404, 'market_not_offered', { who: harbor })
      for (const symbol of ['', 'X'.repeat(200), 7, null]) await refusedOrder({ ...order, symbol }, 400, 'invalid_request', { field: 'symbol' })
      await trader.refused(404, 'market_not_offered', 'PUT', `/v1/positions/${'X'.repeat(60)}/leverage`, { leverage: 2 })
    }))

  test('margin modes that the market forbids', () =>
    signsNothing(gateway, async () => {
      const silver = { symbol: 'SILVER', side: 'buy', type: 'limit', size: '1', price: '70', leverage: 2 }
      await harbor.preview({ ...silver, marginMode: 'isolated' })
      await refusedOrder({ ...silver, marginMode: 'cross' }, 422, 'margin_mode_not_allowed', { who: harbor, field: 'marginMode' })
      await harbor.refused(422, 'margin_mode_not_allowed', 'PUT', '/v1/positions/SILVER/leverage', { marginMode: 'cross', leverage: 2 })
    }))

  test('leverages above market and brand', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, leverage: 41 }, 422, 'leverage_too_high', { field: 'leverage', hint: /\b40\b/ })
      await refusedOrder({ symbol: 'DOGE', side: 'buy', type: 'limit', size: '1000', price: '0.05', leverage: 6 }, 422, 'leverage_too_high', { hint: /\b5\b/ })
      await trader.refused(422, 'leverage_too_high', 'PUT', '/v1/positions/BTC/leverage', { leverage: 41 })
      await trader.refused(422, 'leverage_too_high', 'PUT', '/v1/positions/DOGE/leverage', { leverage: 10 })
      await harbor.refused(422, 'leverage_too_high', 'PUT', '/v1/positions/DOGE/leverage', { leverage: 11 })
    }))

  test('a mode change with an open position', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, marginMode: 'cross' }, 422, 'margin_mode_not_allowed', { field: 'marginMode' })
      const found = await trader.refused(422, 'margin_mode_not_allowed', 'PUT', '/v1/positions/BTC/leverage', { marginMode: 'cross', leverage: 10 })
      assert.match(found.fields[0].message, /0\.01/, 'names the position')
      assert.match(found.hint, /close/)
    }))

  test('more than the account can cover', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, size: '10' }, 422, 'insufficient_margin')
      await refusedOrder({ symbol: 'ETH', side: 'buy', type: 'limit', price: '4000', margin: '20000', leverage: 2 }, 422, 'insufficient_margin')
    }))

  test('a position that would open too close to its liquidation', () =>
    signsNothing(gateway, () => refusedOrder({ symbol: 'ETH', side: 'buy', type: 'limit', size: '0.1', price: '4080', timeInForce: 'alo', leverage: 25 }, 422, 'liquidation_too_close')))

  test('stops beyond the liquidation price', () =>
    signsNothing(gateway, async () => {
      const { liquidationPrice } = await trader.position('BTC')
      const stop = { symbol: 'BTC', side: 'sell', type: 'stopMarket', size: '0.01', reduceOnly: true }
      const beyond = Math.floor(Number(liquidationPrice)).toString()
      await refusedOrder({ ...stop, triggerPrice: beyond }, 422, 'stop_beyond_liquidation', { field: 'triggerPrice' })
      await trader.preview({ ...stop, triggerPrice: '95000' })
      const legs = { symbol: 'ETH', side: 'buy', type: 'limit', size: '0.1', price: '4000', leverage: 10 }
      await refusedOrder({ ...legs, stopLoss: { triggerPrice: '3600' } }, 422, 'stop_beyond_liquidation', { field: 'stopLoss.triggerPrice' })
      await trader.preview({ ...legs, stopLoss: { triggerPrice: '3800' } })
      const short = { ...legs, side: 'sell' }
      await refusedOrder({ ...short, stopLoss: { triggerPrice: '4400' } }, 422, 'stop_beyond_liquidation', { field: 'stopLoss.triggerPrice' })
      await trader.preview({ ...short, stopLoss: { triggerPrice: '4200' } })
    }))

  test('reduce-only orders that would increase', () =>
    signsNothing(gateway, async () => {
      await refusedOrder({ ...order, leverage: undefined, reduceOnly: true }, 422, 'reduce_only_would_increase')
      await refusedOrder({ symbol: 'ETH', side: 'sell', type: 'limit', size: '0.1', price: '4100', reduceOnly: true }, 422, 'reduce_only_would_increase')
    }))

  test('margin that can not be moved', () =>
    signsNothing(gateway, async () => {
      const margin = (amount, status, code) => trader.refused(status, code, 'POST', '/v1/positions/BTC/margin', { amount })
      for (const amount of [500, 'NaN', '1e3', '0', '-0', '', null, '0.0000001', '-0.0000001', '9'.repeat(30), '--1', '+1'])
        await margin(amount, 400, 'invalid_request')
      const most = await margin('-99', 422, 'margin_not_removable')
      assert.match(most.hint, /at most [\d.]+ can be removed/)
      assert.match(most.fields[0].message, /\d/, 'shows the numbers')
      await margin('1000000', 422, 'insufficient_margin')
      await trader.refused(404, 'not_found', 'POST', '/v1/positions/ETH/margin', { amount: '10' })
    }))
})

describe('what belongs to others', () => {
  before(async () => {
    trader = await holder()
  })

  test('ids of another trader, and ids that are none', async () => {
    const other = await new Trader(gateway, 'meridian').onboard('1000')
    const mine = await trader.place({ ...order, size: '0.002', price: '80000' })
    const { venueOrderId } = await trader.ok('GET', `/v1/orders/${mine.id}`)
    await signsNothing(gateway, async () => {
      for (const who of [other, harbor])
        for (const id of [mine.id, venueOrderId]) {
          await who.refused(404, 'not_found', 'GET', `/v1/orders/${id}`)
          await who.refused(404, 'not_found', 'DELETE', `/v1/orders/${id}`)
        }
      const none = ['0', '-1', '1e5', '0x12', '9'.repeat(40), `0x${'g'.repeat(32)}`, `0x${'0'.repeat(31)}`, `0x${'ab'.repeat(16)}`, 'null', '1%27%20or%201%3D1', '%F0%9F%92%A9', '999999999']
      for (const id of none) {
        await nowhere('not_found', 'GET', `/v1/orders/${id}`)
        await nowhere('not_found', 'DELETE', `/v1/orders/${id}`)
      }
      assert.deepEqual((await other.ok('GET', '/v1/orders')).data, [])
      assert.deepEqual((await other.ok('DELETE', '/v1/orders')).results, [])
      assert.deepEqual((await other.ok('GET', '/v1/positions')).data, [])
      await other.refused(404, 'not_found', 'GET', '/v1/positions/BTC')
      await other.refused(404, 'not_found', 'DELETE', '/v1/positions/BTC')
    })
    assert.equal((await trader.ok('GET', `/v1/orders/${mine.id}`)).status, 'resting')
    await trader.ok('DELETE', `/v1/orders/${mine.id}`)
  })
})

describe('on the wire', () => {
  before(async () => {
    trader = await holder()
  })

  const head = (line, more = '') => `${line} HTTP/1.1\r\nHost: meridian.localhost\r\nAuthorization: Bearer ${trader.token}\r\n${more}\r\n`
  const body = JSON.stringify(order)

  // Refused with an answer, or the connection ends: in any case nothing is served.
  async function notServed(bytes) {
    const text = await rawExchange(gateway.http, bytes, { ms: 15000 })
    const status = /^HTTP\/1\.[01] (\d+)/.exec(text)?.[1]
    assert.ok(!status || status[0] === '4', `${JSON.stringify(bytes.slice(0, 200))}: ${text}`)
  }

  async function refusedRaw(bytes, statuses, code = 'invalid_request') {
    const text = await rawExchange(gateway.http, bytes)
    const answer = rawAnswer(text)
    assert.ok([statuses].flat().includes(answer.status), `${JSON.stringify(bytes.slice(0, 200))}: ${text}`)
    assert.equal(answer.code, code, text)
  }

  test('paths that climb', () =>
    signsNothing(gateway, async () => {
      const paths = ['/../../etc/passwd', '/v1/../v1/nothing', '/v1/markets/%2e%2e/%2e%2e/etc/passwd', '/v1/markets/..%2f..%2fetc%2fpasswd', '//v1/nothing',
        '/v1/./nothing', '/brand/logo/../../master.key', '/v1/markets/BTC%00', '/v1/markets/%zz', '/v1/markets/%', '/v1/markets/B\\TC',
        '/v1/markets/%5c..%5c', '/v1/markets/%ff', '/v1/brand#x', 'v1/brand', 'http://meridian.localhost/v1/brand', '*', '/v1/orders?symbol=BTC&symbol=ETH', '/v1/orders?symbol=%zz']
      for (const path of paths) await notServed(head(`GET ${path}`, 'Connection: close\r\n'))
    }))

  test('paths of no route', () =>
    signsNothing(gateway, async () => {
      for (const path of ['/v2/brand', '/v1', '/v1/brand/', '/v1/orders/1/2', '/V1/brand', '/.git/config', '/paper/faucet', '/metrics', '/info/', '/exchange/1', `/${'a'.repeat(2000)}`])
        problem(await gateway.call('GET', path, { host: trader.host }), 404, 'not_found')
    }))

  test('Transfer-Encoding', () =>
    signsNothing(gateway, async () => {
      const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      const json = 'Content-Type: application/json\r\n'
      for (const coding of ['chunked', 'Chunked', 'gzip, chunked', 'identity', 'xchunked', ' chunked'])
        await refusedRaw(head('POST /v1/orders', `${json}Transfer-Encoding: ${coding}\r\n`) + chunked, 411)
      await refusedRaw(head('POST /v1/orders', `${json}Transfer-Encoding: chunked\r\nContent-Length: ${body.length}\r\n`) + chunked, 400)
      await refusedRaw(head('POST /v1/orders', `${json}Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`) + body, 400)
      await refusedRaw(head('GET /v1/account', 'Transfer-Encoding: chunked\r\n') + '0\r\n\r\n', 411)
    }))

  test('bad Content-Length', () =>
    signsNothing(gateway, async () => {
      const json = 'Content-Type: application/json\r\n'
      for (const length of ['abc', '-1', '+5', '0x10', '5, 5', '5 5', '5.0', '', '1e2', '99999999999999999999', '\u00b2'])
        await refusedRaw(head('POST /v1/orders', `${json}Content-Length: ${length}\r\n`) + body, 400)
      await refusedRaw(head('POST /v1/orders', `${json}Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n`) + body, 400)
      await refusedRaw(head('POST /v1/orders', `${json}Content-Length: 5\r\nContent-Length: ${body.length}\r\n`) + body, 400)
      await refusedRaw(head('POST /v1/orders', json) + body, 411)
      await refusedRaw(head('POST /v1/orders', `${json}Content-Length: 70000\r\n`), 413, 'payload_too_large')
      await refusedRaw(head('POST /v1/orders', `${json}Content-Length: 999999999999\r\n`), 413, 'payload_too_large')
    }))

  test('a length shorter than the body cuts it, and the rest is no second order', () =>
    signsNothing(gateway, async () => {
      const text = await rawExchange(gateway.http, head('POST /v1/orders', `Content-Type: application/json\r\nContent-Length: ${body.length - 1}\r\n`) + body + '\r\n\r\n', { ms: 15000 })
      assert.equal(rawAnswer(text).status, 400, text)
      for (const answer of text.matchAll(/HTTP\/1\.1 (\d+)/g)) assert.match(answer[1], /^4/)
    }))

  test('heads that are none', () =>
    signsNothing(gateway, async () => {
      const heads = ['GET /v1/brand\r\n\r\n', 'GET /v1/brand HTTP/1.1\r\nConnection: close\r\n\r\n', head('GET /v1/account', 'Connection: close\r\nHost: harbor.localhost\r\n'),
        head('GET /v1/account', 'Connection: close\r\nAuthorization: Bearer x\r\n'), 'GET /v1/brand HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000\r\n\r\n',
        head('BREW /v1/brand', 'Connection: close\r\n'), head('GET /v1/brand', `X-Long: ${'a'.repeat(70000)}\r\n`), `GET /${'a'.repeat(70000)} HTTP/1.1\r\nHost: x\r\n\r\n`]
      for (const bytes of heads) await notServed(bytes)
    }))

  test('a host that is no brand', () =>
    signsNothing(gateway, async () => {
      for (const host of ['example.com', 'localhost', '127.0.0.1', 'meridian.localhost.evil.example', 'x.meridian.localhost'])
        problem(await gateway.call('GET', '/v1/account', { host, token: trader.token }), 404, 'not_found')
    }))
})

describe('clients that do not go on', () => {
  let strict
  before(async () => {
    strict = await startConfigured({ limits: '{requestDeadlineMs: 400, idleKeepAliveMs: 400}' })
  })
  after(() => strict?.stop())

  const ways = {
    'nothing at all': '',
    'half a request line': 'GET /v1/br',
    'half a head': 'POST /v1/auth/challenge HTTP/1.1\r\nHost: meridian.localhost\r\n',
    'half a body': 'POST /v1/auth/challenge HTTP/1.1\r\nHost: meridian.localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"address"',
  }
  for (const [name, bytes] of Object.entries(ways))
    test(`${name}: the connection ends, and no answer is taken for a success`, async () => {
      for (const half of [false, true]) {
        const text = await rawExchange(strict.http, bytes, { half })
        if (text) assert.match(text, /^HTTP\/1\.1 4\d\d /)
      }
      await strict.healthy()
    })

  test('one byte at a time is too slow as well', async () => {
    const { connect } = await import('node:net')
    const { port } = new URL(strict.http)
    const ended = await new Promise((done) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) })
      const bytes = `GET /v1/brand HTTP/1.1\r\nHost: meridian.localhost\r\nX-Pad: ${'a'.repeat(4000)}`
      let at = 0
      const drip = setInterval(() => socket.write(bytes[at++ % bytes.length]), 20)
      const bound = setTimeout(() => finish('still open'), 8000)
      const finish = (how) => {
        clearInterval(drip)
        clearTimeout(bound)
        socket.destroy()
        done(how)
      }
      socket.on('data', () => {})
      socket.on('error', () => finish('ended'))
      socket.on('end', () => finish('ended'))
      socket.on('close', () => finish('ended'))
    })
    assert.equal(ended, 'ended')
    await strict.healthy()
  })

  test('many slow clients at once leave the others served', async () => {
    const slow = Array.from({ length: 60 }, () => rawExchange(strict.http, 'GET /v1/brand HTTP/1.1\r\nHost: mer'))
    await strict.healthy()
    const answer = await strict.call('GET', '/v1/brand', { host: strict.host('meridian') })
    assert.equal(answer.status, 200)
    for (const text of await Promise.all(slow)) if (text) assert.match(text, /^HTTP\/1\.1 4\d\d /)
  })
})
