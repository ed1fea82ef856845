// What has been: time and limits, a market's candles and funding, a trader's fills, funding and ledger.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, problem, startDemo, until } from './harness.mjs'

const HOUR = 3600000
let gateway
let host

before(async () => {
  gateway = await startDemo()
  host = gateway.host('harbor')
})
after(() => gateway?.stop())

const get = (path, headers) => gateway.call('GET', path, { host, headers })

async function ok(path) {
  const answer = await get(path)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

describe('time and limits', () => {
  test('the time is that of the gateway, in milliseconds', async () => {
    const { time } = await ok('/v1/time')
    assert.ok(Math.abs(time - Date.now()) < 60000)
    problem(await get('/v1/time?zone=utc'), 400, 'invalid_request')
  })

  test('limits show every budget that a request draws on', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const before = await trader.ok('GET', '/v1/limits')
    assert.equal(before.brand.id, 'harbor')
    assert.equal(before.session.limit, before.brand.requestsPerMinute)
    assert.ok(before.session.remaining < before.session.limit)
    assert.ok(before.networkAddress.remaining <= before.networkAddress.limit)
    assert.ok(before.venue.weightLeft <= before.venue.weightPerMinute)
    assert.ok(before.venue.reservedForOrders > 0)
    assert.equal(before.venueAddress.remaining, before.venueAddress.limit - before.venueAddress.used)
    assert.deepEqual(before.warnings, [])
    await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '500', leverage: 2 })
    const later = await trader.ok('GET', '/v1/limits')
    assert.ok(later.venueAddress.used > before.venueAddress.used)
    assert.ok(Number(later.venueAddress.volume) > 0)
  })

  test('limits need a session, and a venue that fails leaves the rest known', async () => {
    problem(await get('/v1/limits'), 401, 'unauthorized')
    const trader = await new Trader(gateway, 'harbor').onboard()
    await gateway.venue.fault('502', 8, { path: 'info' })
    const limits = await trader.ok('GET', '/v1/limits')
    await gateway.venue.fault('none', 1)
    assert.equal(limits.venueAddress, null)
    assert.equal(limits.warnings[0].code, 'venue_unavailable')
    assert.ok(limits.session.limit > 0)
  })
})

describe('candles', () => {
  test('lie in the window that was asked for, oldest first, at most limit', async () => {
    for (let i = 0; i < 4; i++) await gateway.venue.clock(60000)
    const end = Date.now() + HOUR
    const path = `/v1/markets/BTC/candles?interval=1m&start=${end - 2 * HOUR}&end=${end}&limit=20`
    // Waited for at the venue: the gateway's own answers are cached, and asking costs an allowance.
    await until('a few candles', async () => {
      const req = { coin: 'BTC', interval: '1m', startTime: end - 2 * HOUR, endTime: end }
      return (await gateway.venue.info({ type: 'candleSnapshot', req })).length > 3
    })
    const all = await ok(path)
    assert.equal(all.symbol, 'BTC')
    assert.equal(all.interval, '1m')
    assert.ok(all.data.length <= 20, `${all.data.length} candles`)
    for (const [i, c] of all.data.entries()) {
      if (i) assert.ok(c.openAt > all.data[i - 1].openAt)
      assert.equal(c.openAt % 60000, 0)
      assert.ok(Number(c.low) <= Number(c.open) && Number(c.close) <= Number(c.high))
      assert.match(c.open, /^\d+(\.\d+)?$/)
    }
    const [first, second, third] = all.data
    const some = await ok(`/v1/markets/BTC/candles?interval=1m&start=${first.openAt}&end=${third.openAt}`)
    assert.deepEqual(some.data.map((c) => c.openAt), [first.openAt, second.openAt], 'end is not in the window')
    const last = await ok(`/v1/markets/BTC/candles?interval=1m&start=${first.openAt}&end=${third.openAt}&limit=1`)
    assert.deepEqual(last.data.map((c) => c.openAt), [second.openAt], 'the newest of them')
  })

  test('the venue is asked once for many callers', async () => {
    const path = '/v1/markets/ETH/candles?interval=5m&limit=10'
    const count = async () => {
      const { text } = await adminMetrics()
      return Number(/requests_total\{kind="candleSnapshot",result="ok"\} (\d+)/.exec(text)?.[1] ?? 0)
    }
    const first = await count()
    const answers = await Promise.all(Array.from({ length: 8 }, () => get(path)))
    for (const a of answers) assert.equal(a.status, 200)
    assert.ok((await count()) - first <= 1)
  })

  test('bad windows are told', async () => {
    for (const [query, field] of [
      ['', 'interval'],
      ['interval=7m', 'interval'],
      ['interval=1m&limit=0', 'limit'],
      ['interval=1m&limit=5001', 'limit'],
      ['interval=1m&start=x', 'start'],
      ['interval=1m&start=2000&end=2000', 'start'],
      ['interval=1m&start=3000&end=2000', 'start'],
      ['interval=1m&from=2000', 'from'],
      [`interval=1m&start=0&end=${6000 * 60000}`, 'start'],
    ]) {
      const p = problem(await get(`/v1/markets/BTC/candles${query && '?'}${query}`), 400, 'invalid_request')
      assert.equal(p.fields[0].field, field, query)
    }
    problem(await get('/v1/markets/NOPE/candles?interval=1m'), 404, 'market_not_offered')
  })
})

function adminMetrics() {
  return fetch(`${gateway.admin}/metrics`).then(async (r) => ({ text: await r.text() }))
}

describe("a market's funding", () => {
  test('is listed by the hour', async () => {
    await gateway.venue.clock(HOUR)
    const now = Date.now()
    const rows = await until('a funding rate', async () => {
      const { data } = await ok(`/v1/markets/SOL/funding?start=${now - 5 * HOUR}&end=${now + 5 * HOUR}`)
      return data.length && data
    })
    for (const row of rows) assert.match(row.rate, /^-?\d+(\.\d+)?$/)
    const one = await ok(`/v1/markets/SOL/funding?start=${rows[0].time}&end=${rows[0].time + 1}`)
    assert.deepEqual(one.data, [rows[0]])
    const p = problem(await get(`/v1/markets/SOL/funding?start=0&end=${500 * HOUR}`), 400, 'invalid_request')
    assert.equal(p.hint, `start=${20 * HOUR}`)
  })
})

describe("a trader's history", () => {
  let trader
  const page = async (path) => {
    const { data, nextCursor } = await trader.ok('GET', path)
    return { data, nextCursor }
  }
  // Every page of a list, joined.
  async function all(path, limit) {
    const rows = []
    let cursor = ''
    for (let i = 0; i < 50; i++) {
      const more = path.includes('?') ? '&' : '?'
      const { data, nextCursor } = await page(`${path}${more}limit=${limit}${cursor && `&cursor=${cursor}`}`)
      assert.ok(data.length <= limit)
      rows.push(...data)
      if (!nextCursor) return rows
      cursor = nextCursor
    }
    return assert.fail('no end of pages')
  }

  before(async () => {
    trader = await new Trader(gateway, 'meridian').onboard('50000')
    for (let i = 0; i < 4; i++) {
      await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '400', leverage: 2 })
      await trader.place({ symbol: 'ETH', side: 'sell', type: 'market', notional: '300', leverage: 3 })
    }
  })

  test('fills show who took which part of the fee', async () => {
    const { data, nextCursor } = await page('/v1/fills')
    assert.ok(data.length >= 8)
    assert.equal(nextCursor, null)
    const venue = await gateway.venue.info({ type: 'userFills', user: trader.address })
    assert.equal(data.length, venue.length)
    for (const row of data) {
      const theirs = venue.find((f) => String(f.tid) === row.id && f.coin === row.symbol && f.time === row.time)
      assert.ok(theirs, 'the venue has this fill')
      assert.equal(Number(row.price), Number(theirs.px))
      assert.equal(Number(row.size), Number(theirs.sz))
      assert.equal(row.side, theirs.side === 'B' ? 'buy' : 'sell')
      assert.equal(row.fees.token, 'USDC')
      assert.ok(Math.abs(Number(row.fees.venue) + Number(row.fees.builder) - Number(theirs.fee)) < 1e-6)
      assert.equal(Number(row.fees.builder), Number(theirs.builderFee ?? 0))
    }
    assert.ok(data.some((row) => Number(row.fees.builder) > 0), 'the brand charges a fee')
  })

  test('pages of any size join to the same list, newest first', async () => {
    const whole = (await page('/v1/fills?limit=1000')).data
    for (let i = 1; i < whole.length; i++) assert.ok(whole[i].time <= whole[i - 1].time)
    for (const limit of [1, 3, whole.length, whole.length + 1])
      assert.deepEqual(await all('/v1/fills', limit), whole, `pages of ${limit}`)
  })

  test('a fill that arrives between two pages moves nothing', async () => {
    const whole = (await page('/v1/fills?limit=1000')).data
    const first = await page('/v1/fills?limit=3')
    await trader.place({ symbol: 'SOL', side: 'buy', type: 'market', notional: '100', leverage: 2 })
    const second = await page(`/v1/fills?limit=1000&cursor=${first.nextCursor}`)
    assert.deepEqual([...first.data, ...second.data], whole)
  })

  test('windows are half open and symbols filter', async () => {
    const whole = (await page('/v1/fills?limit=1000')).data
    const times = [...new Set(whole.map((row) => row.time))]
    const [newest, oldest] = [times[0], times.at(-1)]
    const inside = (await page(`/v1/fills?limit=1000&start=${oldest}&end=${newest}`)).data
    assert.deepEqual(inside, whole.filter((row) => row.time >= oldest && row.time < newest))
    assert.deepEqual((await page(`/v1/fills?end=${oldest}`)).data, [])
    const eth = await all('/v1/fills?symbol=ETH', 2)
    assert.deepEqual(eth, whole.filter((row) => row.symbol === 'ETH'))
    assert.deepEqual((await page('/v1/fills?symbol=NOPE')).data, [])
  })

  test('funding is listed as it was charged', async () => {
    await gateway.venue.clock(HOUR)
    const rows = await until('funding', async () => {
      const { data } = await page('/v1/funding')
      return data.length >= 2 && data
    })
    const theirs = await gateway.venue.info({ type: 'userFunding', user: trader.address, startTime: 0 })
    assert.equal(rows.length, theirs.length)
    for (const row of rows) {
      const one = theirs.find((p) => p.time === row.time && p.delta.coin === row.symbol)
      assert.equal(Number(row.amount), Number(one.delta.usdc))
      assert.equal(Number(row.positionSize), Number(one.delta.szi))
    }
    assert.deepEqual(await all('/v1/funding', 1), rows)
  })

  test('the ledger has deposits', async () => {
    const { data } = await page('/v1/ledger')
    assert.equal(data.at(-1).type, 'deposit')
    assert.equal(Number(data.at(-1).amount), 50000)
    assert.equal(data.at(-1).token, 'USDC')
    await trader.refused(400, 'invalid_request', 'GET', '/v1/ledger?symbol=BTC')
  })

  test('CSV has the same rows, quoted and with the cursor in a header', async () => {
    const { data } = await page('/v1/fills?limit=2')
    const answer = await trader.call('GET', '/v1/fills?limit=2', undefined, { Accept: 'text/csv' })
    assert.equal(answer.status, 200)
    assert.match(answer.type, /^text\/csv/)
    assert.match(answer.headers['content-disposition'], /filename="fills.csv"/)
    const lines = answer.text.split('\r\n')
    assert.equal(lines.length, 4)
    assert.equal(lines[3], '')
    const names = lines[0].split(',')
    const first = Object.fromEntries(lines[1].split(',').map((value, i) => [names[i], value]))
    assert.equal(first.id, data[0].id)
    assert.equal(first.price, data[0].price)
    assert.equal(first.venueFee, data[0].fees.venue)
    const next = answer.headers['x-next-cursor']
    const rest = await page(`/v1/fills?limit=1000&cursor=${next}`)
    assert.ok(rest.data.length > 0)
    assert.ok(!rest.data.some((row) => row.id === data[0].id && row.symbol === data[0].symbol))
    assert.equal((await trader.call('GET', '/v1/fills', undefined, { Accept: 'application/json, text/csv' })).type, 'application/json')
  })

  test('what is not a parameter, a bound or a cursor is told', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['cursor=abc', 'cursor'],
      ['cursor=', 'cursor'],
      ['start=5&end=5', 'start'],
      ['end=tomorrow', 'end'],
      ['page=2', 'page'],
    ]) {
      const p = await trader.refused(400, 'invalid_request', 'GET', `/v1/fills?${query}`)
      assert.equal(p.fields[0].field, field)
    }
    const { nextCursor } = await page('/v1/fills?limit=1')
    await trader.refused(400, 'invalid_request', 'GET', `/v1/funding?cursor=${nextCursor}`)
  })

  test('orders that are over are listed by what became of them', async () => {
    const resting = await trader.place({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '20000', leverage: 2 })
    const order = (list) => list.data.find((o) => o.id === resting.id)
    assert.ok(order(await trader.ok('GET', '/v1/orders?status=open')))
    assert.ok(!order(await trader.ok('GET', '/v1/orders?status=cancelled')))
    await trader.ok('DELETE', `/v1/orders/${resting.id}`)
    const cancelled = await trader.ok('GET', '/v1/orders?status=cancelled')
    assert.equal(order(cancelled).status, 'cancelled')
    assert.equal(order(cancelled).venueStatus, 'canceled')
    assert.ok(order(await trader.ok('GET', '/v1/orders?status=all&limit=1000')))
    const filled = await trader.ok('GET', '/v1/orders?status=filled&symbol=ETH')
    assert.equal(filled.data.length, 4)
    for (const o of filled.data) assert.ok(o.symbol === 'ETH' && o.status === 'filled')
    assert.equal((await trader.ok('GET', '/v1/orders?status=filled&limit=2')).data.length, 2)
    const ids = (await trader.ok('GET', '/v1/orders?status=all&limit=1000')).data.map((o) => o.id)
    assert.equal(new Set(ids).size, ids.length, 'each order once')
    await trader.refused(400, 'invalid_request', 'GET', '/v1/orders?status=done')
    await trader.refused(400, 'invalid_request', 'GET', '/v1/orders?limit=0')
  })

  test("nobody sees another's history", async () => {
    for (const path of ['/v1/fills', '/v1/funding', '/v1/ledger']) {
      problem(await gateway.call('GET', path, { host: trader.host }), 401, 'unauthorized')
      problem(await gateway.call('GET', path, { host, token: trader.token }), 401, 'unauthorized')
    }
    const stranger = new Trader(gateway, 'meridian')
    await stranger.signIn()
    assert.deepEqual(await stranger.ok('GET', '/v1/fills'), { data: [], nextCursor: null })
  })
})
