// Every word that the venue has for the state of an order, one that it has not, and rows that come twice and late.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { Trader, request, startConfigured, startPaper } from './harness.mjs'

const CANCELLED = `canceled marginCanceled vaultWithdrawalCanceled openInterestCapCanceled selfTradeCanceled reduceOnlyCanceled
  siblingFilledCanceled delistedCanceled liquidatedCanceled outcomeSettledCanceled scheduledCancel internalCancel`
const REJECTED = `rejected tickRejected minTradeNtlRejected perpMarginRejected reduceOnlyRejected badAloPxRejected iocCancelRejected
  badTriggerPxRejected marketOrderNoLiquidityRejected positionIncreaseAtOpenInterestCapRejected positionFlipAtOpenInterestCapRejected
  tooAggressiveAtOpenInterestCapRejected openInterestIncreaseRejected insufficientSpotBalanceRejected oracleRejected
  perpMaxPositionRejected tooManyOpenOrdersRejected`

let paper, front, gateway, who
before(async () => {
  paper = await startPaper()
  front = await startFront()
  gateway = await startConfigured({
    mirror: '{feed: false, showMaxAgeMs: 0}',
    venue: `{baseUrl: "${front.url}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
    paper: '{enabled: false}',
  })
  gateway.paperVenue = paper
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'harbor').onboard('10000')
})
after(async () => {
  await gateway?.stop()
  front?.close()
  await paper?.stop()
})

// Passes everything on, and says of orders what it is told to.
async function startFront() {
  const it = { tells: (answer) => answer }
  const server = http.createServer((incoming, outgoing) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', async () => {
      const body = Buffer.concat(parts).toString()
      const { type } = JSON.parse(body)
      const answer = await request(paper.base, 'POST', incoming.url, { body, headers: { 'Content-Type': 'application/json' } })
      const isAbout = type === 'orderStatus' || type === 'historicalOrders'
      outgoing.writeHead(answer.status, { 'Content-Type': answer.type ?? 'text/plain' })
      outgoing.end(isAbout ? JSON.stringify(it.tells(answer.json)) : answer.text)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(it, { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) })
}

const bid = (price) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price, leverage: 5, marginMode: 'isolated' })
const saying = (word) => (answer) => (answer.order ? { ...answer, order: { ...answer.order, status: word } } : answer)
const unknownSeen = async () =>
  Number(/^perpgate_venue_unknown_order_statuses_total (\d+)$/m.exec((await request(gateway.admin, 'GET', '/metrics')).text)[1])

test('every word of the venue is one of ours', async () => {
  const { id } = await who.place(bid('90000'))
  const is = async (word, ours) => {
    front.tells = saying(word)
    const shown = await who.ok('GET', `/v1/orders/${id}`)
    assert.deepEqual([shown.status, shown.venueStatus], [ours, word])
  }
  const before = await unknownSeen()
  await is('open', 'resting')
  await is('triggered', 'resting')
  await is('filled', 'filled')
  for (const word of CANCELLED.split(/\s+/)) await is(word, 'cancelled')
  for (const word of REJECTED.split(/\s+/)) await is(word, 'rejected')
  assert.equal(await unknownSeen(), before)
  // Of the same make as those that end an order.
  await is('cometCanceled', 'cancelled')
  await is('cometRejected', 'rejected')
  // Nothing is known of this one: it is shown, counted, and ends nothing.
  await is('hibernating', 'unknown')
  assert.equal(await unknownSeen(), before + 3)
  await who.refused(404, 'not_found', 'PATCH', `/v1/orders/${id}`, { price: '90010' })
  front.tells = (answer) => answer
  assert.equal((await who.ok('GET', `/v1/orders/${id}`)).status, 'resting')
  await who.ok('DELETE', `/v1/orders/${id}`)
})

test('one odd word hides no other order', async () => {
  const { id } = await who.place(bid('90100'))
  const word = 'x'.repeat(200)
  front.tells = (rows) => rows.map((row) => (row.order.cloid === id ? { ...row, status: word } : row))
  const { data } = await who.ok('GET', '/v1/orders?status=all')
  const odd = data.find((o) => o.id === id)
  assert.deepEqual([odd.status, odd.venueStatus], ['unknown', word.slice(0, 63)])
  assert.ok(data.some((o) => o.status === 'cancelled'))
  front.tells = (answer) => answer
})

test('a list that tells an order many times, in any order, tells its end', async () => {
  const { id } = await who.place(bid('90200'))
  await who.ok('DELETE', `/v1/orders/${id}`)
  const plain = (await who.ok('GET', '/v1/orders?status=all')).data
  const end = plain.find((o) => o.id === id)
  assert.equal(end.status, 'cancelled')
  const late = (row) => ({ ...row, status: 'open', statusTimestamp: row.statusTimestamp + 5000 })
  const shuffles = [(r) => r, (r) => r.toReversed(), (r) => [...r.slice(5), ...r.slice(0, 5)]]
  for (const shuffle of shuffles) {
    front.tells = (rows) => shuffle([...rows, ...rows.filter((r) => r.status !== 'open').map(late), ...rows])
    const { data } = await who.ok('GET', '/v1/orders?status=all')
    assert.deepEqual(data.find((o) => o.id === id), end)
    assert.equal(data.length, plain.length)
  }
  front.tells = (answer) => answer
})

test('an end that was told stays, also when the venue has forgotten the order', async () => {
  const filled = await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.001', leverage: 5, marginMode: 'isolated' })
  const resting = await who.place(bid('90300'))
  assert.deepEqual([filled.status, resting.status], ['filled', 'resting'])
  front.tells = () => ({ status: 'unknownOid' })
  const shown = await who.ok('GET', `/v1/orders/${filled.id}`)
  assert.deepEqual([shown.status, shown.filledSize, shown.symbol, shown.recovering], ['filled', '0.001', 'BTC', undefined])
  await who.refused(404, 'not_found', 'DELETE', `/v1/orders/${filled.id}`)
  // Of one that rested nobody can tell what became of it since.
  assert.equal((await who.ok('GET', `/v1/orders/${resting.id}`)).status, 'unknown')
  front.tells = (answer) => answer
  await who.ok('DELETE', `/v1/orders/${resting.id}`)
  await who.ok('DELETE', '/v1/positions/BTC')
})
