// Somebody who listens to an account over /v1/ws: keeps what it was told, checks that nothing is missing between
// two frames, and works out what the account is from snapshots and updates alone.
import assert from 'node:assert/strict'
import { WebSocket } from 'ws'
import { judgeOf } from './asyncapi_check.mjs'
import { until } from './harness.mjs'

export const PRIVATE = ['orders', 'fills', 'positions', 'account', 'alerts']
const over = new Set(['filled', 'cancelled', 'rejected', 'unknown'])

export class Listener {
  constructor(trader, { subAccount } = {}) {
    this.trader = trader
    this.subAccount = subAccount
    this.heard = new Map() // channel -> {epoch, seq, snapshots, updates, gaps}
    this.frames = []
  }

  async connect() {
    const { gateway, host } = this.trader
    this.judge = await judgeOf(gateway)
    this.socket = new WebSocket(`${gateway.http.replace('http', 'ws')}/v1/ws`, { headers: { host } })
    this.socket.on('message', (text) => this.take(JSON.parse(text.toString())))
    this.socket.on('close', (code) => (this.code = code))
    this.socket.on('error', (error) => (this.failed = error))
    await new Promise((done, failed) => this.socket.once('open', done).once('error', failed))
    this.send({ op: 'auth', token: this.trader.token, ...(this.subAccount && { subAccount: this.subAccount }) })
    await until('signed in over the socket', () => this.frames.some((f) => f.type === 'authenticated'), 60000)
  }

  async open(channels = PRIVATE) {
    await this.connect()
    for (const channel of channels) this.send({ op: 'subscribe', channel })
    await until(`snapshots of ${channels}`, () => channels.every((c) => this.heard.get(c)?.snapshots.length > 0), 60000)
    return this
  }

  // Comes back for what was missed: by channel, the last epoch and seq that were seen.
  async resume(places) {
    await this.connect()
    for (const [channel, place] of Object.entries(places)) {
      this.heard.set(channel, { snapshots: [], updates: [], gaps: 0, all: [], ...place })
      this.send({ op: 'resume', channel, ...place })
    }
    await until('resumed', () => this.frames.filter((f) => f.type === 'subscribed' && f.resumed).length === Object.keys(places).length, 60000)
    return this
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame))
  }

  close() {
    this.socket?.terminate()
  }

  take(frame) {
    this.frames.push(frame)
    this.judge.heard(frame)
    assert.notEqual(frame.type, 'error', JSON.stringify(frame))
    if (!['snapshot', 'update', 'gap'].includes(frame.type)) return
    const none = { snapshots: [], updates: [], gaps: 0, all: [] }
    const known = this.heard.get(frame.channel) ?? none
    if (known.epoch === frame.epoch && frame.type !== 'snapshot')
      assert.equal(frame.seq, known.seq + 1, `${frame.channel}: contiguous`)
    this.heard.set(frame.channel, known)
    Object.assign(known, { epoch: frame.epoch, seq: frame.seq })
    known.all.push(frame)
    if (frame.type === 'snapshot') known.snapshots.push(frame.data)
    if (frame.type === 'update') known.updates.push(frame.data)
    if (frame.type === 'gap') known.gaps++
  }

  updates(channel) {
    return this.heard.get(channel)?.updates ?? []
  }

  // What stands, by the last snapshot and what came after it.
  orders() {
    const rows = new Map()
    for (const frame of this.heard.get('orders').all) {
      if (frame.type === 'snapshot') rows.clear()
      if (frame.type === 'gap') continue
      for (const row of frame.type === 'snapshot' ? frame.data.data : [frame.data])
        if (over.has(row.status)) rows.delete(row.venueOrderId)
        else rows.set(row.venueOrderId, row)
    }
    return rows
  }

  // Every fill by its id; one that is told twice fails.
  fills() {
    const ids = new Set()
    for (const frame of this.heard.get('fills').all)
      for (const row of frame.type === 'snapshot' ? frame.data.data : frame.type === 'update' ? [frame.data] : []) {
        if (frame.type === 'update') assert.ok(!ids.has(row.id), `fill ${row.id} is told once`)
        ids.add(row.id)
      }
    return ids
  }

  positions() {
    const rows = new Map()
    for (const frame of this.heard.get('positions').all) {
      if (frame.type === 'snapshot') rows.clear()
      for (const row of frame.data?.data ?? [])
        if (row.size === '0') rows.delete(row.symbol)
        else rows.set(row.symbol, row)
    }
    return rows
  }

  account() {
    return this.heard.get('account').all.findLast((f) => f.data).data
  }

  // What was told of one order, in words.
  story(id) {
    return this.updates('orders').filter((o) => o.id === id || o.venueOrderId === id).map((o) => o.status)
  }
}

// Words of one order never go back, and none comes twice in a row.
function soundStories(listener) {
  const last = new Map()
  for (const o of listener.updates('orders')) {
    const was = last.get(o.venueOrderId)
    const is = `${o.status} ${o.filledSize} ${o.remainingSize}`
    assert.notEqual(was?.is, is, `the same twice: ${JSON.stringify(o)}`)
    if (was) assert.ok(Number(o.filledSize) >= Number(was.filled), `filled goes back: ${JSON.stringify(o)}`)
    last.set(o.venueOrderId, { is, filled: o.filledSize })
  }
}

// In the end the listener knows what the venue knows.
export async function agrees(listener, { ms = 90000, since = 0 } = {}) {
  const { trader } = listener
  const user = listener.subAccount ?? trader.address
  const paper = trader.gateway.venue
  const same = async (what, look) => {
    let is
    let told
    try {
      await until(what, async () => {
        ;[is, told] = (await look()).map((rows) => JSON.stringify(rows.sort()))
        return is === told
      }, ms)
    } catch (error) {
      assert.equal(told, is, `${what}: ${error.message}`)
    }
  }
  await same('orders as the venue has them', async () => {
    const open = await paper.info({ type: 'frontendOpenOrders', user })
    return [open.map((o) => `${o.oid} ${Number(o.sz)}`), [...listener.orders().values()].map((o) => `${o.venueOrderId} ${Number(o.remainingSize)}`)]
  })
  await same('fills as the venue has them', async () => {
    const fills = await paper.info({ type: 'userFillsByTime', user, startTime: since })
    return [fills.map((f) => String(f.tid)), [...listener.fills()]]
  })
  await same('positions as the venue has them', async () => {
    const state = await paper.info({ type: 'clearinghouseState', user })
    return [
      state.assetPositions.map(({ position: p }) => `${p.coin} ${Math.abs(Number(p.szi))}`),
      [...listener.positions().values()].map((p) => `${p.symbol} ${Number(p.size)}`),
    ]
  })
  soundStories(listener)
  for (const channel of ['orders', 'fills']) assert.equal(listener.heard.get(channel).gaps, 0, `${channel}: no gap`)
}

// The first order that the venue knows of and that was not told as it ended, or stands; "" when all were.
export async function endsAsTold(listener) {
  const { trader } = listener
  const past = await trader.gateway.venue.info({ type: 'historicalOrders', user: listener.subAccount ?? trader.address })
  const last = new Map(listener.updates('orders').map((o) => [o.venueOrderId, o]))
  const words = { open: /^(resting|partiallyFilled|triggerPending)$/, triggered: /./, filled: /^(filled|partiallyFilled)$/ }
  for (const { order, status } of past) {
    const told = last.get(String(order.oid))
    const word = words[status] ?? (/[rR]ejected$/.test(status) ? /^rejected$/ : /^(cancelled|filled|partiallyFilled)$/)
    if (!told || !word.test(told.status)) return `${order.oid} is ${status}, told as ${told?.status}`
  }
  return ''
}
