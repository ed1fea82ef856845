// The same wallet elsewhere: it signs for the venue itself, past the gateway, through a published client.
import { ExchangeClient, HttpTransport } from '@nktkas/hyperliquid'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

const TIMEOUT_MS = 5000

export class Elsewhere {
  constructor(account, { world, dice, tally, markets, price, size, others }) {
    Object.assign(this, { world, dice, tally, markets, price, size, others })
    this.user = account.address.toLowerCase()
    const transport = new HttpTransport({ apiUrl: world.venue.base, isTestnet: true, timeout: TIMEOUT_MS })
    this.exchange = new ExchangeClient({ transport, wallet: account })
    this.twaps = []
  }

  order() {
    const { dice } = this
    const market = dice.pick(this.markets)
    const isBuy = dice.chance(0.5)
    const isMarket = dice.chance(0.6)
    const px = market.price * (isMarket ? (isBuy ? 1.01 : 0.99) : dice.between(0.97, 1.03))
    const order = {
      a: market.asset,
      b: isBuy,
      p: this.price(px, market.szDecimals),
      s: this.size((12 + dice.unit() ** 3 * 3000) / market.price, market.szDecimals),
      r: dice.chance(0.2),
      t: { limit: { tif: isMarket ? 'Ioc' : 'Gtc' } },
      c: `0x${randomBytes(16).toString('hex')}`,
    }
    return this.exchange.order({ orders: [order], grouping: 'na' })
  }

  async cancel() {
    const dex = this.dice.chance(0.3) ? 'xyz' : ''
    const one = this.dice.pick(await this.world.info({ type: 'openOrders', user: this.user, ...(dex && { dex }) }))
    const market = this.world.markets.get(one?.coin)
    if (market) await this.exchange.cancel({ cancels: [{ a: market.asset, o: one.oid }] })
  }

  leverage() {
    const market = this.dice.pick(this.markets)
    return this.exchange.updateLeverage({ asset: market.asset, isCross: this.dice.chance(0.5), leverage: this.dice.whole(1, market.maxLeverage) })
  }

  async margin() {
    const market = this.dice.pick(this.markets)
    await this.exchange.updateIsolatedMargin({ asset: market.asset, isBuy: true, ntli: this.dice.whole(-40000000, 60000000) })
  }

  toSpot() {
    return this.exchange.usdClassTransfer({ amount: this.dice.between(1, 50).toFixed(2), toPerp: this.dice.chance(0.5) })
  }

  send() {
    return this.exchange.usdSend({ destination: this.dice.pick(this.others), amount: this.dice.between(1, 40).toFixed(2) })
  }

  deposit() {
    const dex = this.dice.chance(0.3) ? { dex: 'xyz' } : {}
    return this.world.venue.control('POST', '/paper/faucet', { user: this.user, amount: this.dice.between(5, 300).toFixed(2), ...dex })
  }

  async twap() {
    const market = this.dice.pick(this.markets)
    const size = this.size(this.dice.between(60, 400) / market.price, market.szDecimals)
    const answer = await this.exchange.twapOrder({ twap: { a: market.asset, b: this.dice.chance(0.5), s: size, r: false, m: 5, t: false } })
    this.twaps.push([market.asset, answer.response.data.status.running.twapId])
  }

  // One balance for everything, or again one for each side.
  mode() {
    return this.exchange.userSetAbstraction({ user: this.user, abstraction: this.dice.pick(['unifiedAccount', 'disabled']) })
  }

  async act() {
    const what = this.dice.weighed([[8, 'order'], [2, 'cancel'], [1, 'leverage'], [1, 'margin'], [1, 'toSpot'], [1, 'send'], [2, 'deposit'], [0.4, 'twap'], [0.2, 'mode']])
    this.tally.action(`elsewhere ${what}`)
    // What the venue refuses or fails to answer is its affair: nobody sends it again.
    await this[what]().catch((error) => this.tally.elsewhere(error))
  }

  async trade(isOver, pauseMs) {
    while (!isOver()) {
      await this.act()
      await delay(this.dice.between(0.3, 1.7) * pauseMs)
    }
  }

  async rest() {
    for (const [a, t] of this.twaps) await this.exchange.twapCancel({ a, t }).catch(() => {})
  }
}
