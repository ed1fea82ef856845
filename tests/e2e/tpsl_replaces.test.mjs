// A position's take-profit and stop-loss are replaced whole: the new ones stand before the old ones go.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Trader, request, signsNothing, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

let gateway
let who

before(async () => {
  gateway = await startConfigured({
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}',
  })
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'meridian').onboard('10000')
  await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
})

const put = (body, headers) => who.ok('PUT', '/v1/positions/BTC/tpsl', body, headers)
const open = () => gateway.venue.info({ type: 'frontendOpenOrders', user: who.address })
const mine = async () => (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address)

describe('protection of a position', () => {
  test('is set, bound to the position', async () => {
    const set = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000', price: '94500' } })
    assert.deepEqual(set.legs.map((l) => [l.kind, l.status, l.triggerPrice]), [['takeProfit', 'triggerPending', '110000'], ['stopLoss', 'triggerPending', '95000']])
    assert.equal(set.position.takeProfit.triggerPrice, '110000')
    assert.equal(set.position.stopLoss.price, '94500')
    const row = (await mine()).at(-1)
    assert.equal(row.action.grouping, 'positionTpsl')
    assert.equal((await open()).every((o) => o.isPositionTpsl && o.reduceOnly), true)
    assert.equal((await who.ok('GET', `/v1/orders/${set.legs[0].id}`)).status, 'triggerPending')
  })

  test('is replaced: the new stands before the old goes', async () => {
    const first = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    const second = await put({ stopLoss: { triggerPrice: '96000' } })
    assert.deepEqual(second.plan.map((s) => [s.action, s.status]), [['order', 'done'], ['cancel', 'done']])
    assert.deepEqual((await mine()).slice(-2).map((r) => r.type), ['order', 'cancel'])
    assert.equal(second.position.stopLoss.triggerPrice, '96000')
    assert.equal(second.position.takeProfit.id, first.legs[0].id, 'what is not named stays')
    assert.equal((await open()).length, 2)
    assert.equal((await who.ok('GET', `/v1/orders/${first.legs[1].id}`)).status, 'cancelled')
  })

  test('takes the place of the legs that the order came with', async () => {
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '1000', leverage: 5, takeProfit: { triggerPrice: '9000' } })
    const set = await who.ok('PUT', '/v1/positions/ETH/tpsl', { takeProfit: { triggerPrice: '8000' } })
    assert.equal(set.position.takeProfit.triggerPrice, '8000')
    assert.equal((await open()).filter((o) => o.coin === 'ETH').length, 1)
  })

  test('goes with null', async () => {
    await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    const none = await put({ takeProfit: null, stopLoss: null })
    assert.deepEqual([none.position.takeProfit, none.position.stopLoss], [null, null])
    assert.deepEqual(await open(), [])
    const again = await put({ takeProfit: null })
    assert.deepEqual(again.plan, [])
  })

  test('that is refused leaves the old one', async () => {
    const first = await put({ stopLoss: { triggerPrice: '95000' } })
    await signsNothing(gateway, async () => {
      await who.refused(422, 'stop_beyond_liquidation', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '80000' } })
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '101000' } })
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', {})
      await who.refused(400, 'invalid_request', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: '95000' })
      await who.refused(422, 'invalid_tick', 'PUT', '/v1/positions/BTC/tpsl', { takeProfit: { triggerPrice: '110000.55' } })
      await who.refused(404, 'not_found', 'PUT', '/v1/positions/ETH/tpsl', { takeProfit: null })
      await who.refused(404, 'market_not_offered', 'PUT', '/v1/positions/NOPE/tpsl', { takeProfit: null })
    })
    assert.equal((await who.position('BTC')).stopLoss.id, first.legs[0].id)
  })

  test('the same key again gets the first answer', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await put({ stopLoss: { triggerPrice: '95000' } }, key)
    assert.deepEqual(await put({ stopLoss: { triggerPrice: '95000' } }, key), first)
    assert.equal((await open()).length, 1)
  })

  test('an answer that is lost is found out for both legs', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const set = await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    assert.deepEqual(set.legs.map((l) => l.status), ['triggerPending', 'triggerPending'])
    assert.equal((await open()).length, 2)
  })

  test('ends with the position', async () => {
    await put({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    await who.ok('DELETE', '/v1/positions/BTC')
    assert.deepEqual(await open(), [])
  })
})

// In front of the paper venue, which never leaves an orphan: adds some to what it says of whose() open orders.
async function venueWithOrphans(paper, whose) {
  const front = { orphans: [], looks: 0 }
  const server = http.createServer((incoming, outgoing) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', async () => {
      const body = Buffer.concat(parts).toString()
      const answer = await request(paper.base, 'POST', incoming.url, { body, headers: { 'Content-Type': 'application/json' } })
      let text = answer.text
      const asked = JSON.parse(body)
      if (asked.type === 'frontendOpenOrders' && asked.user.toLowerCase() === whose()) {
        const like = { coin: 'BTC', side: 'A', limitPx: '80000.0', sz: '0.01', timestamp: 1000, origSz: '0.01', reduceOnly: true, orderType: 'Stop Market', tif: null, isTrigger: true, isPositionTpsl: false, triggerPx: '90000.0', triggerCondition: 'Price below 90000', children: [] }
        text = JSON.stringify([...JSON.parse(text), ...front.orphans.map((one) => ({ ...like, ...one }))])
        front.looks++
      }
      outgoing.writeHead(answer.status, { 'Content-Type': answer.type })
      outgoing.end(text)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(front, { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) })
}

async function orphansAreCancelled(isOfSubAccount) {
  const paper = await startPaper(['--ungated'])
  const key = generatePrivateKey()
  let owner = privateKeyToAccount(key).address.toLowerCase()
  const front = await venueWithOrphans(paper, () => owner)
  const settings = {
    mirror: '{feed: false, showMaxAgeMs: 0}',
    venue: `{baseUrl: "${front.url}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
    paper: '{enabled: false}',
  }
  const folder = temporaryFolder()
  let alone = await startConfigured(settings, { folder })
  try {
    alone.paperVenue = paper
    await alone.price('BTC', '100000')
    const trader = await new Trader(alone, 'harbor', key).onboard('1000')
    let headers = {}
    if (isOfSubAccount) {
      owner = (await trader.ok('POST', '/v1/sub-accounts', { name: 'hedge' })).address
      await trader.ok('POST', `/v1/sub-accounts/${owner}/transfer`, { amount: '900', direction: 'deposit' })
      headers = { 'X-Sub-Account': owner }
    }
    const cancels = async () => (await paper.ledger()).filter((r) => r.type === 'cancel' && r.account?.toLowerCase() === owner)
    const placed = await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', leverage: 5, stopLoss: { triggerPrice: '95000' } }, headers)
    // One that another client named, ahead of an entry; and one of ours.
    front.orphans.push({ oid: 434343, cloid: '0x00000000000000000000000000abcdef' })
    const { looks } = front
    await trader.ok('DELETE', '/v1/positions/BTC', undefined, headers)
    await until('what the close left was looked for', () => front.looks > looks)
    front.orphans.push({ oid: 424242, cloid: placed.legs[0].id })
    for (const path of ['/v1/positions', '/v1/orders', '/v1/positions', '/v1/orders']) await trader.ok('GET', path, undefined, headers)
    assert.deepEqual((await trader.ok('GET', '/v1/orders', undefined, headers)).data.map((o) => o.venueOrderId), ['434343', '424242'])
    await alone.stop()
    // What the journal knows is looked at soon after a start, with nobody signed in.
    alone = await startConfigured(settings, { folder, keepsKey: true })
    const [row] = await until('the orphan is cancelled', async () => {
      const rows = await cancels()
      return rows.length ? rows : undefined
    }, 20000)
    assert.deepEqual(row.action.cancels.map((c) => c.o), [424242])
    assert.equal(row.signer.toLowerCase(), trader.agent.toLowerCase())
  } finally {
    await alone.stop()
    front.close()
    await paper.program.stop()
  }
}

test("orders of ours whose position is gone are cancelled on the gateway's own schedule", () => orphansAreCancelled(false))
test("and so are a sub-account's, by its master's agent", () => orphansAreCancelled(true))
