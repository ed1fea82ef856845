// The venue's socket lies, breaks off in the middle of a word, or accepts and says nothing: whoever watches is
// told that something may be missing, and then how it is; nothing that can't be true is ever shown.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import WebSocket from 'ws'
import { request, startConfigured, until } from './harness.mjs'

const WAIT = 60000

let gateway

before(async () => {
  gateway = await startConfigured({
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, feed: {answerMs: 1500, silentMs: {contexts: 5000}}}',
  })
})
after(() => gateway?.stop())
beforeEach(() => gateway.venue.fault('none', 1))

// Watches one channel, and judges every frame as it comes.
class Watcher {
  constructor(channel, symbol) {
    this.frames = []
    this.wrong = []
    this.socket = new WebSocket(`${gateway.http.replace('http', 'ws')}/v1/ws`, { headers: { Host: gateway.host('harbor') } })
    this.socket.on('message', (text) => this.take(JSON.parse(text)))
    this.opened = new Promise((done, failed) => {
      this.socket.on('open', done)
      this.socket.on('error', failed)
    }).then(() => this.socket.send(JSON.stringify({ op: 'subscribe', channel, symbol })))
  }

  take(frame) {
    if (frame.seq === undefined) return
    const before = this.frames.at(-1)
    if (before && frame.type !== 'snapshot' && frame.seq !== before.seq + 1) this.wrong.push(['seq', before, frame])
    if (frame.channel === 'book' && frame.data) this.judgeBook(frame)
    this.frames.push(frame)
  }

  judgeBook(frame) {
    const [bid, ask] = [frame.data.bids[0]?.price, frame.data.asks[0]?.price]
    if (bid && ask && Number(bid) >= Number(ask)) this.wrong.push(['crossed', frame])
  }

  count(type) {
    return this.frames.filter((frame) => frame.type === type).length
  }

  async begun() {
    await this.opened
    await until('a snapshot', () => this.count('snapshot') > 0, WAIT)
    await until('the feed is whole', isWhole, WAIT) // what is shown meanwhile was read
    return this
  }

  // A gap, and behind it how it is.
  async gapAndWhole() {
    const gapAt = await until('a gap', () => this.frames.findIndex((frame) => frame.type === 'gap') + 1, WAIT)
    await until('a snapshot behind it', () => this.frames.slice(gapAt).some((frame) => frame.type === 'snapshot'), WAIT)
  }

  end() {
    assert.deepEqual(this.wrong, [])
    this.socket.terminate()
  }
}

const metrics = async () => (await request(gateway.admin, 'GET', '/metrics')).text

async function isWhole() {
  const text = await metrics()
  const rows = (name) => text.split('\n').filter((row) => row.startsWith(name)).map((row) => row.slice(name.length))
  const live = rows('perpgate_feed_topics_live')
  return live.length > 0 && live.join() === rows('perpgate_feed_topics_wanted').join()
}

async function metric(name) {
  const text = await metrics()
  const line = text.split('\n').find((row) => row.startsWith(`${name} `))
  assert.ok(line, `the metric ${name} is there`)
  return Number(line.slice(name.length + 1))
}

describe('what a watcher is told', () => {
  test('a book that crosses is never shown', async () => {
    const watcher = await new Watcher('book', 'BTC').begun()
    const name = 'perpgate_feed_refused_frames_total{kind="book"}'
    const refused = await metric(name)
    await gateway.venue.fault('crossedBook', 1)
    let price = 60000
    await until('it was refused', async () => {
      await gateway.venue.price('BTC', String((price += 10)))
      return (await metric(name)) > refused
    }, WAIT)
    await watcher.gapAndWhole()
    watcher.end()
  })

  test('half a frame is a gap of all that it could have been', async () => {
    const watchers = await Promise.all([new Watcher('book', 'ETH').begun(), new Watcher('trades', 'BTC').begun()])
    await gateway.venue.fault('rubbish', 1, { path: 'ws' })
    await Promise.all(watchers.map((watcher) => watcher.gapAndWhole()))
    watchers.forEach((watcher) => watcher.end())
  })

  test('a socket that accepts and says nothing is left', async () => {
    const watcher = await new Watcher('book', 'ETH').begun()
    await gateway.venue.fault('halfOpen', 1)
    await gateway.venue.fault('closeSocket', 10, { path: 'ws' })
    await watcher.gapAndWhole()
    await until('it was met', async () => (await gateway.venue.control('GET', '/paper/fault')).hits.halfOpen > 0, WAIT)
    watcher.end()
  })

  test('a socket that falls silent is left', async () => {
    const watcher = await new Watcher('book', 'ETH').begun()
    await gateway.venue.fault('silentSocket', 10, { path: 'ws' })
    await watcher.gapAndWhole()
    watcher.end()
  })
})
