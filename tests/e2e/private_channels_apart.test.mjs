// Whose account it is, who may listen, and what a front end finds when it comes back.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Trader, startConfigured, temporaryFolder, until } from './harness.mjs'
import { Listener, agrees } from './listener.mjs'

const LONG = 90000
const venue = '{weightPerMinute: 1000000, contextsEveryMs: 200}'
const mirror = '{showMaxAgeMs: 60000, pollWeightPerMinute: 100000}'
const limit = (price, more = {}) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price, leverage: 5, ...more })
const market = (side, size, more = {}) => ({ symbol: 'BTC', side, type: 'market', size, leverage: 5, ...more })

let gateway
before(async () => {
  gateway = await startConfigured({ venue, mirror }, { folder: temporaryFolder() })
  await gateway.price('BTC', '100000')
})
after(() => gateway?.stop())

describe('two sockets of one account', () => {
  let who
  const both = []
  before(async () => {
    who = await new Trader(gateway, 'meridian').onboard('10000')
    for (let i = 0; i < 2; i++) both.push(await new Listener(who).open())
  })
  after(() => both.forEach((l) => l.close()))

  test('hear the same, with the same numbers', async () => {
    const placed = await who.place(limit('90000'))
    await who.place(market('buy', '0.01'))
    await who.ok('DELETE', `/v1/orders/${placed.id}`)
    for (const listener of both) {
      await until('the end', () => listener.story(placed.id).includes('cancelled') && listener.updates('fills').length > 0, LONG)
      await agrees(listener)
    }
    const frames = (l, channel) => l.heard.get(channel).all.filter((f) => f.type === 'update')
    for (const channel of ['orders', 'fills']) assert.deepEqual(frames(both[0], channel), frames(both[1], channel))
  })

  test('who comes back finds what happened meanwhile, each once', async () => {
    const [one, other] = both
    const { epoch, seq } = one.heard.get('orders')
    const fills = one.heard.get('fills')
    one.close()
    await until('it is closed', () => one.code !== undefined, LONG)
    const placed = await who.place(limit('90000'))
    await who.place(market('buy', '0.02'))
    await who.ok('DELETE', `/v1/orders/${placed.id}`)
    await until('the other has it', () => other.story(placed.id).includes('cancelled'), LONG)
    await agrees(other)
    const back = await new Listener(who).resume({ orders: { epoch, seq }, fills: { epoch: fills.epoch, seq: fills.seq } })
    const missed = (channel, from) => other.heard.get(channel).all.filter((f) => f.seq > from)
    await until('it has what it missed', () => back.updates('orders').length >= missed('orders', seq).length, LONG)
    await until('and its fills', () => back.updates('fills').length >= missed('fills', fills.seq).length, LONG)
    assert.deepEqual(back.heard.get('orders').all, missed('orders', seq))
    assert.deepEqual(back.heard.get('fills').all, missed('fills', fills.seq))
    back.close()
  })

  test('after all have left, what happened is told to whoever resumes', async () => {
    const [, other] = both
    const { epoch, seq } = other.heard.get('orders')
    other.close()
    await until('it is closed', () => other.code !== undefined, LONG)
    const placed = await who.place(limit('91000'))
    await who.ok('DELETE', `/v1/orders/${placed.id}`)
    const back = await new Listener(who).resume({ orders: { epoch, seq } })
    await until('both words', () => back.story(placed.id).includes('cancelled'), LONG)
    assert.deepEqual(back.story(placed.id), ['resting', 'cancelled'])
    back.close()
  })
})

describe('one wallet', () => {
  test('under two brands has names and alerts of each apart, and the same orders', async () => {
    const here = await new Trader(gateway, 'meridian').onboard('10000')
    const there = new Trader(gateway, 'harbor')
    Object.assign(there, { account: here.account, address: here.address })
    await there.signIn()
    const listeners = [await new Listener(here).open(), await new Listener(there).open()]
    const placed = await here.place(limit('90000', { clientId: 'mine' }))
    for (const l of listeners) await until('it rests', () => l.story(placed.id).length > 0, LONG)
    const [a, b] = listeners.map((l) => l.updates('orders').at(-1))
    assert.deepEqual([a.clientId, b.clientId], ['mine', null])
    assert.deepEqual({ ...a, clientId: null, statusAt: 0, placedAt: 0 }, { ...b, statusAt: 0, placedAt: 0 })
    assert.equal(listeners[1].account().brand, 'harbor')
    await here.ok('DELETE', `/v1/orders/${placed.id}`)
    for (const l of listeners) {
      await agrees(l)
      l.close()
    }
  })

  test('and its sub-account hear of themselves alone', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('20000')
    // Sub-accounts are for who has traded; the embedded venue asks for none of that.
    const { address } = await who.ok('POST', '/v1/sub-accounts', { name: 'apart' })
    await who.ok('POST', `/v1/sub-accounts/${address}/transfer`, { amount: '5000', direction: 'deposit' })
    const own = await new Listener(who).open()
    const sub = await new Listener(who, { subAccount: address }).open()
    const as = { 'X-Sub-Account': address }
    const placed = await who.place(limit('90000'), as)
    await who.place(market('buy', '0.01'), as)
    await until('the sub-account hears', () => sub.story(placed.id).length > 0 && sub.updates('fills').length > 0, LONG)
    await agrees(sub)
    assert.equal(sub.account().master, who.address)
    assert.equal(sub.account().address, address)
    assert.equal(own.updates('orders').length, 0)
    assert.equal(own.updates('fills').length, 0)
    for (const l of [own, sub]) l.close()
  })
})

describe('what befalls an account', () => {
  test('a liquidation: position, orders, fills, account and alert', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('1000')
    const listener = await new Listener(who).open()
    await who.place(market('buy', '0.05', { leverage: 10 }))
    await until('it has a position', () => listener.positions().size === 1, LONG)
    await who.place(limit('80000', { size: '0.001', leverage: 10 }))
    await gateway.venue.price('BTC', '85000') // beyond what its margin covers
    await until('it is gone', () => listener.positions().size === 0, LONG)
    await until('an alert says so', () => listener.updates('alerts').some((a) => a.kind === 'liquidated'), LONG)
    await agrees(listener)
    const shown = await who.ok('GET', '/v1/account')
    await until('what is left', () => listener.account().equity === shown.equity, LONG)
    listener.close()
    await gateway.price('BTC', '100000')
  })

  test('funding, and what a guard does', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('10000')
    const listener = await new Listener(who).open()
    await who.place(market('buy', '0.02', { leverage: 10 }))
    await until('it has a position', () => listener.positions().size === 1, LONG)
    await who.ok('PUT', '/v1/positions/BTC/guard', { minDistance: '0.15', topUp: '50', maxTotal: '200' })
    await until('the guard shows in it', () => listener.positions().get('BTC').guard, LONG)
    await until('it has acted', () => listener.updates('alerts').some((a) => a.kind === 'guardActed'), LONG)
    const had = listener.positions().get('BTC').funding
    // The feed tells of it as soon as it follows the account.
    await until('an alert of the funding', async () => {
      await gateway.venue.clock(3600000)
      await delay(4000)
      return listener.updates('alerts').some((a) => a.kind === 'fundingCharged')
    }, LONG)
    await until('it shows in the position', () => listener.positions().get('BTC').funding !== had, LONG)
    await until('each alert once, as listed', async () => {
      const { data } = await who.ok('GET', '/v1/alerts')
      return JSON.stringify(listener.updates('alerts').toReversed()) === JSON.stringify(data)
    }, LONG)
    listener.close()
  })

  test('a switch that cancels all, by the venue itself', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('10000')
    const listener = await new Listener(who).open()
    const placed = await who.place(limit('90000'))
    await who.ok('POST', '/v1/dead-man', { timeoutMs: 5000 })
    await until('it went', () => listener.story(placed.id).includes('cancelled'), LONG)
    await agrees(listener)
    listener.close()
  })
})
