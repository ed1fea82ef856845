// Whatever happens on the way from the venue to the gateway, in the end nothing is missing of orders and fills, and
// nothing was told twice: two accounts trade here and elsewhere while sockets break and events are lost, doubled
// and overtaken.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ExchangeClient, HttpTransport } from '@nktkas/hyperliquid'
import { Trader, startConfigured, temporaryFolder, until } from './harness.mjs'
import { Listener, agrees, endsAsTold } from './listener.mjs'

const LONG = 150000
const venue = '{weightPerMinute: 1000000, contextsEveryMs: 200}'
const STEPS = 60

// mulberry32
class Dice {
  constructor(seed) {
    this.state = seed >>> 0
  }

  roll() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  whole(low, high) {
    return low + Math.floor(this.roll() * (high - low + 1))
  }

  pick(all) {
    return all[this.whole(0, all.length - 1)]
  }
}

class Actor {
  constructor(trader, dice) {
    Object.assign(this, { trader, dice, placed: [] })
    const transport = new HttpTransport({ apiUrl: trader.gateway.venue.base, isTestnet: true, timeout: 5000 })
    this.elsewhere = new ExchangeClient({ transport, wallet: trader.account })
  }

  price() {
    return String(100000 + this.dice.whole(-30, 30) * 100)
  }

  size() {
    return (this.dice.whole(1, 9) / 1000).toString()
  }

  async act() {
    const { dice, trader } = this
    const side = dice.pick(['buy', 'sell'])
    const order = { symbol: 'BTC', side, size: this.size(), leverage: 5 }
    switch (dice.whole(0, 7)) {
      case 0:
      case 1:
        return trader.call('POST', '/v1/orders', { ...order, type: 'market' })
      case 2:
      case 3: {
        const answer = await trader.call('POST', '/v1/orders', { ...order, type: 'limit', price: this.price() })
        if (answer.json?.id) this.placed.push(answer.json.id)
        return answer
      }
      case 4:
        return this.placed.length && trader.call('DELETE', `/v1/orders/${dice.pick(this.placed)}`)
      case 5:
        return this.placed.length && trader.call('PATCH', `/v1/orders/${dice.pick(this.placed)}`, { price: this.price() })
      case 6:
        return this.elsewhere.order({
          orders: [{ a: 0, b: side === 'buy', p: this.price(), s: this.size(), r: false, t: { limit: { tif: dice.pick(['Gtc', 'Ioc']) } } }],
          grouping: 'na',
        })
      case 7: {
        const one = dice.pick(await trader.gateway.venue.info({ type: 'openOrders', user: trader.address }))
        return one && this.elsewhere.cancel({ cancels: [{ a: 0, o: one.oid }] })
      }
    }
  }
}

describe('with a feed that fails', () => {
  const seed = Number(process.env.PERPGATE_SEED ?? Date.now() % 1000000)
  const dice = new Dice(seed)
  let gateway
  const actors = []
  const listeners = []
  before(async () => {
    gateway = await startConfigured({ venue, mirror: '{showMaxAgeMs: 60000, pollWeightPerMinute: 100000, users: 1}' }, { folder: temporaryFolder() })
    await gateway.price('BTC', '100000')
    for (let i = 0; i < 2; i++) {
      const trader = await new Trader(gateway, 'meridian').onboard('50000')
      actors.push(new Actor(trader, dice))
      listeners.push(await new Listener(trader).open())
    }
  })
  after(async () => {
    for (const listener of listeners) listener.close()
    await gateway?.stop()
  })

  test('everything is told in the end, once, and as the venue has it', async (t) => {
    t.diagnostic(`seed ${seed}`)
    for (let i = 0; i < STEPS; i++) {
      // What the venue or the gateway refuses, or nobody answers, is refused: what counts is what the venue knows.
      await dice.pick(actors).act().catch(() => {})
      if (dice.whole(0, 3) === 0) await gateway.venue.price('BTC', String(100000 + dice.whole(-25, 25) * 100))
      if (dice.whole(0, 2) === 0) await gateway.venue.fault(dice.pick(['lostEvent', 'duplicateEvent', 'reorderEvents']), dice.whole(1, 4))
      if (dice.whole(0, 14) === 0) await gateway.venue.fault('closeSocket', 1, { path: 'ws' })
      await delay(dice.whole(0, 120))
    }
    await gateway.venue.fault('none', 1)
    for (const listener of listeners) {
      await agrees(listener, { ms: LONG })
      await until(`all ends are told (seed ${seed})`, async () => (await endsAsTold(listener)) === '', LONG)
    }
  })
})
