// An Idempotency-Key: on every route that takes one, two at once, after a crash, and after the store was lost.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Trader, signTypedData, signsNothing, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const bid = (symbol, price, size, more = {}) => ({ symbol, side: 'buy', type: 'limit', size, price, leverage: 5, marginMode: 'isolated', ...more })
const market = (symbol, size) => ({ symbol, side: 'buy', type: 'market', size, leverage: 5, marginMode: 'isolated' })

// What each route is asked first, and what it is asked under the same key then: { url, body } of both.
const cases = {
  'POST /v1/orders': async () => [{ url: '/v1/orders', body: bid('BTC', '90000', '0.001') }, { url: '/v1/orders', body: bid('BTC', '90001', '0.001') }],
  'POST /v1/orders/batch': async () =>
    ['90000', '90001'].map((price) => ({ url: '/v1/orders/batch', body: { orders: [bid('BTC', price, '0.001'), bid('ETH', '3500', '0.01')] } })),
  'POST /v1/orders/submit': async (who) => {
    const signed = []
    for (const price of ['90000', '90001']) {
      const { id, sign } = await who.ok('POST', '/v1/orders/prepare', bid('BTC', price, '0.001'))
      const signatures = []
      for (const step of sign) signatures.push(await signTypedData(who.account, step.typedData))
      signed.push({ url: '/v1/orders/submit', body: { id, signatures } })
    }
    return signed
  },
  'PATCH /v1/orders/{id}': async (who) => {
    const { id } = await who.place(bid('BTC', '90000', '0.001'))
    return ['90010', '90020'].map((price) => ({ url: `/v1/orders/${id}`, body: { price } }))
  },
  'DELETE /v1/orders/{id}': async (who) => {
    const ids = [(await who.place(bid('BTC', '90000', '0.001'))).id, (await who.place(bid('BTC', '90001', '0.001'))).id]
    return ids.map((id) => ({ url: `/v1/orders/${id}` }))
  },
  'DELETE /v1/orders': async (who) => {
    await who.place(bid('BTC', '90000', '0.001'))
    await who.place(bid('ETH', '3500', '0.01'))
    return ['BTC', 'ETH'].map((symbol) => ({ url: `/v1/orders?symbol=${symbol}` }))
  },
  'DELETE /v1/positions/{symbol}': async (who) => {
    await who.place(market('BTC', '0.001'))
    await who.place(market('ETH', '0.01'))
    return ['BTC', 'ETH'].map((symbol) => ({ url: `/v1/positions/${symbol}` }))
  },
  'PUT /v1/positions/{symbol}/leverage': async () =>
    [7, 8].map((leverage) => ({ url: '/v1/positions/BTC/leverage', body: { marginMode: 'isolated', leverage } })),
  'PUT /v1/positions/{symbol}/tpsl': async (who) => {
    await who.place(market('BTC', '0.001'))
    return ['95000', '94000'].map((triggerPrice) => ({ url: '/v1/positions/BTC/tpsl', body: { stopLoss: { triggerPrice } } }))
  },
  'POST /v1/positions/{symbol}/margin': async (who) => {
    await who.place(market('BTC', '0.001'))
    return ['5', '6'].map((amount) => ({ url: '/v1/positions/BTC/margin', body: { amount } }))
  },
  'POST /v1/dead-man': async () => [60000, 70000].map((timeoutMs) => ({ url: '/v1/dead-man', body: { timeoutMs } })),
  'POST /v1/sub-accounts': async () => ['one', 'two'].map((name) => ({ url: '/v1/sub-accounts', body: { name } })),
  'POST /v1/sub-accounts/{address}/transfer': async (who) => {
    const { address } = await who.ok('POST', '/v1/sub-accounts', { name: 'funded' })
    return ['5', '6'].map((amount) => ({ url: `/v1/sub-accounts/${address}/transfer`, body: { amount, direction: 'deposit' } }))
  },
}

describe('on every route that takes one', () => {
  let gateway

  before(async () => {
    gateway = await startConfigured()
    await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
  })
  after(() => gateway?.stop())

  test('none is forgotten', async () => {
    const { json } = await gateway.call('GET', '/v1/openapi.json', { host: gateway.host('meridian') })
    const takes = Object.entries(json.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, op]) => op.parameters?.some((p) => p.$ref === '#/components/parameters/IdempotencyKey'))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    assert.deepEqual(takes.toSorted(), Object.keys(cases).toSorted())
  })

  for (const [route, make] of Object.entries(cases))
    test(route, async () => {
      const who = await new Trader(gateway, 'meridian').onboard('10000')
      const method = route.split(' ')[0]
      const [asked, other] = await make(who)
      const headers = { 'Idempotency-Key': randomUUID() }
      const both = await Promise.all([1, 2].map(() => who.call(method, asked.url, asked.body, headers)))
      const [first] = both.filter((answer) => answer.status === 200)
      assert.ok(first, both[0].text)
      for (const one of both)
        if (one.status === 200) assert.deepEqual(one.json, first.json)
        else {
          assert.deepEqual([one.status, one.json.code, one.json.retryable], [409, 'in_progress', true])
          assert.match(one.json.hint, /^GET \/v1\//)
          assert.equal((await who.call('GET', one.json.hint.slice(4))).status, 200, one.json.hint)
        }
      await signsNothing(gateway, async () => {
        const again = await who.call(method, asked.url, asked.body, headers)
        assert.deepEqual([again.status, again.headers['idempotent-replayed']], [200, 'true'], again.text)
        assert.deepEqual(again.json, first.json)
        await who.refused(409, 'idempotency_conflict', method, other.url, other.body, headers)
      })
      // Somebody else's key is another, and so is the brand's.
      const stranger = await new Trader(gateway, 'harbor', undefined).onboard('10000')
      const theirs = await stranger.call('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 3 }, headers)
      assert.equal(theirs.status, 200, theirs.text)
    })
})

// A venue of its own outlives the gateway; it does what it is told and answers late.
const settings = (paper) => ({
  mirror: '{feed: false, showMaxAgeMs: 0}',
  venue: `{baseUrl: "${paper.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 20000}`,
  paper: '{enabled: false}',
})

async function withVenue(run) {
  const paper = await startPaper()
  const folder = temporaryFolder()
  let gateway
  const start = async (keepsKey) => {
    gateway = await startConfigured(settings(paper), { folder, keepsKey })
    gateway.paperVenue = paper
    await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
    return gateway
  }
  const kill = async () => {
    gateway.agent.destroy()
    await gateway.program.stop('SIGKILL')
  }
  try {
    await run({ paper, folder, start, kill })
  } finally {
    await kill()
    await paper.stop()
  }
}

const ordersOf = async (paper, address) => (await paper.ledger()).filter((row) => row.account?.toLowerCase() === address && row.type === 'order')

describe('when the gateway dies', () => {
  test('before the answer: the retry is told what became of the order, which is there once', () =>
    withVenue(async ({ paper, start, kill }) => {
      let gateway = await start(false)
      const who = await new Trader(gateway, 'harbor').onboard('10000')
      await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
      const headers = { 'Idempotency-Key': randomUUID() }
      const many = { 'Idempotency-Key': randomUUID() }
      const orders = [bid('BTC', '90100', '0.001'), bid('BTC', '90200', '0.001')]
      await paper.fault('delay', 1, { path: 'exchange', delayMs: 20000 })
      who.place(bid('BTC', '90000', '0.001'), headers).catch(() => {})
      await until('the venue has it', async () => (await ordersOf(paper, who.address)).length === 1)
      const running = await who.refused(409, 'in_progress', 'POST', '/v1/orders', bid('BTC', '90000', '0.001'), headers)
      assert.equal((await who.ok('GET', running.hint.slice(4))).status, 'resting')
      await kill()
      gateway = await start(true)
      who.gateway = gateway
      const again = await who.call('POST', '/v1/orders', bid('BTC', '90000', '0.001'), headers)
      assert.deepEqual([again.status, again.json.status, again.headers['idempotent-replayed']], [200, 'resting', 'true'], again.text)
      assert.equal(again.json.id, /0x[0-9a-f]{32}/.exec(running.hint)[0])
      assert.equal(again.json.plan.find((s) => s.action === 'order').status, 'done')
      await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', bid('BTC', '90001', '0.001'), headers)
      assert.equal((await ordersOf(paper, who.address)).length, 1)
      // It tells the truth of the moment, until recovery has found its end, which then is its answer.
      await who.ok('DELETE', `/v1/orders/${again.json.id}`)
      assert.match((await who.call('POST', '/v1/orders', bid('BTC', '90000', '0.001'), headers)).json.status, /^(resting|cancelled)$/)

      await paper.fault('none', 1)
      await paper.fault('delay', 1, { path: 'exchange', delayMs: 20000 })
      who.call('POST', '/v1/orders/batch', { orders }, many).catch(() => {})
      await until('the venue has both', async () => (await ordersOf(paper, who.address)).length === 2)
      await kill()
      gateway = await start(true)
      who.gateway = gateway
      const batch = await who.call('POST', '/v1/orders/batch', { orders }, many)
      assert.deepEqual([batch.status, batch.json.results?.map((r) => r.status)], [200, ['resting', 'resting']], batch.text)
      assert.equal((await ordersOf(paper, who.address)).length, 2)
    }))

  test('and its store is lost: the venue knows the order of that key', () =>
    withVenue(async ({ paper, folder, start, kill }) => {
      let gateway = await start(false)
      const who = await new Trader(gateway, 'harbor').onboard('10000')
      const headers = { 'Idempotency-Key': randomUUID() }
      const many = { 'Idempotency-Key': randomUUID() }
      const orders = [bid('ETH', '3500', '0.01')]
      const placed = await who.place(bid('BTC', '90000', '0.001'), headers)
      await who.ok('POST', '/v1/orders/batch', { orders }, many)
      await kill()
      for (const end of ['', '-wal', '-shm', '-lock']) rmSync(join(folder, `perpgate.db${end}`), { force: true })
      gateway = await start(true)
      who.gateway = gateway
      await who.onboard('1')
      const before = (await ordersOf(paper, who.address)).length
      const found = await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', bid('BTC', '90000', '0.001'), headers)
      assert.equal(found.hint, `GET /v1/orders/${placed.id}`)
      assert.equal((await who.ok('GET', `/v1/orders/${placed.id}`)).status, 'resting')
      await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders/batch', { orders }, many)
      assert.equal((await ordersOf(paper, who.address)).length, before)
      // Another key is another order; a cancel needs no such care.
      await who.place(bid('BTC', '90000', '0.001'), { 'Idempotency-Key': randomUUID() })
      await who.ok('DELETE', `/v1/orders/${placed.id}`, undefined, { 'Idempotency-Key': randomUUID() })
      // What was read of the account is kept: after the next start nobody is asked.
      await kill()
      gateway = await start(true)
      who.gateway = gateway
      await paper.fault('502', 10000, { path: 'info' })
      const kept = await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', bid('BTC', '90000', '0.001'), headers)
      assert.equal(kept.hint, `GET /v1/orders/${placed.id}`)
      await paper.fault('none', 1)
    }))
})
