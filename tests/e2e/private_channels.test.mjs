// What a trader's front end is told of orders, fills, positions, account and alerts, against what the venue and the
// HTTP routes say of the same.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, startConfigured, temporaryFolder, until } from './harness.mjs'
import { Listener, agrees, endsAsTold } from './listener.mjs'

const LONG = 90000
const venue = '{weightPerMinute: 1000000, contextsEveryMs: 200}'
const mirror = '{showMaxAgeMs: 60000, pollWeightPerMinute: 100000}'

const market = (side, size, more = {}) => ({ symbol: 'BTC', side, type: 'market', size, leverage: 5, ...more })
const limit = (side, size, price, more = {}) => ({ symbol: 'BTC', side, type: 'limit', size, price, leverage: 5, ...more })

for (const [name, users] of [['followed by the feed', 10], ['without a place in the feed', 0]]) {
  describe(`an account ${name}`, () => {
    let gateway
    let who
    let listener
    before(async () => {
      const slots = users ? '' : ', users: 1'
      gateway = await startConfigured({ venue, mirror: mirror.replace('}', `${slots}}`) }, { folder: temporaryFolder() })
      await gateway.price('BTC', '100000')
      if (!users) {
        // Somebody else has the one place.
        const other = await new Trader(gateway, 'meridian').onboard('10000')
        await other.place(market('buy', '0.05', { leverage: 20 }))
      }
      who = await new Trader(gateway, 'meridian').onboard('10000')
      listener = await new Listener(who).open()
    })
    after(async () => {
      listener?.close()
      await gateway?.stop()
    })

    test('begins with what the HTTP routes answer', async () => {
      for (const [channel, path] of [['orders', '/v1/orders'], ['fills', '/v1/fills'], ['positions', '/v1/positions'], ['alerts', '/v1/alerts']]) {
        const http = await who.ok('GET', path)
        const [snapshot] = listener.heard.get(channel).snapshots
        assert.deepEqual(Object.keys(snapshot).sort(), Object.keys(http).sort(), channel)
        assert.deepEqual(snapshot.data, http.data, channel)
      }
      const account = await who.ok('GET', '/v1/account')
      assert.deepEqual({ ...listener.account(), asOf: 0 }, { ...account, asOf: 0 })
    })

    test('hears of orders that rest, are changed and cancelled, each change once', async () => {
      const placed = await who.place(limit('buy', '0.01', '90000', { clientId: 'one' }))
      await until('it rests', () => listener.story(placed.id).length === 1, LONG)
      const row = listener.updates('orders').at(-1)
      const [http] = (await who.ok('GET', '/v1/orders')).data
      assert.deepEqual({ ...row, placedAt: 0, statusAt: 0 }, { ...http, placedAt: 0, statusAt: 0 })
      assert.equal(row.clientId, 'one')
      const changed = await who.ok('PATCH', `/v1/orders/${placed.id}`, { price: '91000' })
      await until('the old one went', () => listener.story(placed.id).includes('cancelled'), LONG)
      await until('the new one rests', () => listener.story(changed.id).includes('resting'), LONG)
      await who.ok('DELETE', `/v1/orders/${changed.id}`)
      await until('it went', () => listener.story(changed.id).includes('cancelled'), LONG)
      await agrees(listener)
      assert.deepEqual(listener.story(placed.id), ['resting', 'cancelled'])
      assert.deepEqual(listener.story(changed.id), ['resting', 'cancelled'])
    })

    test('hears of fills, whole, once each, and of the position at each mark', async () => {
      const bought = await who.place(market('buy', '0.02'))
      await until('the order is told', () => listener.story(bought.id).includes('filled'), LONG)
      await agrees(listener)
      const http = (await who.ok('GET', '/v1/fills')).data
      const told = listener.updates('fills')
      assert.deepEqual(told.toSorted((a, b) => a.id - b.id), http.toSorted((a, b) => a.id - b.id))
      const before = listener.updates('positions').length
      await gateway.price('BTC', '101000')
      await until('the mark shows', () => listener.positions().get('BTC').markPrice === '101000', LONG)
      assert.ok(listener.updates('positions').length > before)
      // Until its fee is read the figures are an estimate, and say so.
      await until('the position as HTTP shows it', async () => {
        const position = await who.position('BTC')
        const row = listener.positions().get('BTC')
        return Object.keys(position).every((m) => ['asOf', 'source'].includes(m) || JSON.stringify(row[m]) === JSON.stringify(position[m]))
      }, LONG)
      await until('the account is worth it', async () => listener.account().equity === (await who.ok('GET', '/v1/account')).equity, LONG)
    })

    test('hears of an order that rests and is filled bit by bit by others', async () => {
      await gateway.price('BTC', '100000')
      const resting = await who.place(limit('buy', '0.03', '99500', { leverage: 5 }))
      await until('it rests', () => listener.story(resting.id).length === 1, LONG)
      await gateway.price('BTC', '99000')
      await until('it is filled', () => listener.story(resting.id).includes('filled'), LONG)
      await agrees(listener)
      assert.equal(listener.story(resting.id)[0], 'resting')
      assert.equal(listener.story(resting.id).at(-1), 'filled')
    })

    test('hears of stops that wait, are triggered and fill', async () => {
      await gateway.price('BTC', '100000')
      const stop = await who.ok('PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '98000' } })
      assert.ok(stop)
      await until('the stop waits', () => [...listener.orders().values()].some((o) => o.status === 'triggerPending'), LONG)
      await until('the position shows it', () => listener.positions().get('BTC')?.stopLoss?.triggerPrice === '98000', LONG)
      await gateway.price('BTC', '97000')
      await until('the position is gone', () => listener.positions().size === 0, LONG)
      const gone = listener.updates('positions').at(-1).data.find((p) => p.symbol === 'BTC')
      assert.equal(gone.size, '0')
      assert.equal(gone.side, 'long')
      await agrees(listener)
      await until('an alert of the stop', () => listener.updates('alerts').some((a) => a.kind === 'stopTriggered'), LONG)
      await until('each alert once, as listed', async () => {
        const { data } = await who.ok('GET', '/v1/alerts')
        const told = listener.updates('alerts')
        return JSON.stringify(told.toReversed()) === JSON.stringify(data)
      }, LONG)
    })

    test('hears how every order ended', async () => {
      await agrees(listener)
      await until('all ends are told', async () => (await endsAsTold(listener)) === '', LONG)
    })
  })
}
