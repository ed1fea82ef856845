// Orders by page, by the names their traders gave them, and as the venue knows them.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Trader, request, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const hasSqlite = spawnSync('sqlite3', ['-version']).status === 0

const venue = '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}'
const folder = temporaryFolder()
let gateway
let who

before(async () => {
  gateway = await startConfigured({ venue }, { folder })
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  who = await new Trader(gateway, 'meridian').onboard('10000')
})

const bid = (price, more = {}) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price, leverage: 5, ...more })
const list = (query) => who.ok('GET', query ? `/v1/orders?${query}` : '/v1/orders')

// Every row of a list, page by page.
async function pages(query, limit) {
  const all = []
  for (let cursor = ''; cursor !== null; ) {
    const page = await list(`${query}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`)
    assert.ok(page.data.length <= limit)
    assert.ok(page.data.length === limit || page.nextCursor === null, 'a page that goes on is full')
    all.push(...page.data.map((o) => o.id))
    cursor = page.nextCursor
  }
  return all
}

describe('a list of orders', () => {
  test('takes a query without anything in it', async () => {
    for (const path of ['/v1/orders?', '/v1/fills?', '/v1/limits?', '/v1/sub-accounts?']) await who.ok('GET', path)
  })

  test('pages through those that are open, newest first, each once', async () => {
    const placed = []
    for (const price of ['90000', '90100', '90200', '90300', '90400']) placed.push((await who.place(bid(price))).id)
    const whole = (await list('')).data.map((o) => o.id)
    assert.deepEqual(whole, placed.toReversed())
    for (const limit of [1, 2, 3, 5]) assert.deepEqual(await pages('', limit), whole)
    assert.deepEqual(await pages('symbol=ETH&', 2), [])
    // What comes meanwhile shifts nothing.
    const first = await list('limit=2')
    const late = await who.place(bid('90500'))
    await who.ok('DELETE', `/v1/orders/${first.data[1].id}`)
    const second = await list(`limit=2&cursor=${first.nextCursor}`)
    assert.deepEqual(second.data.map((o) => o.id), whole.slice(2, 4))
    assert.equal((await list('limit=1')).data[0].id, late.id)
  })

  test('pages through those that are over', async () => {
    for (const price of ['90000', '90100', '90200']) await who.place(bid(price))
    await who.ok('DELETE', '/v1/orders')
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.001', leverage: 5 })
    const whole = (await list('status=all')).data.map((o) => o.id)
    assert.equal(whole.length, 4)
    for (const limit of [1, 2, 3]) assert.deepEqual(await pages('status=all&', limit), whole)
    assert.equal((await pages('status=cancelled&', 2)).length, 3)
  })

  test('takes only its own cursors', async () => {
    for (const price of ['90000', '90100']) await who.place(bid(price))
    const { nextCursor } = await list('limit=1')
    for (const query of [`status=all&cursor=${nextCursor}`, 'cursor=x', 'cursor=', 'limit=0', 'limit=1001', `cursor=${'A'.repeat(200)}`])
      await who.refused(400, 'invalid_request', 'GET', `/v1/orders?${query}`)
  })
})

describe('the name that a trader gives an order', () => {
  test('is told in lists and by either id; its legs have none', async () => {
    const named = await who.place(bid('90000', { clientId: 'first', stopLoss: { triggerPrice: '85000' } }))
    const bare = await who.place(bid('90100'))
    const [b, a] = (await list('')).data.filter((o) => !o.reduceOnly)
    assert.deepEqual([a.clientId, b.clientId], ['first', null])
    assert.equal((await who.ok('GET', `/v1/orders/${named.id}`)).clientId, 'first')
    assert.equal((await who.ok('GET', `/v1/orders/${a.venueOrderId}`)).clientId, 'first')
    assert.equal((await who.ok('GET', `/v1/orders/${b.venueOrderId}`)).clientId, null)
    assert.equal((await who.ok('GET', `/v1/orders/${named.legs[0].id}`)).clientId, null)
    await who.ok('DELETE', '/v1/orders')
    const past = (await list('status=cancelled')).data
    assert.equal(past.find((o) => o.id === named.id).clientId, 'first')
    assert.equal(past.find((o) => o.id === bare.id).clientId, null)
  })

  test('goes on to the order that takes its place', async () => {
    const first = await who.place(bid('90000', { clientId: 'mine' }))
    const second = await who.ok('PATCH', `/v1/orders/${first.id}`, { price: '91000' })
    assert.equal(second.clientId, 'mine')
    const third = await who.ok('PATCH', `/v1/orders/${second.id}`, { price: '92000' })
    assert.equal(third.clientId, 'mine')
    assert.deepEqual((await list('')).data.map((o) => [o.id, o.clientId]), [[third.id, 'mine']])
    assert.equal((await who.ok('GET', `/v1/orders/${third.id}`)).clientId, 'mine')
    await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders', bid('90000', { clientId: 'mine' }))
  })

  test('is told for orders of a batch', async () => {
    const { results } = await who.ok('POST', '/v1/orders/batch', { orders: [bid('90000', { clientId: 'x' }), bid('90100')] })
    const listed = (await list('')).data
    assert.deepEqual(results.map((r) => listed.find((o) => o.id === r.id).clientId), ['x', null])
  })
})

// In front of a paper venue: keeps orders back while it is told to, does something before them, and
// refuses lookups.
async function holdingFront(paper) {
  const front = { holds: false, isDeaf: false, held: undefined, first: async () => {} }
  const pass = (url, body) => request(paper.base, 'POST', url, { body, headers: { 'Content-Type': 'application/json' } })
  const server = http.createServer((incoming, outgoing) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', async () => {
      const body = Buffer.concat(parts).toString()
      const asked = JSON.parse(body)
      if (front.holds && asked.action?.type === 'order') {
        front.held = () => pass(incoming.url, body)
        return
      }
      if (asked.action?.type === 'order') await front.first()
      const answer = front.isDeaf && asked.type === 'orderStatus' ? { status: 502, text: 'no' } : await pass(incoming.url, body)
      outgoing.writeHead(answer.status, { 'Content-Type': answer.type ?? 'text/plain' })
      outgoing.end(answer.text)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  front.url = `http://127.0.0.1:${server.address().port}`
  front.close = () => (server.closeAllConnections(), server.close())
  return front
}

const fronted = (front) => ({
  mirror: '{feed: false, showMaxAgeMs: 0}',
  venue: `{baseUrl: "${front.url}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
  paper: '{enabled: false}',
})

describe('an order that the venue does not know', () => {
  test('is a leg it refused: with the words of the venue', async () => {
    const paper = await startPaper()
    const front = await holdingFront(paper)
    const alone = await startConfigured(fronted(front))
    try {
      alone.paperVenue = paper
      const trader = await new Trader(alone, 'harbor').onboard('10000')
      const order = { symbol: 'ETH', side: 'buy', type: 'market', size: '0.1', leverage: 5, marginMode: 'isolated', stopLoss: { triggerPrice: '3900' } }
      const expectRefused = async (placed) => {
        const [leg] = placed.legs
        assert.equal(placed.status, 'filled')
        assert.equal(leg.status, 'rejected', JSON.stringify(placed.legs))
        assert.match(leg.detail, /TP\/SL/)
        assert.ok(placed.risk.warnings.some((w) => w.code === 'stop_loss_rejected'))
        const shown = await trader.ok('GET', `/v1/orders/${leg.id}`)
        assert.deepEqual([shown.status, shown.filledSize, shown.venueMessage], ['rejected', '0', leg.detail])
      }
      // The market passes the stop while the order is on its way.
      await alone.price('ETH', '4000')
      front.first = () => paper.price('ETH', '3850')
      await expectRefused(await trader.place(order))
      front.first = async () => {}
      await alone.price('ETH', '4000')
      front.first = () => paper.price('ETH', '3850')
      await expectRefused((await trader.ok('POST', '/v1/orders/batch', { orders: [order] })).results[0])
    } finally {
      alone.agent.destroy()
      await alone.program.stop()
      front.close()
      await paper.program.stop()
    }
  })

  test('is unknown where the gateway died before it was told of it; then what the venue says', async () => {
    const own = temporaryFolder()
    const paper = await startPaper()
    const front = await holdingFront(paper)
    const settings = fronted(front)
    const key = { 'Idempotency-Key': randomUUID() }
    let alone = await startConfigured(settings, { folder: own })
    try {
      alone.paperVenue = paper
      await alone.price('BTC', '100000')
      const trader = await new Trader(alone, 'harbor').onboard('10000')
      const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000', leverage: 5, marginMode: 'isolated' }
      await trader.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
      front.holds = true
      trader.place(order, key).catch(() => {})
      await until('the order has left', () => front.held)
      alone.agent.destroy()
      await alone.program.stop('SIGKILL')
      alone = await startConfigured(settings, { folder: own, keepsKey: true })
      trader.gateway = alone
      const { hint } = await trader.refused(409, 'in_progress', 'POST', '/v1/orders', order, key)
      const id = /0x[0-9a-f]{32}/.exec(hint)[0]
      const shown = async () => (await trader.ok('GET', `/v1/orders/${id}`)).status
      assert.equal(await shown(), 'unknown')
      front.isDeaf = true
      assert.equal(await shown(), 'unknown', 'the venue can not be asked')
      front.isDeaf = false
      await front.held()
      assert.equal(await shown(), 'resting', 'it arrives after all')
    } finally {
      alone.agent.destroy()
      await alone.program.stop('SIGKILL')
      front.close()
      await paper.program.stop()
    }
  })
})

describe('a batch', () => {
  const batch = (orders) => who.ok('POST', '/v1/orders/batch', { orders })

  test('plans an order that meets the book at the prices it will get', async () => {
    const order = { ...bid('100500'), size: '0.01' }
    const seen = await who.preview(order)
    const { results } = await batch([order])
    assert.equal(results[0].expectedPrice, seen.expectedPrice)
    assert.notEqual(results[0].expectedPrice, '100500')
    assert.deepEqual(results[0].risk.warnings.map((w) => w.code), seen.risk.warnings.map((w) => w.code))
  })

  test('skips the margin of an order that was skipped', async () => {
    await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
    const { results } = await batch([{ symbol: 'ETH', side: 'buy', type: 'market', margin: '100', leverage: 7 }])
    assert.deepEqual(results[0].plan.map((s) => [s.action, s.status]), [['setLeverage', 'unknown'], ['order', 'skipped'], ['adjustMargin', 'skipped']])
  })

  test('whose answer was lost is settled once its orders are found', { skip: hasSqlite ? false : 'sqlite3 is not installed' }, async () => {
    await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 5 })
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const sql = `SELECT count(*) FROM intent_open JOIN intent USING (number) WHERE lower(hex(account)) = '${who.address.slice(2)}'`
    const { results } = await batch([bid('90000'), bid('89000')])
    assert.deepEqual(results.map((r) => r.status), ['resting', 'resting'])
    assert.equal(execFileSync('sqlite3', ['-readonly', join(folder, 'perpgate.db'), sql]).toString().trim(), '0')
  })
})
