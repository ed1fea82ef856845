// What the venue does wrong is told as it is: nothing is taken for done, nothing is sent twice.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, signTypedData, startConfigured, until } from './harness.mjs'

const SLOW = 700 // the gateway's own deadline for the venue, here

let gateway
let trader

before(async () => {
  gateway = await startConfigured({
    mirror: '{checkMaxAgeMs: 0, showMaxAgeMs: 0}', // each request is judged by what the venue says to it
    venue: `{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: ${SLOW}, readDeadlineMs: ${SLOW}}`,
  })
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
  trader = await new Trader(gateway, 'harbor').onboard('100000')
  await trader.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 10 })
  await trader.ok('PUT', '/v1/positions/ETH/leverage', { marginMode: 'isolated', leverage: 10 })
})
after(() => gateway?.stop())

// Each starts without faults left over, and with a venue that answers reads again.
beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  await until('reads answered', async () => (await trader.call('GET', '/v1/positions')).status === 200)
})

const resting = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000', marginMode: 'isolated', leverage: 10 }
const filling = { symbol: 'ETH', side: 'buy', type: 'market', size: '0.1', marginMode: 'isolated', leverage: 10 }

async function orders() {
  return (await gateway.venue.ledger()).filter((row) => row.type === 'order' && row.account?.toLowerCase() === trader.address)
}

// Rows that this attempt added to the venue's ledger.
async function added(attempt) {
  const before = (await orders()).length
  const answer = await attempt()
  return { answer, rows: (await orders()).slice(before) }
}

const openOrders = () => gateway.venue.info({ type: 'frontendOpenOrders', user: trader.address })

describe('an answer that is lost after the order took effect', () => {
  test('a resting order is found, and is there once', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const { answer, rows } = await added(() => trader.place(resting))
    assert.equal(answer.status, 'resting')
    assert.equal(answer.plan.find((s) => s.action === 'order').status, 'done')
    assert.equal(rows.length, 1)
    assert.equal(rows[0].action.orders[0].c, answer.id)
    assert.equal((await openOrders()).filter((o) => o.cloid === answer.id).length, 1)
    assert.equal((await trader.ok('GET', `/v1/orders/${answer.id}`)).status, 'resting')
    await trader.ok('DELETE', `/v1/orders/${answer.id}`)
  })

  test('a filled order is found, and fills once', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const { answer, rows } = await added(() => trader.place(filling))
    assert.equal(answer.status, 'filled')
    assert.equal(answer.filledSize, '0.1')
    assert.equal(rows.length, 1)
    assert.equal((await trader.venuePosition('ETH')).szi, '0.1')
    assert.equal((await trader.ok('GET', `/v1/orders/${answer.id}`)).status, 'filled')
    await trader.ok('DELETE', '/v1/positions/ETH')
  })

  test('a leverage change is found', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const answer = await trader.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 7 })
    assert.equal(answer.plan[0].status, 'done')
    const { leverage } = await gateway.venue.info({ type: 'activeAssetData', user: trader.address, coin: 'BTC' })
    assert.equal(leverage.value, 7)
    await trader.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 10 })
  })

  test('the same key again gets the first answer, and no second order', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const { answer, rows } = await added(async () => {
      const first = await trader.call('POST', '/v1/orders', resting, headers)
      const again = await trader.call('POST', '/v1/orders', resting, headers)
      return { first, again }
    })
    assert.equal(answer.first.status, 200, answer.first.text)
    assert.equal(answer.first.headers['idempotent-replayed'], undefined)
    assert.equal(answer.again.headers['idempotent-replayed'], 'true')
    assert.equal(answer.again.text, answer.first.text)
    assert.equal(rows.length, 1)
    await trader.ok('DELETE', `/v1/orders/${answer.first.json.id}`)
  })

  test('a cancel can not be told apart from one that was lost: unknown, and the order tells', async () => {
    const { id } = await trader.place(resting)
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const found = await trader.refused(504, 'outcome_unknown', 'DELETE', `/v1/orders/${id}`)
    assert.equal(found.retryable, false)
    assert.equal((await trader.ok('GET', `/v1/orders/${id}`)).status, 'cancelled')
  })
})

describe('answers lost in the middle of a plan', () => {
  test('leverage and order: both are found, then the margin is moved', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('5000')
    await gateway.venue.fault('lostAnswer', 2, { path: 'exchange' })
    const placed = await who.place({ symbol: 'BTC', side: 'buy', type: 'market', margin: '100', leverage: 9 })
    assert.equal(placed.status, 'filled')
    assert.deepEqual(placed.plan.map((s) => [s.action, s.status]), [['setLeverage', 'done'], ['order', 'done'], ['adjustMargin', 'done']])
    const mine = (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address).map((row) => row.type)
    assert.deepEqual(mine.slice(-3), ['updateLeverage', 'order', 'updateIsolatedMargin'], 'each once')
    const position = await who.position('BTC')
    assert.equal(position.leverage, 9)
    assert.ok(Math.abs(Number(position.margin) - 100) < 0.1, position.margin)
  })

  test('moved margin: unknown first, then found out; it moved once', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('5000')
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', margin: '100', leverage: 10 })
    const before = await who.position('BTC')
    const headers = { 'Idempotency-Key': randomUUID() }
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const found = await who.refused(504, 'outcome_unknown', 'POST', '/v1/positions/BTC/margin', { amount: '50' }, headers)
    assert.deepEqual(found.plan.map((s) => [s.action, s.status, s.amount]), [['adjustMargin', 'unknown', '50']])
    const again = await until('its end', async () => {
      const answer = await who.call('POST', '/v1/positions/BTC/margin', { amount: '50' }, headers)
      return answer.status === 200 && answer
    })
    assert.deepEqual([again.json.plan[0].status, again.headers['idempotent-replayed']], ['done', 'true'])
    const after = await who.position('BTC')
    assert.ok(Math.abs(Number(after.margin) - Number(before.margin) - 50) < 0.001)
  })

  test('a close is found, and closed once', async () => {
    const who = await new Trader(gateway, 'meridian').onboard('5000')
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', margin: '100', leverage: 10 })
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const closed = await who.ok('DELETE', '/v1/positions/BTC')
    assert.deepEqual([closed.status, closed.position], ['filled', null])
    assert.equal(await who.venuePosition('BTC'), undefined)
  })

  test('an approval: unknown, then onboarding tells; the same signature again is no second one', async () => {
    const who = new Trader(gateway, 'meridian')
    await gateway.venue.faucet(who.address, '1000')
    await who.signIn()
    const { typedData } = await who.ok('POST', '/v1/agent', {})
    const signature = await signTypedData(who.account, typedData)
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const found = await who.refused(504, 'outcome_unknown', 'POST', '/v1/agent/approve', { signature })
    assert.match(found.detail, /onboarding/)
    const { steps } = await who.ok('GET', '/v1/onboarding')
    assert.equal(steps.find((s) => s.step === 'agent').status, 'done')
    assert.equal((await who.ok('POST', '/v1/agent/approve', { signature })).status, 'approved')
    const mine = (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address)
    assert.deepEqual(mine.map((row) => row.type), ['approveAgent'])
  })

  test('an approval that the venue refuses can be sent again once the reason is gone', async () => {
    const who = new Trader(gateway, 'meridian')
    await who.signIn()
    const { typedData } = await who.ok('POST', '/v1/agent', {})
    const signature = await signTypedData(who.account, typedData)
    const found = await who.call('POST', '/v1/agent/approve', { signature })
    assert.equal(found.json.status, 422, found.text)
    assert.match(found.json.venueMessage, /Must deposit/)
    assert.match(found.json.detail, /deposit/)
    await gateway.venue.faucet(who.address, '1000')
    await who.ok('POST', '/v1/agent/approve', { signature })
  })
})

describe('an order whose fate can not be found out', () => {
  for (const kind of ['noAnswer', 'closeSocket'])
    test(`${kind}: unknown is said, then the very same bytes are sent again, and nothing is done twice`, async () => {
      const headers = { 'Idempotency-Key': randomUUID() }
      await gateway.venue.fault(kind, 1, { path: 'exchange' })
      const { answer, rows } = await added(async () => {
        const first = await trader.refused(504, 'outcome_unknown', 'POST', '/v1/orders', resting, headers)
        const id = /0x[0-9a-f]{32}/.exec(first.hint)[0]
        await until('the order stands', async () => (await trader.ok('GET', `/v1/orders/${id}`)).status === 'resting')
        return first
      })
      assert.equal(answer.status, 504)
      assert.equal(answer.retryable, false)
      assert.equal(answer.plan.find((s) => s.action === 'order').status, 'unknown')
      assert.equal(rows.length, 1)
      const again = await added(() =>
        until('its answer', async () => {
          const found = await trader.call('POST', '/v1/orders', resting, headers)
          return found.status === 200 && found
        }),
      )
      assert.equal(again.answer.headers['idempotent-replayed'], 'true')
      assert.deepEqual([again.answer.json.status, again.answer.json.recovered], ['resting', true])
      assert.equal(again.rows.length, 0, 'a retry sends nothing')
      await trader.ok('DELETE', `/v1/orders/${again.answer.json.id}`)
    })

  test('too late is not never: what arrives after the deadline is found', async () => {
    await gateway.venue.fault('delay', 1, { path: 'exchange', delayMs: SLOW * 2 })
    const { answer } = await added(() => trader.call('POST', '/v1/orders', resting))
    // The venue acted before or after the gateway gave up waiting: found out, or said to be unknown.
    assert.ok(answer.status === 200 || answer.status === 504, answer.text)
    if (answer.status === 200) assert.equal(answer.json.status, 'resting')
    else assert.equal(answer.json.code, 'outcome_unknown')
    const rows = await until('the order at the venue', async () => (await openOrders()).length > 0 && openOrders())
    assert.equal(rows.length, 1)
    const id = rows[0].cloid
    assert.equal((await trader.ok('GET', `/v1/orders/${id}`)).status, 'resting')
    await trader.ok('DELETE', `/v1/orders/${id}`)
  })
})

describe('an exchange that refuses to serve', () => {
  test('429: nothing was done, and it may be tried again', async () => {
    await gateway.venue.fault('429', 1, { path: 'exchange' })
    const { answer, rows } = await added(() => trader.call('POST', '/v1/orders', resting))
    assert.ok(['rate_limited', 'venue_unavailable'].includes(answer.json.code), answer.text)
    assert.equal(answer.json.retryable, true)
    assert.ok(Number(answer.headers['retry-after']) >= 1)
    assert.equal(rows.length, 0)
    assert.equal((await openOrders()).length, 0)
  })

  for (const kind of ['502', 'rubbish'])
    test(`${kind}: not taken for done, and what happened can be asked`, async () => {
      await gateway.venue.fault(kind, 1, { path: 'exchange' })
      const { answer } = await added(() => trader.call('POST', '/v1/orders', resting))
      if (answer.status === 200) {
        assert.equal(answer.json.status, 'resting', answer.text)
        await trader.ok('DELETE', `/v1/orders/${answer.json.id}`)
        return
      }
      // Sent again meanwhile it may be there by now, which this answer could not know.
      assert.ok(['outcome_unknown', 'venue_unavailable'].includes(answer.json?.code), answer.text)
      assert.notEqual(answer.status, 200)
      const { id } = answer.json
      await until('its end', async () => ['resting', 'rejected'].includes((await trader.ok('GET', `/v1/orders/${id}`)).status), 15000)
      assert.ok((await openOrders()).length <= 1)
      await trader.ok('DELETE', '/v1/orders')
    })

  test('a venue that refuses the order: its words, its code, and the leverage put back', async () => {
    const setting = async () => (await gateway.venue.info({ type: 'activeAssetData', user: trader.address, coin: 'BTC' })).leverage
    const was = await setting()
    // Post-only at a price that would match at once.
    const order = { ...resting, price: '101000', timeInForce: 'alo', leverage: 12 }
    const found = await trader.refused(422, 'venue_rejected', 'POST', '/v1/orders', order)
    assert.match(found.venueMessage, /Post only order would have immediately matched/)
    assert.deepEqual(found.plan.map((s) => [s.action, s.status, s.putBack ?? false]), [
      ['setLeverage', 'done', false],
      ['order', 'failed', false],
      ['setLeverage', 'done', true],
    ])
    assert.deepEqual(await setting(), was)
  })
})

describe('reads that fail', () => {
  for (const [kind, more] of [['429'], ['502'], ['rubbish'], ['noAnswer'], ['closeSocket'], ['delay', { delayMs: SLOW * 3 }]])
    test(`${kind}: the account can not be told, orders are refused before signing, health goes on`, async () => {
      await gateway.venue.fault(kind, 500, { path: 'info', ...more })
      const { answer, rows } = await added(async () => {
        const read = await trader.call('GET', '/v1/positions')
        const order = await trader.call('POST', '/v1/orders', resting)
        return { read, order }
      })
      for (const found of [answer.read, answer.order]) {
        assert.ok(['venue_unavailable', 'rate_limited'].includes(found.json.code), found.text)
        assert.ok(found.status === 503 || found.status === 429, found.text)
        assert.equal(found.json.retryable, true)
      }
      assert.equal(rows.length, 0, 'nothing was signed')
      await gateway.healthy()
      assert.equal((await gateway.call('GET', '/v1/brand', { host: trader.host })).status, 200)
    })

  test('readiness says so while the venue is away, and again when it is back', async () => {
    const ready = () => gateway.call('GET', '/readyz', { host: trader.host })
    await until('ready', async () => (await ready()).status === 200)
    await gateway.venue.fault('502', 500, { path: 'info' })
    const away = await until('not ready', async () => {
      const answer = await ready()
      return answer.status === 503 && answer
    }, 15000)
    assert.equal(away.json.ready, false)
    assert.equal(away.json.checks.venue.ok, false)
    assert.ok(away.json.checks.venue.reason)
    await gateway.venue.fault('none', 1)
    await until('ready again', async () => (await ready()).status === 200, 15000)
  })
})

describe('idempotency', () => {
  test('the same key with the same body: the first answer; with another: a conflict; for another trader: his own', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const first = await trader.call('POST', '/v1/orders', resting, headers)
    assert.equal(first.status, 200, first.text)
    const { answer, rows } = await added(async () => ({
      again: await trader.call('POST', '/v1/orders', resting, headers),
      other: await trader.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', { ...resting, size: '0.002' }, headers),
      route: await trader.refused(409, 'idempotency_conflict', 'POST', '/v1/positions/BTC/margin', { amount: '1' }, headers),
    }))
    assert.equal(answer.again.text, first.text)
    assert.equal(answer.again.headers['idempotent-replayed'], 'true')
    assert.equal(rows.length, 0)
    const second = await new Trader(gateway, 'harbor').onboard('1000')
    const theirs = await second.call('POST', '/v1/orders', resting, headers)
    assert.equal(theirs.status, 200)
    assert.notEqual(theirs.json.id, first.json.id)
    await trader.ok('DELETE', `/v1/orders/${first.json.id}`)
  })

  test('many at once with one key: one order', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const { answer, rows } = await added(() => Promise.all(Array.from({ length: 8 }, () => trader.call('POST', '/v1/orders', resting, headers))))
    assert.equal(rows.length, 1)
    const { id } = answer.find((one) => one.status === 200).json
    for (const one of answer) {
      if (one.status === 200) assert.equal(one.json.id, id)
      else assert.deepEqual([one.status, one.json.code, one.json.hint], [409, 'in_progress', `GET /v1/orders/${id}`])
    }
    const again = await trader.call('POST', '/v1/orders', resting, headers)
    assert.deepEqual([again.status, again.json.id, again.headers['idempotent-replayed']], [200, id, 'true'])
    await trader.ok('DELETE', `/v1/orders/${id}`)
  })

  test('a client id is used once', async () => {
    const clientId = randomUUID()
    const first = await trader.place({ ...resting, clientId })
    assert.equal(first.clientId, clientId)
    const { rows } = await added(() => trader.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', { ...resting, clientId }))
    assert.equal(rows.length, 0)
    assert.equal((await trader.ok('GET', `/v1/orders/${first.id}`)).clientId, clientId)
    await trader.ok('DELETE', `/v1/orders/${first.id}`)
  })
})
