// A client of /v1/ws that believes deploy/docs/streams.md and nothing else: every frame is checked against
// the rules of seq and epoch and against GET /v1/asyncapi.json, and kept. What breaks a rule fails the test at the
// next wait, and in check().
//
//   const client = await StreamClient.open(gateway, 'meridian')
//   const book = await client.subscribe('book', { symbol: 'BTC' })
//   await book.next('update')
import assert from 'node:assert/strict'
import WebSocket from 'ws'
import { judgeOf } from './asyncapi_check.mjs'
import { until } from './harness.mjs'

const WAIT_MS = 60000

const keyOf = ({ channel, symbol = '', interval = '' }) => `${channel}|${symbol}|${interval}`

// One channel as one client knows it.
export class Channel {
  constructor(client, subject) {
    this.client = client
    this.subject = subject
    this.frames = [] // snapshot, update, gap, in order
    this.read = 0 // of frames, by next()
    this.subscribed = false
    this.gaps = 0
    this.snapshots = 0
    this.updates = 0
    this.resumed = 0
  }

  get place() {
    return { epoch: this.epoch, seq: this.seq }
  }

  // What the newest snapshot or update of a channel of whole states said.
  get data() {
    return this.frames.findLast((f) => f.type !== 'gap')?.data
  }

  fail(why, frame) {
    this.client.violations.push(`${keyOf(this.subject)}: ${why}: ${JSON.stringify(frame).slice(0, 300)}`)
  }

  take(frame) {
    if (frame.type === 'subscribed') return this.begin(frame)
    if (!this.subscribed) return this.fail('a frame before "subscribed"', frame)
    if (frame.epoch !== this.epoch) this.fail(`another epoch than ${this.epoch}`, frame)
    if (!Number.isSafeInteger(frame.seq) || !Number.isSafeInteger(frame.at)) this.fail('no seq, or no at', frame)
    if (frame.type === 'snapshot') this.takeSnapshot(frame)
    else this.takeNumbered(frame)
    this.seq = frame.seq
    this.frames.push(frame)
  }

  begin(frame) {
    if (typeof frame.resumed !== 'boolean' || typeof frame.epoch !== 'string') this.fail('not whole', frame)
    if (frame.resumed && frame.epoch !== this.asked?.epoch) this.fail('resumed what was not asked for', frame)
    this.subscribed = true
    this.epoch = frame.epoch
    this.seq = frame.resumed ? this.asked.seq : undefined
    this.hasBase = frame.resumed && this.hasBase
    this.stale = frame.resumed && this.stale
    if (frame.resumed) this.resumed++
  }

  takeSnapshot(frame) {
    if (this.seq !== undefined && frame.seq < this.seq) this.fail(`a snapshot older than ${this.seq}`, frame)
    if (frame.data === undefined) this.fail('no data', frame)
    this.hasBase = true
    this.stale = false
    this.snapshots++
  }

  takeNumbered(frame) {
    if (this.seq === undefined) return this.fail('the first frame is no snapshot', frame)
    if (frame.seq !== this.seq + 1) this.fail(`a hole after ${this.seq}`, frame)
    if (frame.type === 'gap') {
      if (frame.since !== null && !Number.isSafeInteger(frame.since)) this.fail('no since', frame)
      this.stale = true
      this.gaps++
      return
    }
    if (!this.hasBase) this.fail('an update of nothing', frame)
    if (frame.data === undefined) this.fail('no data', frame)
    this.updates++
  }

  // The next frame not seen yet, of the type (or any) and to which fits() says yes.
  async next(type, fits = () => true, ms = WAIT_MS) {
    return this.client.until(`${type ?? 'a frame'} of ${keyOf(this.subject)}`, () => {
      while (this.read < this.frames.length) {
        const frame = this.frames[this.read++]
        if ((!type || frame.type === type) && fits(frame)) return frame
      }
    }, ms)
  }
}

export class StreamClient {
  static async open(gateway, brand, options = {}) {
    const client = new StreamClient(gateway, brand, { ...options, judge: await judgeOf(gateway) })
    await client.until('the socket to open', () => client.opened || client.closed)
    return client
  }

  constructor(gateway, brand, { path = '/v1/ws', headers = {}, channels = new Map(), ws = {}, judge } = {}) {
    const url = new URL(path, gateway.http)
    url.protocol = url.protocol.replace('http', 'ws')
    this.frames = []
    this.violations = []
    this.judge = judge
    this.channels = channels // kept over sockets by a client that resumes
    this.ids = 0
    for (const channel of channels.values()) {
      channel.client = this
      channel.subscribed = false
    }
    const host = gateway.brands.find((b) => b.id === brand)?.host ?? brand
    this.socket = new WebSocket(url, { headers: { Host: host, ...headers }, perMessageDeflate: false, ...ws })
    this.socket.on('open', () => (this.opened = true))
    this.socket.on('message', (bytes, isBinary) => this.take(bytes, isBinary))
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }))
    this.socket.on('unexpected-response', (request, response) => {
      this.closed = { status: response.statusCode }
      response.resume()
      request.destroy()
    })
    this.socket.on('error', (error) => (this.closed ??= { error }))
  }

  check() {
    assert.deepEqual(this.violations, [])
  }

  async until(what, look, ms = WAIT_MS) {
    return until(what, () => {
      this.check()
      return look()
    }, ms)
  }

  take(bytes, isBinary) {
    let frame
    try {
      assert.ok(!isBinary, 'text')
      frame = JSON.parse(bytes.toString('utf8'))
      this.judge?.heard(frame)
    } catch (error) {
      this.violations.push(`${error.message}: ${bytes.toString('utf8').slice(0, 300)}`)
      return
    }
    this.frames.push(frame)
    if (['subscribed', 'snapshot', 'update', 'gap'].includes(frame.type)) this.channelOf(frame).take(frame)
    if (frame.type === 'unsubscribed') this.channelOf(frame).subscribed = false
  }

  channelOf(subject) {
    const { channel, symbol, interval } = subject
    const key = keyOf(subject)
    if (!this.channels.has(key)) this.channels.set(key, new Channel(this, { channel, symbol, interval }))
    return this.channels.get(key)
  }

  sendRaw(text) {
    this.socket.send(text)
  }

  // Sends a frame with an id of its own, and answers the frame that echoes it.
  async ask(frame, ms = WAIT_MS) {
    const id = frame.id ?? `t${++this.ids}`
    const from = this.frames.length
    const text = JSON.stringify({ ...frame, id })
    this.sendRaw(text)
    const answer = await this.until(`an answer to ${JSON.stringify(frame).slice(0, 200)}`, () => {
      const found = this.frames.slice(from).find((f) => f.id === id)
      if (!found && this.closed) assert.fail(`closed (${JSON.stringify(this.closed)}) without an answer`)
      return found
    }, ms)
    if (answer.type !== 'error') this.judge?.said(JSON.parse(text))
    return answer
  }

  async subscribe(channel, subject = {}) {
    const answer = await this.ask({ op: 'subscribe', channel, ...subject })
    assert.equal(answer.type, 'subscribed', JSON.stringify(answer))
    assert.equal(answer.resumed, false)
    return this.channelOf({ channel, ...subject })
  }

  // Comes back to where the channel was left, or to another place.
  async resume(channel, place = channel.place) {
    channel.asked = place
    const answer = await this.ask({ op: 'resume', ...channel.subject, ...place })
    assert.equal(answer.type, 'subscribed', JSON.stringify(answer))
    return answer
  }

  async unsubscribe(channel) {
    const answer = await this.ask({ op: 'unsubscribe', ...channel.subject })
    assert.equal(answer.type, 'unsubscribed', JSON.stringify(answer))
  }

  async auth(credentials) {
    return this.ask({ op: 'auth', ...credentials })
  }

  async refused(code, frame) {
    const answer = await this.ask(frame)
    assert.equal(answer.type, 'error', JSON.stringify(answer))
    assert.equal(answer.problem.code, code, JSON.stringify(answer))
    return answer
  }

  // Stops reading, so that what is sent waits at the gateway; and goes on.
  pause() {
    this.socket.pause()
  }

  go() {
    this.socket.resume()
  }

  async ended(code) {
    const closed = await this.until(`an end with ${code}`, () => this.closed)
    assert.equal(closed.code, code, JSON.stringify(closed))
    return closed
  }

  // Without the closing handshake, as when a network is gone.
  async cut() {
    this.socket.terminate()
    await until('the socket to end', () => this.closed, WAIT_MS)
    this.check()
  }

  async close() {
    if (!this.closed) this.socket.close(1000)
    await until('the socket to close', () => this.closed, WAIT_MS)
    this.check()
  }
}
