// Who trades in a run, and what: jobs, each a request whose every part can be told from all others at the venue by its
// account, market, side and size (or amount). So what took place is known without asking the gateway.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPO, Trader } from '../e2e/harness.mjs'
import { marginMark, orderMark } from './record.mjs'
import { priceText, sizeText } from './world.mjs'

const BRANDS = ['meridian', 'harbor']
const TOGETHER = 8
const MONEY = '5000000'
// Sizes count up from `from` in steps of `step`.
const MARKETS = [
  { symbol: 'BTC', price: 100000, from: 0.0002, step: 0.00001 },
  { symbol: 'ETH', price: 4000, from: 0.005, step: 0.0001 },
  { symbol: 'SOL', price: 200, from: 0.1, step: 0.01 },
  { symbol: 'XRP', price: 2, from: 10, step: 1 },
  { symbol: 'DOGE', price: 0.2, from: 100, step: 1 },
]
const HELD = { symbol: 'LINK', price: 15 } // where margin is moved, and nothing else

export class Traders {
  constructor(bench, dice) {
    this.bench = bench
    this.dice = dice
    this.people = []
    this.counts = new Map()
    this.nJobs = 0
  }

  async openMarkets() {
    const { universe } = await this.bench.venue.info({ type: 'meta' })
    for (const market of [...MARKETS, HELD]) {
      const asset = universe.findIndex((m) => m.name === market.symbol)
      Object.assign(market, { asset, szDecimals: universe[asset].szDecimals })
      await this.bench.venue.price(market.symbol, String(market.price))
    }
  }

  // The venue approves builders that have money.
  async openBuilders() {
    const texts = BRANDS.map((brand) => readFileSync(join(REPO, 'branding', brand, 'brand.yaml'), 'utf8'))
    const addresses = texts.map((text) => /^builder:\n(?:  .*\n)*?  address: *"?(0x[0-9a-fA-F]{40})/m.exec(text)?.[1])
    for (const address of addresses.filter(Boolean)) await this.bench.venue.faucet(address, '1000')
  }

  async open(n) {
    await this.openMarkets()
    await this.openBuilders()
    const queue = Array.from({ length: n }, (_, i) => i)
    const worker = async () => {
      for (let i; (i = queue.shift()) !== undefined; ) this.people[i] = await this.openOne(i)
    }
    await Promise.all(Array.from({ length: TOGETHER }, worker))
  }

  async openOne(i) {
    const trader = await new Trader(this.bench.gateway, BRANDS[i % BRANDS.length]).onboard(MONEY)
    await trader.place({ symbol: HELD.symbol, side: 'buy', type: 'market', size: '100', marginMode: 'isolated', leverage: 3 })
    return { host: trader.host, token: trader.token, address: trader.address, mode: i % 2 ? 'cross' : 'isolated' }
  }

  count(key) {
    const n = this.counts.get(key) ?? 0
    this.counts.set(key, n + 1)
    return n
  }

  order(who) {
    const { dice } = this
    const person = this.people[who]
    const market = dice.pick(MARKETS)
    const side = dice.pick(['buy', 'sell'])
    const size = sizeText(market.from + market.step * (this.count(`${who} ${market.symbol}`) + 0.5), market.szDecimals)
    const order = { symbol: market.symbol, side, type: 'market', size, marginMode: person.mode, leverage: person.mode === 'cross' && dice.chance(0.15) ? dice.whole(2, 5) : 5 }
    if (dice.chance(0.45)) {
      order.type = 'limit'
      order.timeInForce = 'gtc'
      order.price = priceText(market.price * (1 + dice.between(-0.02, 0.02)), market.szDecimals)
      if (dice.chance(0.08)) order.stopLoss = { triggerPrice: priceText(market.price * (side === 'buy' ? 0.93 : 1.07), market.szDecimals) }
    }
    return { order, mark: orderMark(person.address, market.asset, side === 'buy', size) }
  }

  margin(who) {
    const micro = 1000000 + this.count(`${who} margin`)
    const amount = `1.${String(micro).slice(1)}`
    return { path: `/v1/positions/${HELD.symbol}/margin`, body: { amount }, marks: [marginMark(this.people[who].address, HELD.asset, micro)], isMargin: true }
  }

  // A job of one request; spread over spreadMs.
  job() {
    const { dice, bench } = this
    const who = dice.whole(0, this.people.length - 1)
    const kind = dice.weighed([[86, 'order'], [9, 'batch'], [5, 'margin']])
    const job = { id: this.nJobs++, who, key: randomUUID(), method: 'POST', n: 1, at: dice.between(0, bench.options.spreadMs), cancels: dice.chance(0.6) }
    job.patienceMs = dice.chance(0.1) ? dice.whole(100, 900) : 8000
    if (kind === 'margin') return Object.assign(job, this.margin(who))
    if (kind === 'batch') {
      const parts = Array.from({ length: dice.whole(2, 5) }, () => this.order(who))
      return Object.assign(job, { path: '/v1/orders/batch', body: { orders: parts.map((p) => p.order) }, marks: parts.map((p) => p.mark), n: parts.length, cancels: false })
    }
    const { order, mark } = this.order(who)
    if (dice.chance(0.3)) order.clientId = `c-${job.id}`
    return Object.assign(job, { path: '/v1/orders', body: order, marks: [mark] })
  }
}
