// A client of /v1/ws has the newest state or knows that it has not: snapshots, numbers without a hole,
// resuming, what the upstream lost, slow readers, a venue without a socket.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, request, startConfigured, until } from './harness.mjs'
import { StreamClient } from './stream_client.mjs'

const PUBLIC = [
  ['status', {}],
  ['markets', {}],
  ['book', { symbol: 'BTC' }],
  ['bbo', { symbol: 'BTC' }],
  ['trades', { symbol: 'BTC' }],
  ['candles', { symbol: 'BTC', interval: '1m' }],
]

const http = async (gateway, path) => {
  const answer = await gateway.call('GET', path, { host: gateway.host('meridian') })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

const metric = async (gateway, name) => {
  const { text } = await request(gateway.admin, 'GET', '/metrics')
  const line = text.split('\n').find((l) => l.startsWith(`${name} `))
  assert.ok(line, name)
  return Number(line.slice(name.length + 1))
}

const shape = (value) => {
  if (Array.isArray(value)) return value.length ? [shape(value[0])] : []
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.keys(value).sort().map((k) => [k, shape(value[k])]))
  return value === null ? 'null' : typeof value
}

let moved = 0
// Books and prices move at once, rather than when the maker next feels like it.
const move = (gateway, coin = 'BTC') => gateway.venue.price(coin, String(60000 + (++moved % 1000)))

describe('with a feed', () => {
  let gateway
  before(async () => {
    gateway = await startConfigured({ streams: '{framesPerSecond: 1000, frameBurst: 10000, queueBytes: 65536, idleMs: 600000}' })
  })
  after(() => gateway?.stop())

  test('every channel begins with a snapshot and goes on without a hole', async () => {
    const who = await new Trader(gateway, 'meridian').onboard()
    const client = await StreamClient.open(gateway, 'meridian')
    const channels = []
    for (const [name, subject] of PUBLIC) channels.push(await client.subscribe(name, subject))
    for (const channel of channels) await channel.next('snapshot')
    for (const channel of channels.filter((c) => c.subject.channel !== 'status'))
      for (const side of ['buy', 'sell']) {
        await move(gateway)
        if (['trades', 'candles'].includes(channel.subject.channel)) await who.place({ symbol: 'BTC', side, type: 'market', size: '0.001' })
        await channel.next('update')
      }
    await client.close()
  })

  test('what they show is what the HTTP routes show', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    const first = async (name, subject) => (await (await client.subscribe(name, subject)).next('snapshot')).data
    const markets = await first('markets')
    const listed = await http(gateway, '/v1/markets')
    assert.deepEqual(markets.data.map((m) => m.symbol), listed.data.map((m) => m.symbol))
    assert.deepEqual(shape(markets.data[0]), shape(listed.data[0]))
    const book = await first('book', { symbol: 'ETH' })
    assert.deepEqual(shape(book), shape(await http(gateway, '/v1/markets/ETH/book')))
    assert.equal(book.symbol, 'ETH')
    const bbo = await first('bbo', { symbol: 'ETH' })
    assert.deepEqual(shape(bbo.bid), shape(book.bids[0]))
    assert.deepEqual(Object.keys(bbo).sort(), ['ask', 'bid', 'time'])
    const trades = await first('trades', { symbol: 'ETH' })
    const past = await http(gateway, '/v1/markets/ETH/trades')
    assert.deepEqual(Object.keys(trades).sort(), Object.keys(past).sort())
    const times = trades.data.map((t) => t.time)
    assert.deepEqual(times, [...times].sort((a, b) => b - a), 'newest first')
    const candles = await first('candles', { symbol: 'ETH', interval: '5m' })
    assert.deepEqual(shape(candles), shape(await http(gateway, '/v1/markets/ETH/candles?interval=5m')))
    assert.deepEqual(await first('status'), { venue: 'live', feed: 'live', trading: 'open', draining: false })
    await client.close()
  })

  test('who comes back gets what was missed, or a snapshot', async () => {
    const stays = await StreamClient.open(gateway, 'meridian')
    const heard = await stays.subscribe('book', { symbol: 'BTC' })
    await heard.next('snapshot')
    const left = await StreamClient.open(gateway, 'meridian')
    const book = await left.subscribe('book', { symbol: 'BTC' })
    await book.next('snapshot')
    await left.cut()
    const seen = heard.updates
    for (let i = 0; i < 3; i++) {
      await move(gateway)
      await heard.next('update')
    }
    assert.ok(heard.updates >= seen + 3)

    const back = await StreamClient.open(gateway, 'meridian', { channels: left.channels })
    const before = book.frames.length
    assert.equal((await back.resume(book)).resumed, true)
    await back.until('all that was missed', () => book.seq >= heard.seq)
    assert.ok(book.frames.length >= before + 3)
    assert.equal(book.snapshots, 1, 'no snapshot was needed')
    const newest = book.frames.at(-1)
    const same = await stays.until('the other has it too', () => heard.frames.find((f) => f.seq === newest.seq))
    assert.deepEqual(newest.data, same.data)

    for (const place of [{ epoch: 'ffffffffffffffff', seq: book.seq }, { epoch: book.epoch, seq: book.seq + 1000 }]) {
      assert.equal((await back.resume(book, place)).resumed, false, JSON.stringify(place))
      await back.until('a snapshot instead', () => book.frames.at(-1)?.type === 'snapshot' && book.hasBase)
    }
    await back.close()
    await stays.close()
  })

  test('a socket may have many channels, and begin anew with each', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    for (const symbol of ['BTC', 'ETH', 'SOL', 'DOGE', 'LINK']) await (await client.subscribe('bbo', { symbol })).next('snapshot')
    const again = await client.ask({ op: 'subscribe', channel: 'bbo', symbol: 'BTC', id: 7 })
    assert.equal(again.id, 7)
    const btc = client.channelOf({ channel: 'bbo', symbol: 'BTC' })
    await client.until('begins anew', () => btc.snapshots === 2)
    await client.unsubscribe(btc)
    await client.refused('not_found', { op: 'unsubscribe', channel: 'bbo', symbol: 'BTC' })
    await client.close()
  })

  test('what the venue stopped telling is a gap, and a snapshot mends it', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    const channels = []
    for (const [name, subject] of PUBLIC.filter(([n]) => !['status', 'markets'].includes(n))) channels.push(await client.subscribe(name, subject))
    for (const channel of channels) await channel.next('snapshot')
    await gateway.venue.fault('closeSocket', 10, { path: 'ws' })
    for (const channel of channels) {
      await channel.next('gap')
      await channel.next('snapshot')
      assert.equal(channel.stale, false)
    }
    await gateway.venue.fault('none', 1)
    await move(gateway)
    await channels[0].next('update')
    await client.close()
  })

  test('a reader that sleeps gets the newest, and nobody else notices', async () => {
    const sleeper = await StreamClient.open(gateway, 'meridian')
    const awake = await StreamClient.open(gateway, 'meridian')
    const asleep = await sleeper.subscribe('book', { symbol: 'BTC' })
    const heard = await awake.subscribe('book', { symbol: 'BTC' })
    await asleep.next('snapshot')
    await heard.next('snapshot')
    const conflated = await metric(gateway, 'perpgate_stream_conflated_total')
    sleeper.pause()
    // Snapshots of all markets fill what the kernel takes, and then its queue.
    await until('it is left to a snapshot', async () => {
      for (let i = 0; i < 50; i++) sleeper.sendRaw('{"op":"subscribe","channel":"markets"}')
      await move(gateway)
      await heard.next('update')
      return (await metric(gateway, 'perpgate_stream_conflated_total')) > conflated
    }, 120000)
    const last = heard.frames.at(-1)
    sleeper.go()
    await sleeper.until('the newest book', () => asleep.seq >= last.seq && asleep.hasBase)
    assert.ok(asleep.snapshots >= 2)
    assert.deepEqual(sleeper.closed, undefined)
    await move(gateway)
    await asleep.next('update', (f) => f.seq > last.seq)
    await sleeper.close()
    await awake.close()
  })

  test('a client that asks on and never reads is closed, and may come back', async () => {
    const closed = () => metric(gateway, 'perpgate_stream_sockets_closed_total{code="4408"}')
    const client = await StreamClient.open(gateway, 'meridian')
    const book = await client.subscribe('book', { symbol: 'BTC' })
    await book.next('snapshot')
    client.pause()
    await until('the gateway ends it', async () => {
      for (let i = 0; i < 100; i++) client.sendRaw('{"op":"subscribe","channel":"markets"}')
      return (await closed()) > 0
    }, 120000)
    client.go()
    await client.until('it notices', () => client.closed)
    assert.ok([4408, 1006].includes(client.closed.code), 'the close frame, unless the peer was given up before it read')
    const back = await StreamClient.open(gateway, 'meridian', { channels: client.channels })
    await back.resume(book)
    await move(gateway)
    await book.next('update')
    await back.close()
  })
})

test('no event is left out for who reads too slowly: it is closed, and resumes', async () => {
  const gateway = await startConfigured({
    streams: '{framesPerSecond: 1000, frameBurst: 10000, queueBytes: 65536, ringFrames: 8192, ringBytes: 8388608, idleMs: 600000}',
    mirror: '{showMaxAgeMs: 60000, pollWeightPerMinute: 100000}',
  })
  try {
    await gateway.price('BTC', '60000')
    const who = await new Trader(gateway, 'harbor').onboard('100000')
    const join = async (channels) => {
      const client = await StreamClient.open(gateway, 'harbor', { channels })
      assert.equal((await client.auth({ token: who.token })).type, 'authenticated')
      return client
    }
    const [awake, asleep] = [await join(), await join()]
    const follow = async (client) => {
      const fills = await client.subscribe('fills')
      await fills.next('snapshot')
      return fills
    }
    const [heard, missed] = [await follow(awake), await follow(asleep)]
    const book = await asleep.subscribe('book', { symbol: 'BTC' })
    await book.next('snapshot')
    const ids = (channel) => new Set(channel.frames.flatMap((f) => (f.type === 'update' ? [f.data.id] : [])))

    // The answers themselves may fill it, too, before a book has to be left out.
    const closed = () => metric(gateway, 'perpgate_stream_sockets_closed_total{code="4408"}')
    asleep.pause()
    await until('half its queue is full', async () => {
      for (let i = 0; i < 50; i++) asleep.sendRaw('{"op":"subscribe","channel":"markets"}')
      await move(gateway)
      return (await metric(gateway, 'perpgate_stream_conflated_total')) > 0 || (await closed()) > 0
    }, 120000)
    await gateway.price('BTC', '60000')
    let n = 0
    await until('it is closed', async () => {
      if (n < 150) {
        await who.place({ symbol: 'BTC', side: n % 2 ? 'sell' : 'buy', type: 'market', size: '0.001' })
        n++
      }
      return (await closed()) > 0
    }, 180000)
    asleep.go()
    await asleep.until('it notices', () => asleep.closed)
    assert.ok([4408, 1006].includes(asleep.closed.code), JSON.stringify(asleep.closed))

    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.001' })
    n++
    await awake.until('every fill is told', () => ids(heard).size >= n)
    const back = await join(asleep.channels)
    assert.ok(ids(missed).size < n)
    assert.equal((await back.resume(missed)).resumed, true)
    await back.until('every fill is told here too', () => ids(missed).size >= n)
    assert.deepEqual([...ids(missed)].sort(), [...ids(heard)].sort())
    assert.equal(missed.gaps + heard.gaps, 0)
    assert.equal(missed.snapshots, 1)
    await back.close()
    await awake.close()
  } finally {
    await gateway.stop()
  }
})

// Small, seeded, and told: PERPGATE_SEED=... runs the same again.
function dice() {
  let state = Number(process.env.PERPGATE_SEED ?? Date.now() % 1000000) || 1
  console.log(`seed ${state}`)
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

// What a front end would have on its screen: rows by symbol.
function rowsOf(channel) {
  const rows = new Map()
  for (const frame of channel.frames) {
    if (frame.type === 'snapshot') rows.clear()
    for (const row of frame.data?.data ?? []) rows.set(row.symbol, row)
  }
  return rows
}

test('whatever happened, in the end everybody has what the venue has', async () => {
  const gateway = await startConfigured({
    streams: '{framesPerSecond: 1000, frameBurst: 10000, queueBytes: 65536, idleMs: 600000, ringFrames: 16, ringBytes: 16384}',
  })
  const roll = dice()
  const coins = ['BTC', 'ETH']
  const wanted = [['markets', {}], ['book', { symbol: 'BTC' }], ['book', { symbol: 'ETH' }], ['bbo', { symbol: 'BTC' }], ['trades', { symbol: 'BTC' }]]
  const counts = { resumed: 0, gaps: 0, snapshots: 0, updates: 0 }
  let clients = []
  const join = async (channels) => {
    const client = await StreamClient.open(gateway, 'meridian', { channels })
    for (const [name, subject] of wanted) {
      const channel = client.channelOf({ channel: name, ...subject })
      if (channel.place.seq === undefined) await client.subscribe(name, subject)
      else await client.resume(channel)
    }
    return client
  }
  try {
    for (let i = 0; i < 6; i++) clients.push(await join(new Map()))
    for (let step = 0; step < 60; step++) {
      const i = roll(clients.length)
      const what = roll(10)
      if (what < 5) await move(gateway, coins[roll(2)])
      else if (what < 7) clients[i].pause()
      else if (what < 8) clients[i].go()
      else if (what < 9) await gateway.venue.fault('closeSocket', 1, { path: 'ws' })
      else {
        await clients[i].cut()
        clients[i] = await join(clients[i].channels)
      }
    }
    for (const client of clients) client.go()
    await gateway.venue.fault('none', 1)
    const book = {}
    for (const coin of coins) {
      await gateway.price(coin, '50000')
      book[coin] = await http(gateway, `/v1/markets/${coin}/book`)
    }
    const sides = ({ bids, asks }) => ({ bids, asks })
    for (const client of clients) {
      for (const coin of coins)
        await client.until(`the book of ${coin}`, () => {
          const { data, stale, hasBase } = client.channelOf({ channel: 'book', symbol: coin })
          return hasBase && !stale && JSON.stringify(sides(data)) === JSON.stringify(sides(book[coin]))
        })
      const { bids, asks } = book.BTC
      await client.until('the best prices', () => {
        const { data } = client.channelOf({ channel: 'bbo', symbol: 'BTC' })
        return data && JSON.stringify([data.bid, data.ask]) === JSON.stringify([bids[0], asks[0]])
      })
      await client.until('the markets', () => {
        const rows = rowsOf(client.channelOf({ channel: 'markets' }))
        return coins.every((coin) => rows.get(coin)?.mark === '50000')
      })
      for (const channel of client.channels.values()) for (const name in counts) counts[name] += channel[name]
      await client.close()
    }
    console.log(JSON.stringify(counts))
    clients = []
  } finally {
    for (const client of clients) client.socket.terminate()
    await gateway.stop()
  }
})

describe('without a feed', () => {
  let gateway
  before(async () => {
    gateway = await startConfigured({ mirror: '{feed: false}', streams: '{pollWeightPerMinute: 100000}' })
  })
  after(() => gateway?.stop())

  test('the venue is read instead', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    const channels = []
    for (const [name, subject] of PUBLIC) channels.push(await client.subscribe(name, subject))
    for (const channel of channels) await channel.next('snapshot')
    assert.equal(channels[0].data.feed, 'off')
    for (const channel of channels.slice(1, 4)) {
      await move(gateway)
      await channel.next('update')
    }
    await client.close()
  })
})

test('without a feed and without leave to read, what can\'t be filled is refused', async () => {
  const gateway = await startConfigured({ mirror: '{feed: false}', streams: '{pollWeightPerMinute: 0}' })
  try {
    const client = await StreamClient.open(gateway, 'meridian')
    await client.refused('venue_unavailable', { op: 'subscribe', channel: 'book', symbol: 'BTC' })
    await client.refused('venue_unavailable', { op: 'subscribe', channel: 'candles', symbol: 'BTC', interval: '1m' })
    await (await client.subscribe('markets')).next('snapshot')
    await client.close()
  } finally {
    await gateway.stop()
  }
})
