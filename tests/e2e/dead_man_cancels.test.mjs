// POST /v1/dead-man and GET /v1/dead-man: whoever stops asking has the open orders cancelled: at the deadline by the gateway, and where that is gone by
// the venue's own timer. Whoever goes on asking keeps them.
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, problem, request, signsNothing, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const SOON = 5000 // the shortest timeout
const FIRES = 30000 // by then it has fired, on a slow machine too
const path = '/v1/dead-man'
const VENUE = 'weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 2000, readDeadlineMs: 2000, expiresAfterMs: 3000'
const resting = (more = {}) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 5, ...more })

async function openOf(trader, address = trader.address) {
  return trader.gateway.venue.info({ type: 'openOrders', user: address })
}
async function scheduled(gateway, address) {
  const rows = await gateway.venue.ledger()
  return rows.filter((row) => row.type === 'scheduleCancel' && (row.account ?? row.user)?.toLowerCase() === address)
}
async function gone(trader, ms = FIRES, address) {
  await until('the orders are cancelled', async () => (await openOf(trader, address)).length === 0, ms)
}

// A bot that signs with an API key.
async function botOf(trader, more = {}) {
  const key = await trader.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read', 'trade'], ...more })
  let last = 0
  const call = (method, target, body, headers = {}) => {
    last = Math.max(Date.now(), last + 1)
    const text = body === undefined ? '' : JSON.stringify(body)
    const signature = createHmac('sha256', key.secret).update(`${last}${method}${target}${text}`).digest('hex')
    return trader.gateway.call(method, target, {
      host: trader.host, body: text || undefined,
      headers: { 'X-Api-Key': key.id, 'X-Api-Timestamp': String(last), 'X-Api-Signature': signature, ...headers },
    })
  }
  const ok = async (...args) => {
    const answer = await call(...args)
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }
  return { id: key.id, call, ok }
}

describe('a switch', () => {
  let gateway, trader
  before(async () => {
    gateway = await startConfigured({ venue: `{${VENUE}}` })
    await gateway.price('BTC', '100000')
  })
  after(() => gateway?.stop())
  beforeEach(async () => {
    trader = await new Trader(gateway, 'harbor').onboard('10000')
  })

  test('is off until it is armed', async () => {
    const state = await trader.ok('GET', path)
    assert.deepEqual(state, {
      scope: 'account', armed: false, timeoutMs: null, deadline: null, firedAt: null, cancelled: 0,
      venueTimer: { status: 'off', at: null, reason: null },
    })
  })

  test('cancels every order when its client goes silent, and tells so', async () => {
    for (const price of ['50000', '51000', '52000']) await trader.place(resting({ price }))
    const armed = await trader.ok('POST', path, { timeoutMs: SOON })
    assert.equal(armed.armed, true)
    assert.equal(armed.timeoutMs, SOON)
    assert.equal(armed.venueTimer.status, 'armed', JSON.stringify(armed))
    assert.ok(armed.venueTimer.at >= armed.deadline + 8000, 'the net hangs behind the deadline')
    assert.ok(armed.venueTimer.at <= armed.deadline + 68000)
    await gone(trader)
    assert.ok(Date.now() >= armed.deadline, 'not before the deadline')
    const fired = await until('it says that it fired', async () => {
      const state = await trader.ok('GET', path)
      return state.firedAt && state
    })
    assert.deepEqual([fired.armed, fired.cancelled], [false, 3])
    assert.ok(fired.firedAt >= armed.deadline)
    const [alert] = await until('the account is told', async () => {
      const { data } = await trader.ok('GET', '/v1/alerts?kind=deadManFired')
      return data.length && data
    }, FIRES)
    assert.deepEqual(alert.detail, { scope: 'account', deadline: armed.deadline, cancelled: 3 })
    assert.deepEqual([alert.symbol, alert.at], [null, fired.firedAt])
    // The net is taken off: it is not one of the ten firings that the venue grants a day.
    await until('the venue has no timer', async () => (await trader.ok('GET', path)).venueTimer.status === 'off', FIRES)
    const rows = await scheduled(gateway, trader.address)
    assert.equal(rows.at(-1).action.time, undefined, JSON.stringify(rows.at(-1)))
    // What comes later stays: the switch is off.
    await trader.place(resting())
    await until('the next deadline would be gone', () => Date.now() > fired.firedAt + SOON + 1000, FIRES)
    assert.equal((await openOf(trader)).length, 1)
  })

  test('keeps everything while its client asks, and tells the venue far less often', async () => {
    await trader.place(resting())
    const first = await trader.ok('POST', path, { timeoutMs: SOON })
    let asked = 1
    await until('the first deadline is long gone', async () => {
      assert.equal((await openOf(trader)).length, 1, 'nothing is cancelled')
      const state = await trader.ok('POST', path, { timeoutMs: SOON })
      assert.equal(state.armed, true)
      asked++
      return Date.now() > first.deadline + 7000
    }, FIRES)
    const told = await scheduled(gateway, trader.address)
    assert.ok(asked > 20, `${asked}`)
    assert.ok(told.length <= 4, `${told.length} of ${asked} reached the venue`)
    assert.equal((await openOf(trader)).length, 1)
    await trader.ok('POST', path, { timeoutMs: null })
  })

  test('disarmed by null or 0, cancels nothing, and the venue has no timer any more', async () => {
    for (const timeoutMs of [null, 0]) {
      await trader.place(resting())
      const armed = await trader.ok('POST', path, { timeoutMs: SOON })
      const off = await trader.ok('POST', path, { timeoutMs })
      assert.deepEqual([off.armed, off.deadline, off.timeoutMs], [false, null, null])
      await until('the venue has no timer', async () => (await trader.ok('GET', path)).venueTimer.status === 'off', FIRES)
      await until('the deadline is gone', () => Date.now() > armed.deadline + 500, FIRES)
      assert.ok((await openOf(trader)).length > 0)
    }
    // Nothing to disarm is nothing wrong.
    assert.equal((await trader.ok('POST', path, { timeoutMs: null })).armed, false)
  })

  test('of an API key cancels what the key asked for, and nothing else', async () => {
    const bot = await botOf(trader)
    const other = await botOf(trader)
    await trader.place(resting({ price: '50000' }))
    await other.ok('POST', '/v1/orders', resting({ price: '51000' }))
    await bot.ok('POST', '/v1/orders', resting({ price: '52000' }))
    await bot.ok('POST', '/v1/orders/batch', { orders: [resting({ price: '53000' }), resting({ price: '54000' })] })
    const armed = await bot.ok('POST', path, { timeoutMs: SOON })
    assert.equal(armed.scope, 'apiKey')
    assert.equal((await trader.ok('GET', path)).armed, false, "the account's own is another")
    assert.equal((await other.ok('GET', path)).armed, false)
    await until('the orders of the key are gone', async () => (await openOf(trader)).length <= 2, FIRES)
    const left = (await openOf(trader)).map((order) => Number(order.limitPx)).sort()
    assert.deepEqual(left, [50000, 51000])
    const fired = await until('it fired', async () => {
      const state = await bot.ok('GET', path)
      return state.firedAt && state
    })
    assert.equal(fired.cancelled, 3)
    // Once more, and then it is done: what others asked for is still there.
    await until('the venue has no timer', async () => (await bot.ok('GET', path)).venueTimer.status === 'off', FIRES)
    assert.equal((await openOf(trader)).length, 2)
  })

  test('of a sub-account cancels there alone', async () => {
    const sub = (await trader.ok('POST', '/v1/sub-accounts', { name: 'bots' })).address
    await trader.ok('POST', `/v1/sub-accounts/${sub}/transfer`, { amount: '1000', direction: 'deposit' })
    const acting = { 'X-Sub-Account': sub }
    await trader.ok('POST', '/v1/orders', resting(), acting)
    await trader.place(resting())
    const armed = await trader.ok('POST', path, { timeoutMs: SOON }, acting)
    assert.equal(armed.venueTimer.status, 'armed', JSON.stringify(armed.venueTimer))
    assert.equal((await trader.ok('GET', path)).armed, false)
    await gone(trader, FIRES, sub)
    assert.equal((await openOf(trader)).length, 1)
  })

  test('goes on cancelling until it is done, whatever the venue answers meanwhile', async () => {
    await trader.place(resting())
    const armed = await trader.ok('POST', path, { timeoutMs: SOON })
    await until('the deadline is near', () => Date.now() > armed.deadline - 500, FIRES)
    await gateway.venue.fault('502', 3)
    await until('the orders are cancelled', async () => {
      try {
        return (await openOf(trader)).length === 0
      } catch {
        return false // the fault met this look
      }
    }, FIRES)
    await gateway.venue.fault('none', 1)
  })

  test('with an Idempotency-Key answers what it answered, and is not armed anew', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await trader.ok('POST', path, { timeoutMs: 60000 }, key)
    const again = await trader.call('POST', path, { timeoutMs: 60000 }, key)
    assert.equal(again.status, 200)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.deepEqual(again.json, first)
    await trader.refused(409, 'idempotency_conflict', 'POST', path, { timeoutMs: 50000 }, key)
    assert.equal((await trader.ok('GET', path)).deadline, first.deadline)
    const anew = await trader.ok('POST', path, { timeoutMs: 60000 })
    assert.ok(anew.deadline >= first.deadline)
    await trader.ok('POST', path, { timeoutMs: null })
  })

  test('takes nothing but a time it can keep', async () => {
    await signsNothing(gateway, async () => {
      for (const body of [
        {}, { timeoutMs: 1 }, { timeoutMs: 4999 }, { timeoutMs: 86400001 }, { timeoutMs: -5000 }, { timeoutMs: '5000' },
        { timeoutMs: 5000.5 }, { timeoutMs: true }, { timeoutMs: 5000, more: 1 }, { timeoutMs: [5000] }, { timeoutMs: 1e300 },
      ]) await trader.refused(400, 'invalid_request', 'POST', path, body)
      problem(await trader.call('POST', path, '{"timeoutMs":5000,"timeoutMs":0}'), 400, 'invalid_request')
      problem(await trader.call('POST', `${path}?x=1`, { timeoutMs: 5000 }), 400, 'invalid_request')
      problem(await trader.call('GET', `${path}?x=1`), 400, 'invalid_request')
      problem(await request(gateway.http, 'POST', path, { host: trader.host, body: { timeoutMs: 5000 } }), 401, 'unauthorized')
    })
    assert.equal((await trader.ok('GET', path)).armed, false)
  })

  test('needs an agent, and of a key the scope to trade', async () => {
    const visitor = new Trader(gateway, 'harbor')
    await visitor.signIn()
    await visitor.refused(403, 'agent_not_approved', 'POST', path, { timeoutMs: SOON })
    const reader = await botOf(trader, { scopes: ['read'] })
    problem(await reader.call('POST', path, { timeoutMs: SOON }), 403, 'forbidden')
    assert.equal((await reader.ok('GET', path)).armed, false)
  })
})

describe('with the venue apart', () => {
  const settingsOf = (paper) => ({ venue: `{kind: hyperliquid, network: mainnet, baseUrl: "${paper.ready.url}", ${VENUE}}`, paper: '{enabled: false}' })

  async function started(paper, more) {
    const gateway = await startConfigured(settingsOf(paper), more)
    gateway.paper = paper.ready.url
    return gateway
  }

  test('a gateway that is killed leaves the cancelling to the venue, and comes back to a clean book', async () => {
    const paper = await startPaper(['--ungated'])
    const folder = temporaryFolder()
    let gateway = await started(paper, { folder })
    await paper.price('BTC', '100000')
    const trader = await new Trader(gateway, 'harbor').onboard('10000')
    await trader.place(resting())
    const armed = await trader.ok('POST', path, { timeoutMs: SOON })
    assert.equal(armed.venueTimer.status, 'armed')
    await gateway.program.stop('SIGKILL')
    assert.equal((await openOf(trader)).length, 1)
    await paper.clock(armed.venueTimer.at - Date.now() + 5000)
    await gone(trader)
    const [last] = (await paper.info({ type: 'historicalOrders', user: trader.address })).filter((row) => row.status === 'scheduledCancel')
    assert.ok(last, 'by its own timer')
    gateway.agent.destroy()
    // What was armed is armed still, and fires for what is open by then.
    gateway = await started(paper, { folder, keepsKey: true })
    trader.gateway = gateway
    const fired = await until('it fires after the start', async () => {
      const state = await trader.ok('GET', path)
      return state.firedAt && state
    }, FIRES)
    assert.deepEqual([fired.armed, fired.cancelled], [false, 0])
    await gateway.stop()
    await paper.stop()
  })

  test('a restart within the time changes nothing for a client that goes on', async () => {
    const paper = await startPaper(['--ungated'])
    const folder = temporaryFolder()
    let gateway = await started(paper, { folder })
    await paper.price('BTC', '100000')
    const trader = await new Trader(gateway, 'harbor').onboard('10000')
    await trader.place(resting())
    const armed = await trader.ok('POST', path, { timeoutMs: 3600000 })
    await gateway.stop()
    gateway = await started(paper, { folder, keepsKey: true })
    trader.gateway = gateway
    const state = await until('it is read', async () => {
      const answer = await trader.call('GET', path)
      return answer.status === 200 && answer.json
    })
    assert.deepEqual([state.armed, state.deadline, state.timeoutMs], [true, armed.deadline, 3600000])
    await until('the venue is told again', async () => (await trader.ok('GET', path)).venueTimer.status === 'armed', FIRES)
    assert.equal((await openOf(trader)).length, 1)
    await trader.ok('POST', path, { timeoutMs: 0 })
    await until('no timer', async () => (await trader.ok('GET', path)).venueTimer.status === 'off', FIRES)
    await gateway.stop()
    await paper.stop()
  })

  test('where the venue takes no timer, the answer says so, and the gateway cancels all the same', async () => {
    const paper = await startPaper()
    const gateway = await started(paper)
    await paper.price('BTC', '100000')
    const trader = await new Trader(gateway, 'harbor').onboard('10000')
    await trader.place(resting())
    const armed = await trader.ok('POST', path, { timeoutMs: SOON })
    assert.equal(armed.armed, true)
    assert.equal(armed.venueTimer.status, 'refused')
    assert.equal(armed.venueTimer.at, null)
    assert.match(armed.venueTimer.reason, /enough volume traded\. Required: \$1000000/)
    await trader.ok('POST', path, { timeoutMs: SOON }) // not asked of the venue again with each request
    assert.equal((await scheduled(gateway, trader.address)).length, 1)
    await gone(trader)
    await until('it fired', async () => (await trader.ok('GET', path)).firedAt)
    await gateway.stop()
    await paper.stop()
  })
})
