// A trader's hands on the gateway: one act is one request or a few, drawn by dice. What is refused is part
// of the game; what the gateway may never answer is noted as trouble.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { priceText, sizeText } from './world.mjs'

const path = encodeURIComponent

export class Hands {
  constructor(trader, { world, ledger, tally, dice, symbols, sub = '' }) {
    Object.assign(this, { trader, world, ledger, tally, dice, sub })
    this.user = sub || trader.address
    this.markets = symbols.map((symbol) => world.markets.get(symbol))
  }

  async call(method, url, body, headers = {}) {
    const where = `${method} ${url.replace(/0x[0-9a-f]+|[^/]*%3A[^/]*|\b[A-Z]{2,}[A-Z0-9]*\b(?=\/|$)/g, '*').replace(/\?.*/, '')}`
    let answer
    try {
      answer = await this.trader.call(method, url, body, { ...headers, ...(this.sub && { 'X-Sub-Account': this.sub }) })
    } catch (error) {
      this.tally.trouble(`${where}: ${error.message}`)
      return { status: 0 }
    }
    this.tally.answer(where, answer)
    if (method !== 'GET') this.ledger.note(this, where, answer)
    return answer
  }

  post(url, body) {
    return this.call('POST', url, body, { 'Idempotency-Key': randomUUID() })
  }

  async list(url) {
    const { status, json } = await this.call('GET', url)
    return status === 200 ? json.data : []
  }

  // --- orders ---

  near(market, far = 0.03) {
    return priceText(market.price * (1 + this.dice.between(-far, far)), market.szDecimals)
  }

  // Beyond the mark on the side where the trigger waits: above for a buy's stop and a sell's take-profit.
  trigger(market, isAbove) {
    const away = this.dice.between(0.004, 0.06)
    return priceText(market.price * (1 + (isAbove ? away : -away)), market.szDecimals)
  }

  legs(market, side) {
    const isBuy = side === 'buy'
    const legs = {}
    if (this.dice.chance(0.25)) legs.takeProfit = { triggerPrice: this.trigger(market, isBuy) }
    if (this.dice.chance(0.25)) legs.stopLoss = { triggerPrice: this.trigger(market, !isBuy) }
    return legs
  }

  order() {
    const { dice } = this
    const market = dice.pick(this.markets)
    const side = dice.pick(['buy', 'sell'])
    const notional = 12 + dice.unit() ** 3 * 4000
    const order = { symbol: market.symbol, side, ...this.legs(market, side) }
    if (dice.chance(0.7)) {
      order.marginMode = market.isolatedOnly || dice.chance(0.5) ? 'isolated' : 'cross'
      order.leverage = dice.whole(1, dice.chance(0.3) ? market.maxLeverage : 10)
    }
    order.type = dice.weighed([[1, 'market'], [1, 'limit']])
    if (order.type === 'limit') {
      order.price = this.near(market)
      order.timeInForce = dice.weighed([[5, 'gtc'], [2, 'alo'], [1, 'ioc']])
    }
    const how = dice.pick(['notional', 'size', 'margin'])
    if (how === 'size') order.size = sizeText(notional / market.price, market.szDecimals)
    else if (how === 'margin' && order.type === 'market') order.margin = (notional / 5).toFixed(2)
    else order.notional = notional.toFixed(2)
    return order
  }

  place() {
    return this.post('/v1/orders', this.order())
  }

  // What waits for its trigger, to take a part or all of a position off.
  async wait() {
    const position = await this.position()
    const market = this.world.markets.get(position?.symbol)
    if (!market) return
    const side = position.side === 'long' ? 'sell' : 'buy'
    const type = this.dice.pick(['stopMarket', 'stopLimit', 'takeProfitMarket', 'takeProfitLimit'])
    const triggerPrice = this.trigger(market, (side === 'buy') === type.startsWith('stop'))
    const size = sizeText(Number(position.size) * this.dice.pick([0.3, 0.5, 1]), market.szDecimals)
    const order = { symbol: market.symbol, side, type, size, triggerPrice, reduceOnly: true }
    if (type.endsWith('Limit')) order.price = triggerPrice
    await this.post('/v1/orders', order)
  }

  batch() {
    return this.post('/v1/orders/batch', { orders: Array.from({ length: this.dice.whole(2, 5) }, () => this.order()) })
  }

  async retry() {
    const key = { 'Idempotency-Key': randomUUID() }
    const order = this.order()
    await Promise.all([this.call('POST', '/v1/orders', order, key), this.call('POST', '/v1/orders', order, key)])
  }

  async resting() {
    return this.dice.pick(await this.list('/v1/orders?limit=100'))
  }

  async cancel() {
    const order = await this.resting()
    if (order) await this.call('DELETE', `/v1/orders/${order.id ?? order.venueOrderId}`)
  }

  cancelAll() {
    return this.call('DELETE', '/v1/orders')
  }

  async modify() {
    const order = await this.resting()
    const market = this.world.markets.get(order?.symbol)
    if (!market) return
    const body = order.triggerPrice ? { triggerPrice: this.trigger(market, Number(order.triggerPrice) > market.price) } : { price: this.near(market, 0.02) }
    await this.call('PATCH', `/v1/orders/${order.id ?? order.venueOrderId}`, body, { 'Idempotency-Key': randomUUID() })
  }

  // --- positions ---

  async position() {
    return this.dice.pick(await this.list('/v1/positions'))
  }

  async close() {
    const position = await this.position()
    if (position) await this.call('DELETE', `/v1/positions/${path(position.symbol)}`)
  }

  leverage() {
    const { dice } = this
    const market = dice.pick(this.markets)
    return this.call('PUT', `/v1/positions/${path(market.symbol)}/leverage`, {
      marginMode: market.isolatedOnly || dice.chance(0.5) ? 'isolated' : 'cross',
      leverage: dice.whole(1, market.maxLeverage),
    })
  }

  async margin() {
    const position = await this.position()
    if (!position || position.marginMode !== 'isolated') return
    const body = this.dice.chance(0.2) ? { targetLeverage: String(this.dice.whole(2, 8)) } : { amount: this.dice.between(-60, 90).toFixed(6) }
    await this.post(`/v1/positions/${path(position.symbol)}/margin`, body)
  }

  async protect() {
    const position = await this.position()
    const market = this.world.markets.get(position?.symbol)
    if (!market) return
    const isLong = position.side === 'long'
    const body = {}
    if (this.dice.chance(0.6)) body.takeProfit = this.dice.chance(0.2) ? null : { triggerPrice: this.trigger(market, isLong) }
    if (!body.takeProfit || this.dice.chance(0.5)) body.stopLoss = { triggerPrice: this.trigger(market, !isLong) }
    await this.call('PUT', `/v1/positions/${path(position.symbol)}/tpsl`, body)
  }

  look() {
    return this.call('GET', this.dice.pick(['/v1/account', '/v1/positions', '/v1/orders']))
  }

  async act() {
    const what = this.dice.weighed([[10, 'place'], [2, 'wait'], [2, 'batch'], [1, 'retry'], [3, 'cancel'], [0.5, 'cancelAll'], [2, 'modify'], [3, 'close'], [2, 'leverage'], [2, 'margin'], [2, 'protect'], [2, 'look']])
    this.tally.action(what)
    await this[what]()
  }

  // Acts until the clock says that it is over, with a pause between.
  async trade(isOver, pauseMs) {
    while (!isOver()) {
      await this.act()
      await delay(this.dice.between(0.3, 1.7) * pauseMs)
    }
  }
}
