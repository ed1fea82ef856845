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
    const all = await ok('/v1/markets/BTC/candles?interval=1m&limit=20')
    assert.equal(all.symbol, 'BTC')
    assert.equal(all.interval, '1m')
    assert.ok(all.data.length > 2 && all.data.length <= 20, `${all.data.length} candles`)
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
      const p = problem(await get(`/v1/markets/BTC/candles?${query}`), 400, 'invalid_request')
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
