// Charts by TradingView's UDF: what the charting library's own adapter asks is answered as it reads it; bars are the
// venue's, to the last digit; and they stay while the venue can't be asked.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { startConfigured, startPaper, until } from './harness.mjs'

const BRAND = 'meridian'
const RESOLUTIONS = {
  1: '1m', 3: '3m', 5: '5m', 15: '15m', 30: '30m', 60: '1h', 120: '2h', 240: '4h', 480: '8h', 720: '12h',
  '1D': '1d', '3D': '3d', '1W': '1w', '1M': '1M',
}
let paper
let gate
let gateway

// Stands between the gateway and its venue: lets pass, answers 502, or hangs up. Notes what charts are read for.
class Gate {
  mode = 'pass'
  asked = []

  async open(base) {
    this.server = http.createServer((incoming, outgoing) => {
      const parts = []
      incoming.on('data', (part) => parts.push(part))
      incoming.on('end', () => {
        const body = Buffer.concat(parts)
        const { type, req } = JSON.parse(body.toString() || '{}')
        if (type === 'candleSnapshot') this.asked.push(req)
        if (this.mode === 'hang up') return incoming.socket.destroy()
        if (this.mode === '502') return outgoing.writeHead(502).end('bad gateway')
        if (this.mode === 'rubbish') return outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('{"a":')
        const on = http.request(base + incoming.url, { method: incoming.method, headers: incoming.headers }, (answer) => {
          outgoing.writeHead(answer.statusCode, answer.headers)
          answer.pipe(outgoing)
        })
        on.on('error', () => outgoing.destroy())
        on.end(body)
      })
    })
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done))
    this.base = `http://127.0.0.1:${this.server.address().port}`
    return this
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }
}

before(async () => {
  paper = await startPaper()
  gate = await new Gate().open(paper.base)
  gateway = await startConfigured({
    venue: `{baseUrl: "${gate.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200, readDeadlineMs: 3000}`,
    paper: '{enabled: false}',
    mirror: '{feed: false}',
  })
})
after(async () => {
  await gateway?.stop()
  gate?.close()
  await paper?.stop()
})

const get = (path, brand = BRAND) => gateway.call('GET', path, { host: gateway.host(brand) })
const seconds = () => Math.floor(Date.now() / 1000)

// As the library's adapter does: parameters in the query, JSON whatever the status, refused unless s is ok or no_data.
async function ask(path, params = {}, brand = BRAND) {
  const query = new URLSearchParams(params).toString()
  const answer = await get(`${path}${query && `?${query}`}`, brand)
  assert.equal(answer.status, 200, answer.text)
  return { ...answer, json: JSON.parse(answer.text) }
}

// The table of bars as the library builds its own from it; everything that it takes for granted is checked.
function barsOf({ json, text }) {
  assert.equal(json.s, 'ok', text.slice(0, 300))
  assert.deepEqual(Object.keys(json).sort(), ['c', 'h', 'l', 'o', 's', 't', 'v'])
  for (const column of ['t', 'o', 'h', 'l', 'c', 'v']) {
    assert.equal(json[column].length, json.t.length, column)
    for (const value of json[column]) assert.equal(typeof value, 'number', column)
  }
  return json.t.map((time, i) => {
    assert.ok(Number.isInteger(time) && time < 1e11, 'seconds')
    if (i) assert.ok(time > json.t[i - 1], 'oldest first, each once')
    assert.ok(json.l[i] <= json.o[i] && json.l[i] <= json.c[i] && json.h[i] >= json.o[i] && json.h[i] >= json.c[i])
    assert.ok(json.v[i] >= 0)
    return { time, open: json.o[i], high: json.h[i], low: json.l[i], close: json.c[i], volume: json.v[i] }
  })
}

const history = (params) => ask('/udf/history', { symbol: 'BTC', resolution: '1', to: seconds() + 60, ...params })
const bars = async (params) => barsOf(await history(params))

describe('what a chart asks first', () => {
  test('is which resolutions there are, and that symbols are searched', async () => {
    const { json, type } = await ask('/udf/config')
    assert.ok(type.startsWith('application/json'))
    assert.deepEqual(new Set(json.supported_resolutions), new Set(Object.keys(RESOLUTIONS)))
    assert.equal(json.supports_search, true)
    assert.equal(json.supports_group_request, false, 'one of the two, not both')
    assert.equal(json.supports_marks, false)
    assert.equal(json.supports_timescale_marks, false)
    assert.equal(json.supports_time, true)
    assert.deepEqual(json.exchanges, [{ value: 'Meridian', name: 'Meridian', desc: 'Meridian' }])
    assert.ok(json.symbols_types.every((t) => typeof t.name === 'string' && typeof t.value === 'string'))
    assert.equal((await ask('/udf/config', {}, 'harbor')).json.exchanges[0].value, 'Harbor')
  })

  test('is the time, as a number and nothing else', async () => {
    const { text, type } = await get('/udf/time')
    assert.match(text, /^\d{10}$/)
    assert.ok(type.startsWith('text/plain'))
    assert.ok(Math.abs(Number(text) - Date.now() / 1000) < 60)
  })
})

describe('a symbol', () => {
  test('is told with its price step, which the venue takes', async () => {
    const markets = (await get('/v1/markets')).json.data
    assert.ok(markets.length > 5)
    for (const m of markets) {
      const { json } = await ask('/udf/symbols', { symbol: m.symbol })
      assert.equal(json.name, m.symbol)
      assert.equal(json.ticker, m.symbol)
      assert.equal(json.session, '24x7')
      assert.equal(json.timezone, 'Etc/UTC')
      assert.equal(json.exchange, 'Meridian')
      assert.equal(json.minmov, 1)
      assert.equal(json.volume_precision, m.sizeDecimals)
      assert.equal(json.has_intraday && json.has_daily && json.has_weekly_and_monthly, true)
      for (const r of json.supported_resolutions) assert.ok(r in RESOLUTIONS)
      // The finest step near the mark: five figures, and so many decimals; a figure more is refused.
      const decimals = Math.log10(json.pricescale)
      assert.ok(Number.isInteger(decimals) && decimals >= 0 && decimals <= m.priceRule.maxDecimals, m.symbol)
      const whole = m.mark.split('.')[0]
      const figures = (d) => `${whole}${'1'.repeat(d)}`.replace(/^0+/, '').length + (whole === '0' ? -leadingZeros(m.mark) : 0)
      if (decimals > 0) assert.ok(figures(decimals) <= 5, `${m.symbol} ${m.mark} ${json.pricescale}`)
      if (decimals < m.priceRule.maxDecimals) assert.ok(figures(decimals + 1) > 5, `${m.symbol} ${m.mark} ${json.pricescale}`)
    }
  })

  test('is found by its full name too', async () => {
    assert.equal((await ask('/udf/symbols', { symbol: 'Meridian:ETH' })).json.ticker, 'ETH')
    assert.equal((await ask('/udf/symbols', { symbol: 'Meridian:ETH' }, 'harbor')).json.errmsg, 'unknown_symbol')
  })

  test('that is not offered is unknown, in the words that the library reads', async () => {
    for (const symbol of ['NOPE', 'Meridian:NOPE', 'btc ', '💥', 'x'.repeat(159)])
      assert.deepEqual((await ask('/udf/symbols', { symbol })).json, { s: 'error', errmsg: 'unknown_symbol' })
    for (const params of [{}, { symbol: '' }, { symbol: 'x'.repeat(300) }]) {
      const { json } = await ask('/udf/symbols', params)
      assert.equal(json.s, 'error')
      assert.match(json.errmsg, /symbol/)
    }
  })

  test('is found by what was typed, the nearest first', async () => {
    const found = (await ask('/udf/search', { query: 'e', type: '', exchange: '', limit: 30 })).json
    assert.ok(found.length > 1)
    assert.ok(found.every((f) => /e/i.test(f.symbol) && f.ticker === f.symbol && f.full_name === `Meridian:${f.symbol}`))
    const rank = (f) => (/^e$/i.test(f.symbol) ? 0 : /^e/i.test(f.symbol) ? 1 : 2)
    for (let i = 1; i < found.length; i++) assert.ok(rank(found[i]) >= rank(found[i - 1]))
    assert.equal((await ask('/udf/search', { query: 'eth' })).json[0].symbol, 'ETH')
    assert.equal((await ask('/udf/search', { query: 'e', limit: 1 })).json.length, 1)
    assert.equal((await ask('/udf/search', { query: '', limit: 3 })).json.length, 3)
    assert.ok((await ask('/udf/search', {})).json.length > 0)
    assert.deepEqual((await ask('/udf/search', { query: 'btc', type: 'stock' })).json, [])
    assert.deepEqual((await ask('/udf/search', { query: 'btc', exchange: 'NYSE' })).json, [])
    assert.equal((await ask('/udf/search', { query: 'btc', type: 'swap', exchange: 'Meridian' })).json[0].symbol, 'BTC')
    assert.deepEqual((await ask('/udf/search', { query: 'no such thing' })).json, [])
    assert.equal((await ask('/udf/search', { limit: 'x' })).json.s, 'error')
  })
})

describe('bars', () => {
  test('are the venue\'s candles in every resolution, to the last digit', async () => {
    for (const [resolution, interval] of Object.entries(RESOLUTIONS)) {
      const { text, json } = await history({ resolution, countback: 20 })
      const told = barsOf({ text, json })
      assert.ok(told.length > 0 && told.length <= 20)
      const end = told.at(-1).time * 1000 // the last one is still moving
      const req = { coin: 'BTC', interval, startTime: told[0].time * 1000, endTime: end - 1 }
      const venue = await paper.info({ type: 'candleSnapshot', req })
      assert.deepEqual(json.t.slice(0, -1), venue.map((c) => c.t / 1000), resolution)
      // As text: a number that went through a float would show.
      for (const [column, member] of [['o', 'o'], ['h', 'h'], ['l', 'l'], ['c', 'c'], ['v', 'v']]) {
        const written = new RegExp(`"${column}":\\[([^\\]]*)\\]`).exec(text)[1].split(',').slice(0, -1)
        assert.deepEqual(written, venue.map((c) => c[member].replace(/\.0$/, '')), `${resolution} ${column}`)
      }
    }
  })

  test('are as many as were asked for, and end before `to`', async () => {
    const all = await bars({ countback: 50 })
    assert.equal(all.length, 50)
    const some = await bars({ to: all[40].time, countback: 10 })
    assert.deepEqual(some.map((b) => b.time), all.slice(30, 40).map((b) => b.time), '`to` itself is not among them')
    const past = await bars({ to: all[40].time + 1, countback: 10 })
    assert.equal(past.at(-1).time, all[40].time)
    const ignored = await bars({ from: all[40].time - 60, to: all[40].time, countback: 10 })
    assert.deepEqual(ignored, some, '`from` is ignored where countback is given')
    const negative = await bars({ from: -5000000000, to: all[40].time, countback: 10 })
    assert.deepEqual(negative, some)
  })

  test('of a window are those that open in it', async () => {
    const all = await bars({ countback: 30 })
    const inside = await bars({ from: all[5].time, to: all[10].time })
    assert.deepEqual(inside.map((b) => b.time), all.slice(5, 10).map((b) => b.time))
    assert.deepEqual((await bars({ from: all[5].time - 1, to: all[5].time + 1 })).map((b) => b.time), [all[5].time])
  })

  test('are read backwards, page by page, until there are none', async () => {
    const seen = []
    let to = seconds() + 60
    for (let page = 0; page < 40; page++) {
      const answer = await history({ resolution: '60', to, countback: 100 })
      if (answer.json.s === 'no_data') {
        assert.equal(answer.json.nextTime, undefined, 'there is nothing before')
        break
      }
      const told = barsOf(answer)
      assert.ok(told.at(-1).time < to)
      seen.unshift(...told)
      to = told[0].time
    }
    assert.ok(seen.length > 100)
    for (let i = 1; i < seen.length; i++) assert.equal(seen[i].time - seen[i - 1].time, 3600, 'no hole, and none twice')
    const { json } = await history({ resolution: '60', to, countback: 100 })
    assert.deepEqual(json, { s: 'no_data' })
    assert.deepEqual((await history({ resolution: '60', from: 0, to: 100 })).json, { s: 'no_data' })
  })

  test('a window with none tells where the nearest before it is', async () => {
    const [, second, third] = await bars({ countback: 3 })
    // Between two minutes no bar opens.
    const { json } = await history({ from: third.time - 55, to: third.time - 5 })
    assert.deepEqual(json, { s: 'no_data', nextTime: second.time })
  })

  test('come under other names of the same resolution', async () => {
    for (const [one, other] of [['1D', 'D'], ['1W', 'W'], ['1M', 'M']])
      assert.deepEqual(
        (await bars({ resolution: other, countback: 3 })).map((b) => b.time),
        (await bars({ resolution: one, countback: 3 })).map((b) => b.time),
      )
  })

  test('what is not asked well is told', async () => {
    const now = seconds()
    for (const [params, words] of [
      [{ resolution: '7' }, /resolution/],
      [{ resolution: '' }, /resolution/],
      [{ to: '' }, /to/],
      [{ to: 'x' }, /to/],
      [{ to: '1.5' }, /to/],
      [{ to: -1, countback: 5 }, /to/],
      [{ to: '99999999999999999999', countback: 5 }, /to/],
      [{}, /from/],
      [{ from: now + 10, to: now }, /from/],
      [{ from: now, to: now }, /from/],
      [{ from: '1e9' }, /from/],
      [{ countback: 0 }, /countback/],
      [{ countback: -1 }, /countback/],
      [{ countback: 'x' }, /countback/],
      [{ symbol: 'NOPE', countback: 5 }, /unknown_symbol/],
      [{ symbol: '', countback: 5 }, /symbol/],
    ]) {
      const { json } = await history({ ...params })
      assert.equal(json.s, 'error', JSON.stringify(params))
      assert.match(json.errmsg, words)
      assert.deepEqual(Object.keys(json), ['s', 'errmsg'])
    }
    assert.ok((await bars({ countback: 1000000 })).length <= 5000)
    assert.equal((await bars({ countback: 5, currencyCode: 'USDC', unitId: '', _: 1 })).length, 5, 'charts send more')
  })
})

describe('the venue', () => {
  test('is asked again for what has not closed, not for what has', async () => {
    await bars({ symbol: 'SOL', resolution: '5', countback: 200 })
    const first = gate.asked.filter((r) => r.coin === 'SOL' && r.interval === '5m')
    assert.ok(first.length <= 2, JSON.stringify(first))
    await until('another look at the venue', async () => {
      await bars({ symbol: 'SOL', resolution: '5', countback: 150 })
      return gate.asked.filter((r) => r.coin === 'SOL' && r.interval === '5m').length > first.length
    }, 60000)
    const again = gate.asked.filter((r) => r.coin === 'SOL' && r.interval === '5m').at(-1)
    assert.ok(Date.now() - again.startTime < 30 * 60000, `only the end was asked for: ${JSON.stringify(again)}`)
  })

  test('is asked once for many charts', async () => {
    const count = () => gate.asked.filter((r) => r.coin === 'ETH' && r.interval === '15m').length
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => bars({ symbol: 'ETH', resolution: '15', countback: 40 + i })))
    for (const [i, told] of all.entries()) assert.equal(told.length, 40 + i)
    assert.ok(count() <= 2, `${count()} times`)
  })
})

describe('an outage', () => {
  const stale = async (params) => {
    let answer
    // What was read a moment ago is served as fresh as it is.
    await until('an answer without the venue', async () => {
      answer = await history(params)
      return answer.headers['x-stale-since']
    }, 60000)
    return answer
  }

  for (const mode of ['502', 'hang up', 'rubbish']) {
    test(`(${mode}) leaves the bars that have closed, and says since when they may be missing`, async () => {
      const before = await bars({ countback: 120 })
      gate.mode = mode
      try {
        const answer = await stale({ countback: 120 })
        const since = Number(answer.headers['x-stale-since'])
        const left = barsOf(answer)
        assert.equal(left.length, 120)
        for (const bar of left) assert.ok(bar.time * 1000 + 60000 <= since, 'a bar that was open is not among them')
        assert.ok(since <= Date.now() && since > Date.now() - 10 * 60000)
        const known = new Map(before.slice(0, -2).map((b) => [b.time, b]))
        const same = left.filter((b) => known.has(b.time))
        assert.ok(same.length > 80, `${same.length} bars`)
        for (const bar of same) assert.deepEqual(bar, known.get(bar.time))
        const rows = await get(`/v1/markets/BTC/candles?interval=1m&limit=20`)
        assert.equal(rows.status, 200)
        assert.ok(rows.json.data.length > 0 && rows.headers['x-stale-since'])
      } finally {
        gate.mode = 'pass'
      }
      await until('the venue again', async () => {
        const answer = await history({ countback: 120 })
        return !answer.headers['x-stale-since'] && barsOf(answer).length === 120
      }, 60000)
    })
  }

  test('without anything kept is an error, not the end of history', async () => {
    gate.mode = '502'
    try {
      const { json } = await history({ symbol: 'AVAX', resolution: '120', countback: 10 })
      assert.equal(json.s, 'error')
      assert.ok(json.errmsg.length > 10)
      assert.equal((await get('/v1/markets/AVAX/candles?interval=2h&limit=10')).status, 503)
    } finally {
      gate.mode = 'pass'
    }
  })

  test('a window of the past alone needs no venue', async () => {
    const all = await bars({ resolution: '60', countback: 200 })
    gate.mode = 'hang up'
    try {
      const { headers, ...answer } = await history({ resolution: '60', to: all[150].time, countback: 100 })
      assert.equal(headers['x-stale-since'], undefined)
      assert.deepEqual(barsOf(answer), all.slice(50, 150))
    } finally {
      gate.mode = 'pass'
    }
  })
})

describe('what is kept', () => {
  test('outlives the gateway', async () => {
    const kept = await bars({ resolution: '240', countback: 100 })
    const { folder, file } = gateway
    await gateway.stop()
    gate.asked = []
    gateway = await startConfigured(
      {
        venue: `{baseUrl: "${gate.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200, readDeadlineMs: 3000}`,
        paper: '{enabled: false}',
        mirror: '{feed: false}',
      },
      { folder, keepsKey: true },
    )
    assert.ok(file)
    const again = await bars({ resolution: '240', to: kept[80].time, countback: 50 })
    assert.deepEqual(again, kept.slice(30, 80))
    assert.deepEqual(gate.asked, [])
  })
})

function leadingZeros(decimal) {
  return /^0\.(0*)/.exec(decimal)[1].length
}
