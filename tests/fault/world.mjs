// What happens to the traders: markets whose prices move, hours that pass, a venue that fails.
import { until } from '../e2e/harness.mjs'

const DEXES = ['', 'xyz']
const HOUR_MS = 3600000
const START = { BTC: 100000, ETH: 4000, SOL: 200, XRP: 2, DOGE: 0.2, BNB: 700, AVAX: 30, LINK: 15, HYPE: 40, SUI: 3, 'xyz:XYZ100': 25000, 'xyz:TSLA': 400, 'xyz:GOLD': 4000, 'xyz:NVDA': 180 }

// A price as the venue takes it: at most five significant figures and 6 - szDecimals decimals.
export function priceText(value, szDecimals) {
  const decimals = Math.max(0, 6 - szDecimals)
  const text = Number(value.toPrecision(5)).toFixed(decimals)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

export function sizeText(value, szDecimals) {
  const text = (Math.floor(value * 10 ** szDecimals) / 10 ** szDecimals).toFixed(szDecimals)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

export class World {
  constructor(gateway, dice, kinds = '') {
    this.kinds = kinds && kinds.split(',')
    this.gateway = gateway
    this.venue = gateway.venue
    this.dice = dice
    this.markets = new Map()
    this.faults = 0
    this.hours = 0
    this.jumps = 0
  }

  // Every market of every dex; those that are traded here get a price, the others stand where they are.
  async open() {
    for (const dex of DEXES) {
      const [meta, contexts] = await this.venue.info({ type: 'metaAndAssetCtxs', ...(dex && { dex }) })
      const offset = dex ? 100000 + 10000 * DEXES.indexOf(dex) : 0
      meta.universe.forEach((m, i) => {
        const price = START[m.name] ?? Number(contexts[i].markPx)
        this.markets.set(m.name, { symbol: m.name, dex, asset: offset + i, base: price, price, szDecimals: m.szDecimals, maxLeverage: m.maxLeverage, isolatedOnly: Boolean(m.onlyIsolated || m.marginMode) })
      })
    }
    await Promise.all([...this.markets.values()].map((m) => this.set(m, m.price)))
    this.traded = Object.keys(START).map((symbol) => this.markets.get(symbol)).filter(Boolean)
  }

  async set(market, price) {
    const text = priceText(price, market.szDecimals)
    if (Number(text) <= 0) return
    market.price = Number(text)
    await this.venue.price(market.symbol, text)
  }

  // Most steps are small; some go so far that stops trigger and positions are liquidated. What strays far
  // comes back, so that prices stay inside what the markets take.
  async movePrice() {
    const { dice } = this
    const market = dice.pick(this.traded)
    const isJump = dice.chance(0.1)
    const pull = Math.log(market.base / market.price) * (isJump ? 0.3 : 0.02)
    const step = isJump ? dice.between(0.04, 0.13) * (dice.chance(0.5) ? 1 : -1) : dice.between(-0.006, 0.006)
    this.jumps += isJump ? 1 : 0
    await this.set(market, market.price * Math.exp(step + pull))
  }

  async passHour() {
    this.hours++
    await this.venue.clock(HOUR_MS)
  }

  async fail() {
    const { dice } = this
    const path = dice.chance(0.5) ? 'exchange' : 'info'
    const [kind, count, more] = dice.weighed([
      [5, ['lostAnswer', dice.whole(1, 3), { path: 'exchange' }]],
      [2, ['lostAnswer', dice.whole(1, 3), { path: 'info' }]],
      [3, ['delay', dice.whole(1, 3), { path, delayMs: dice.whole(50, 4000) }]],
      [1, ['429', dice.whole(1, 3), { path }]],
      [2, ['502', dice.whole(1, 8), { path }]],
      [2, ['closeSocket', 1, { path }]],
      [1, ['noAnswer', 1, { path }]],
      [1, ['rubbish', dice.whole(1, 2), { path }]],
      [4, ['closeSocket', dice.whole(1, 2), { path: 'ws' }]],
      [2, ['silentSocket', 1, { path: 'ws' }]],
      [4, ['duplicateEvent', dice.whole(1, 30), {}]],
    ])
    if (this.kinds && !this.kinds.includes(kind)) return
    // Too many waiting ones are refused: then there are enough.
    const answer = await this.gateway.venue.control('POST', '/paper/fault', { kind, count, ...more }).catch(() => null)
    if (answer) this.faults += count
  }

  // Nothing fails, nothing moves from here on.
  async rest() {
    await this.venue.fault('none', 1)
    for (const market of this.markets.values()) await this.set(market, market.price)
  }

  // Asks the venue as often as its faults make necessary.
  info(body) {
    return until(`the venue's ${body.type}`, () => this.venue.info(body).catch(() => null), 30000)
  }
}

export { DEXES }
