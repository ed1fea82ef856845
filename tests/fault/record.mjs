// The venue's journal, read as it grows, against what clients were told. The journal is complete: what is not in it
// did not take place, and what is in it twice took place twice.
import { closeSync, openSync, readSync } from 'node:fs'
import { createHash } from 'node:crypto'

const CHUNK = 1 << 20
const THERE = new Set(['resting', 'filled', 'partiallyFilled', 'triggerPending', 'cancelled'])

const digest = (value) => createHash('sha1').update(JSON.stringify(value)).digest('base64')

// One decimal number, one text.
export const plain = (text) => (String(text).includes('.') ? String(text).replace(/\.?0+$/, '') : String(text))
export const orderMark = (account, asset, isBuy, size) => `${account} ${asset} ${isBuy ? 'buy' : 'sell'} ${plain(size)}`
export const marginMark = (account, asset, micro) => `${account} ${asset} margin ${micro}`

export class Record {
  constructor(file) {
    this.fd = openSync(file, 'r')
    this.tail = Buffer.alloc(0)
    this.rows = 0
    this.gaps = 0
    this.placed = new Map() // mark of an order or a move of margin -> times that it took effect
    this.names = new Map() // client order id -> the same
    this.filled = new Map() // client order id -> size
    this.sizes = new Map() // client order id -> size asked for
    this.signatures = new Map() // signer and nonce -> digest of the action
    this.nonceRejects = []
    this.resends = 0 // of the very same bytes: deliberate
    this.expired = 0
  }

  read() {
    const chunk = Buffer.alloc(CHUNK)
    for (let n; (n = readSync(this.fd, chunk, 0, CHUNK, null)); ) {
      const bytes = Buffer.concat([this.tail, chunk.subarray(0, n)])
      const end = bytes.lastIndexOf(10) + 1
      this.tail = Buffer.from(bytes.subarray(end))
      if (!end) continue
      for (const line of bytes.toString('utf8', 0, end - 1).split('\n')) this.take(JSON.parse(line))
    }
  }

  take(row) {
    if (row.fill) return this.takeFill(row.fill)
    this.rows++
    if (row.seq !== this.rows) this.gaps++
    this.takeNonce(row)
    if (row.effect === 'refused') return
    if (row.type === 'order') this.takeOrders(row)
    else if (row.type === 'updateIsolatedMargin') this.count(this.placed, marginMark(row.account, row.action.asset, row.action.ntli))
  }

  count(map, key) {
    map.set(key, (map.get(key) ?? 0) + 1)
  }

  takeFill({ cloid, sz }) {
    if (cloid) this.filled.set(cloid, (this.filled.get(cloid) ?? 0) + Number(sz))
  }

  // Refused for its nonce: a resend of bytes that arrived before is meant to be refused, anything else is not.
  takeNonce(row) {
    const name = `${row.signer} ${row.nonce}`
    const bytes = digest(row.action)
    const isResend = this.signatures.get(name) === bytes
    const text = String(row.answer?.response)
    if (/nonce/i.test(text) && isResend) this.resends++
    else if (/nonce/i.test(text)) this.nonceRejects.push(`${row.type} of ${row.account}: ${text}`)
    if (/expired/.test(text)) this.expired++
    else this.signatures.set(name, bytes)
  }

  takeOrders(row) {
    const statuses = row.answer.response.data.statuses
    row.action.orders.forEach((order, i) => {
      if (statuses[i] === undefined || statuses[i].error !== undefined) return
      if (order.c) {
        this.count(this.names, order.c)
        this.sizes.set(order.c, Number(order.s))
      }
      if (!order.t?.trigger) this.count(this.placed, orderMark(row.account, order.a, order.b, order.s))
    })
  }

  // What clients were told of their orders, by mark, against what took place.
  verdict(told) {
    const found = { lost: [], duplicated: [], mistold: [], aliens: [] }
    for (const [mark, times] of this.placed) {
      if (times > 1) found.duplicated.push(`${mark}: ${times} times, told ${told.get(mark)?.status}`)
      if (!told.has(mark)) found.aliens.push(mark)
    }
    for (const [name, times] of this.names) if (times > 1) found.duplicated.push(`${name}: ${times} times`)
    for (const [name, size] of this.filled)
      if (this.sizes.has(name) && size > this.sizes.get(name) * 1.000001) found.duplicated.push(`${name}: filled ${size} of ${this.sizes.get(name)}`)
    for (const [mark, one] of told) {
      const times = this.placed.get(mark) ?? 0
      if (THERE.has(one.status) && !times) found.lost.push(`${mark}: told ${one.status} ${one.id}${one.last ? ` (${one.last})` : ''}, never placed`)
      else if (one.status === 'filled' && one.filledSize && Math.abs((this.filled.get(one.id) ?? 0) - Number(one.filledSize)) > 1e-9)
        found.lost.push(`${mark}: told filled ${one.filledSize}, ${this.filled.get(one.id) ?? 0} at the venue, ${one.id}`)
      else if (one.status === 'rejected' && times) found.mistold.push(`${mark}: told rejected ${one.code ?? ''}${one.last ? `: ${one.last}` : ''}, placed ${times} times, ${one.id}`)
    }
    return found
  }

  close() {
    closeSync(this.fd)
  }
}
