// What the venue's ledger tells of orders: how often each client order id took effect.
const CLOID = /^0x[0-9a-f]{32}$/
const PAGE = 10000
const GOOD = ['resting', 'filled', 'partiallyFilled', 'triggerPending']

export class Ledger {
  constructor(venue) {
    this.venue = venue
    this.seq = 0
    this.rows = 0
    this.gaps = 0
    this.effects = new Map() // client order id -> times that it took effect
    this.sent = 0 // orders in actions of any kind
    this.acknowledged = new Map() // client order id -> the trader who was told, and where
    this.unknown = new Map() // client order id -> the trader who asks for it later
    this.nonceRejects = 0
  }

  // Reads on; often enough that nothing leaves the venue's memory unread.
  async read() {
    for (;;) {
      const rows = await this.venue.control('GET', `/paper/ledger?after=${this.seq}&limit=${PAGE}`)
      if (!rows.length) return
      for (const row of rows) this.take(row)
    }
  }

  take(row) {
    if (row.seq !== this.seq + 1) this.gaps++
    this.seq = row.seq
    this.rows++
    if (/nonce/i.test(String(row.answer?.response))) this.nonceRejects++
    const orders = row.type === 'order' ? row.action.orders : row.type === 'batchModify' ? row.action.modifies.map((m) => m.order) : row.type === 'modify' ? [row.action.order] : []
    const statuses = row.answer?.response?.data?.statuses ?? []
    this.sent += orders.length
    orders.forEach((order, i) => {
      if (!order.c || statuses[i] === undefined || statuses[i].error !== undefined) return
      this.effects.set(order.c, (this.effects.get(order.c) ?? 0) + 1)
    })
  }

  // Notes what an answer of the gateway says of orders.
  note(hands, where, answer) {
    const { json } = answer
    if (answer.status === 504 || json?.code === 'outcome_unknown') {
      const id = /0x[0-9a-f]{32}/.exec(json?.hint ?? '')?.[0]
      if (id) this.unknown.set(id, hands)
      return
    }
    for (const one of json?.results ?? [json]) {
      for (const part of [one, ...(one?.legs ?? [])]) {
        if (!CLOID.test(part?.id)) continue
        if (GOOD.includes(part.status)) this.acknowledged.set(part.id, { hands, where })
        else if (part.status === 'unknown') this.unknown.set(part.id, hands)
      }
    }
  }

  // Acknowledged orders that the venue never took, and ids that it took more than once.
  verdict() {
    const lost = [...this.acknowledged].filter(([id]) => !this.effects.get(id)).map(([id, { where }]) => [id, where])
    const doubled = [...this.effects].filter(([, times]) => times > 1)
    return { lost, doubled }
  }
}
