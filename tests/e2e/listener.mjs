// Somebody who listens to an account over /v1/ws: keeps what it was told, checks that nothing is missing between
// two frames, and works out what the account is from snapshots and updates alone.
import assert from 'node:assert/strict'
import { WebSocket } from 'ws'
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

  async open(channels = PRIVATE) {
    const { gateway, host } = this.trader
    this.socket = new WebSocket(`${gateway.http.replace('http', 'ws')}/v1/ws`, { headers: { host } })
    this.socket.on('message', (text) => this.take(JSON.parse(text.toString())))
    this.socket.on('close', (code) => (this.code = code))
    this.socket.on('error', (error) => (this.failed = error))
    await new Promise((done, failed) => this.socket.once('open', done).once('error', failed))
    this.send({ op: 'auth', token: this.trader.token, ...(this.subAccount && { subAccount: this.subAccount }) })
    await until('signed in over the socket', () => this.frames.some((f) => f.type === 'authenticated'), 60000)
    for (const channel of channels) this.send({ op: 'subscribe', channel })
    await until(`snapshots of ${channels}`, () => channels.every((c) => this.heard.get(c)?.snapshots.length > 0), 60000)
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
