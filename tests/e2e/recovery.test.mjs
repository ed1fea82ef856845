// A gateway that is killed anywhere between its journal and its answer, or whose venue does not answer: after it
// everything has an end that the venue's own ledger agrees with, and nothing was done twice.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Trader, request, signTypedData, startConfigured, startPaper, temporaryFolder, until, within } from './harness.mjs'

const END = 60000 // an intent's end is known: its expiry, what is asked after it, and a slow machine
const EXPIRES = 5000
const KINDS = ['order', 'updateLeverage', 'updateIsolatedMargin', 'cancel', 'cancelByCloid', 'batchModify', 'createSubAccount', 'withdraw3']

// The way to the venue. rule(type, body) says what becomes of a signed action: "pass", "drop" (it does not arrive),
// "lose" (it takes effect, no answer comes); on(type, how) hears of it once that has happened.
async function wayTo(paper) {
  const way = { rule: () => 'pass', on: () => {}, isShut: false, sockets: new Set() }
  way.free = () => Object.assign(way, { rule: () => 'pass', on: () => {}, isShut: false })
  const server = http.createServer(async (incoming, outgoing) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const body = Buffer.concat(parts)
    if (way.isShut) return void incoming.socket.destroy()
    if (incoming.url !== '/exchange') {
      const answer = await request(paper.base, incoming.method, incoming.url, { body })
      return void outgoing.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.bytes)
    }
    const type = JSON.parse(body).action.type
    const how = way.rule(type)
    if (how === 'drop') return void (incoming.socket.destroy(), way.on(type, how))
    const answer = await request(paper.base, incoming.method, incoming.url, { body })
    if (how === 'lose') return void (incoming.socket.destroy(), way.on(type, how))
    outgoing.writeHead(answer.status, { 'Content-Type': answer.type })
    outgoing.end(answer.bytes, () => way.on(type, how))
  })
  server.on('upgrade', (incoming, socket, head) => {
    if (way.isShut) return void socket.destroy()
    const peer = net.connect(new URL(paper.base).port, '127.0.0.1')
    const lines = incoming.rawHeaders.flatMap((word, i, all) => (i % 2 ? [] : [`${word}: ${all[i + 1]}`]))
    peer.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    peer.write(head)
    for (const [one, other] of [[socket, peer], [peer, socket]]) {
      way.sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => (way.sockets.delete(one), other.destroy()))
      one.pipe(other)
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  way.base = `http://127.0.0.1:${server.address().port}`
  way.close = () => {
    for (const socket of way.sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  }
  return way
}

let paper, way, folder, gateway, who

const settings = () => ({
  mirror: '{showMaxAgeMs: 0, pollWeightPerMinute: 100000, pollsAtOnce: 8}',
  venue: `{baseUrl: "${way.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 1500, readDeadlineMs: 1500, expiresAfterMs: ${EXPIRES}}`,
  paper: '{enabled: false}',
})
const start = async (keepsKey) => {
  gateway = await startConfigured(settings(), { folder, keepsKey })
  gateway.paperVenue = paper
  if (who) who.gateway = gateway
}

before(async () => {
  paper = await startPaper(['--still', '--ungated'])
  way = await wayTo(paper)
  folder = temporaryFolder()
  await Promise.all([paper.price('BTC', '100000'), paper.price('ETH', '4000')])
  await start(false)
})
after(async () => {
  gateway?.agent.destroy()
  await gateway?.program.stop()
  way?.close()
  await paper?.stop()
})
beforeEach(async () => {
  way.free()
  who = await new Trader(gateway, 'harbor').onboard('10000')
  await who.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 10 })
})

const resting = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '90000', marginMode: 'isolated', leverage: 10 }
const filling = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', marginMode: 'isolated', leverage: 10 }

// What the venue has taken of the trader's: refused copies of the same bytes are no second effect.
async function applied(type) {
  const rows = (await paper.ledger()).filter((row) => row.account?.toLowerCase() === who.address && KINDS.includes(row.type))
  return rows.filter((row) => row.effect !== 'refused' && (!type || row.type === type))
}
const metric = async (name) => {
  const { text } = await request(gateway.admin, 'GET', '/metrics')
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1])
}
const allRecovered = () => until('every intent has its end', async () => (await metric('perpgate_recovery_open')) === 0, END)
const setting = async () => (await paper.info({ type: 'activeAssetData', user: who.address, coin: 'BTC' })).leverage.value
const cloidOf = (row) => row.action.orders[0].c

// Lets the request go, and kills the gateway as soon as the way has heard of `type`; what the way did with it.
async function killedAt(type, how, send) {
  let answered
  const killed = new Promise((done) => {
    way.rule = (seen) => (seen === type ? how : 'pass')
    way.on = (seen) => seen === type && done(gateway.program.signal('SIGKILL'))
  })
  const sent = send().then((answer) => (answered = answer), () => {})
  await within(`${type} at the venue`, END, killed)
  await gateway.program.ended
  await sent
  gateway.agent.destroy()
  return answered
}

// The same request under the same key, until it has an answer; as often as a brand lets anybody ask.
const answered = (path, body, headers) =>
  until('an answer under the key', async () => {
    await delay(250)
    const again = await who.call('POST', path, body, headers)
    return again.status !== 409 && again.status !== 429 && again.json.code !== 'outcome_unknown' && again
  }, END)

// And what it is once nothing of it is open any more: until then a step may be told as unknown.
async function answerTo(path, body, headers) {
  await answered(path, body, headers)
  await allRecovered()
  return answered(path, body, headers)
}

describe('killed', () => {
  for (const [name, how] of [['between journal and venue', 'drop'], ['between venue and answer', 'lose'], ['between answer and commit', 'pass']])
    test(`${name}: an order has one end, and the key tells it`, async () => {
      const headers = { 'Idempotency-Key': randomUUID() }
      await killedAt('order', how, () => who.call('POST', '/v1/orders', resting, headers))
      way.free()
      const before = await applied('order')
      assert.equal(before.length, how === 'drop' ? 0 : 1)
      await start(true)
      const { json, status } = await answerTo('/v1/orders', resting, headers)
      await allRecovered()
      const rows = await applied('order')
      assert.ok(rows.length <= 1)
      if (how !== 'drop') assert.equal(status, 200)
      const told = await who.ok('GET', `/v1/orders/${json.id}`)
      if (rows.length) {
        assert.deepEqual([status, json.status, told.status], [200, 'resting', 'resting'])
        assert.equal(cloidOf(rows[0]), json.id)
      } else {
        assert.deepEqual([json.code, json.orderStatus, told.status], ['venue_unavailable', 'rejected', 'rejected'])
      }
      const open = (await who.ok('GET', '/v1/orders')).data
      assert.deepEqual(open.map((o) => o.id), rows.map(cloidOf))
    })

  test('after it was filled: it is told as filled, once', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    await killedAt('order', 'lose', () => who.call('POST', '/v1/orders', filling, headers))
    way.free()
    await start(true)
    const { json } = await answerTo('/v1/orders', filling, headers)
    assert.deepEqual([json.status, json.filledSize, json.recovered], ['filled', '0.01', true])
    assert.equal((await applied('order')).length, 1)
    assert.equal((await who.venuePosition('BTC')).szi, '0.01')
  })

  test('with leverage changed and the order never there: the leverage is put back', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const order = { ...resting, leverage: 7 }
    await killedAt('order', 'drop', () => who.call('POST', '/v1/orders', order, headers))
    assert.equal(await setting(), 7)
    way.rule = (type) => (type === 'order' ? 'drop' : 'pass')
    way.on = () => {}
    await start(true)
    const { json } = await answerTo('/v1/orders', order, headers)
    assert.equal(json.orderStatus, 'rejected')
    assert.equal(await setting(), 10)
    assert.deepEqual(json.plan.map((s) => [s.action, s.status, s.putBack ?? false]), [
      ['setLeverage', 'done', false],
      ['order', 'failed', false],
      ['setLeverage', 'done', true],
    ])
    await allRecovered()
    assert.deepEqual([(await applied('order')).length, (await applied('updateLeverage')).length], [0, 3])
  })

  test('with the order filled and its margin not moved: the margin is moved, once', async () => {
    const order = { symbol: 'BTC', side: 'buy', type: 'market', margin: '155', leverage: 10, marginMode: 'isolated' }
    const headers = { 'Idempotency-Key': randomUUID() }
    await killedAt('order', 'lose', () => who.call('POST', '/v1/orders', order, headers))
    way.free()
    await start(true)
    const { json } = await answerTo('/v1/orders', order, headers)
    await allRecovered()
    assert.equal(json.status, 'filled')
    assert.equal((await applied('order')).length, 1)
    const moves = await applied('updateIsolatedMargin')
    const step = json.plan.find((s) => s.action === 'adjustMargin')
    assert.ok(moves.length <= 1)
    assert.equal(step.status, moves.length ? 'done' : 'skipped')
    assert.ok(Math.abs(Number((await who.position('BTC')).margin) - 155) < 1, 'what was asked for is behind it')
  })

  test('while it moved margin: moved once', async () => {
    await who.place(filling)
    const margin = Number((await who.position('BTC')).margin)
    for (const how of ['lose', 'drop']) {
      const headers = { 'Idempotency-Key': randomUUID() }
      const count = (await applied('updateIsolatedMargin')).length
      await killedAt('updateIsolatedMargin', how, () => who.call('POST', '/v1/positions/BTC/margin', { amount: '25' }, headers))
      way.free()
      await start(true)
      const answer = await answerTo('/v1/positions/BTC/margin', { amount: '25' }, headers)
      await allRecovered()
      const moved = (await applied('updateIsolatedMargin')).length - count
      assert.ok(how === 'lose' ? moved === 1 : moved <= 1)
      assert.equal(answer.status === 200, moved === 1, answer.text)
    }
    const moves = (await applied('updateIsolatedMargin')).length
    assert.ok(Math.abs(Number((await who.position('BTC')).margin) - margin - 25 * moves) < 0.01)
  })

  test('while it cancelled: cancelled, or there still, and said so', async () => {
    const { id } = await who.place(resting)
    await killedAt('cancelByCloid', 'lose', () => who.call('DELETE', `/v1/orders/${id}`))
    way.free()
    await start(true)
    await allRecovered()
    assert.equal((await who.ok('GET', `/v1/orders/${id}`)).status, 'cancelled')
  })

  test('in the middle of a batch: each order has its end', async () => {
    const body = { orders: [resting, { ...resting, price: '89000' }, { ...resting, price: '88000', leverage: 10 }] }
    for (const how of ['lose', 'drop']) {
      const headers = { 'Idempotency-Key': randomUUID() }
      const count = (await applied('order')).length
      await killedAt('order', how, () => who.call('POST', '/v1/orders/batch', body, headers))
      way.free()
      await start(true)
      const { json } = await answerTo('/v1/orders/batch', body, headers)
      await allRecovered()
      const word = how === 'lose' ? 'resting' : 'rejected'
      assert.deepEqual(json.results.map((r) => r.status), [word, word, word])
      for (const { id } of json.results) assert.equal((await who.ok('GET', `/v1/orders/${id}`)).status, word)
      assert.equal((await applied('order')).length - count, how === 'lose' ? 1 : 0)
    }
  })

  test('while an order was changed: one of the two stands, and is told', async () => {
    const { id } = await who.place(resting)
    const headers = { 'Idempotency-Key': randomUUID() }
    await killedAt('batchModify', 'lose', () => who.call('PATCH', `/v1/orders/${id}`, { price: '89000' }, headers))
    way.free()
    await start(true)
    await allRecovered()
    const open = (await who.ok('GET', '/v1/orders')).data
    assert.deepEqual(open.map((o) => o.price), ['89000'])
    assert.equal((await who.ok('GET', `/v1/orders/${open[0].id}`)).status, 'resting')
    assert.equal((await applied('batchModify')).length, 1)
  })

  test('while protection was set: what stands protects, and nothing is doubled', async () => {
    await who.place(filling)
    const headers = { 'Idempotency-Key': randomUUID() }
    await killedAt('order', 'lose', () => who.call('PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '95000' } }, headers))
    way.free()
    await start(true)
    await allRecovered()
    const open = (await who.ok('GET', '/v1/orders')).data
    assert.deepEqual(open.map((o) => o.triggerPrice), ['95000'])
  })

  test('while a sub-account was made: made once at most, and said so', async () => {
    for (const how of ['lose', 'drop']) {
      const headers = { 'Idempotency-Key': randomUUID() }
      const count = (await applied('createSubAccount')).length
      await killedAt('createSubAccount', how, () => who.call('POST', '/v1/sub-accounts', { name: `of ${how}` }, headers))
      way.free()
      await start(true)
      const answer = await answerTo('/v1/sub-accounts', { name: `of ${how}` }, headers)
      await allRecovered()
      const made = (await applied('createSubAccount')).length - count
      assert.ok(how === 'lose' ? made === 1 : made <= 1)
      assert.equal(answer.status === 200, made === 1, answer.text)
    }
  })

  test('again and again while it recovers: still once', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    await killedAt('order', 'lose', () => who.call('POST', '/v1/orders', resting, headers))
    way.isShut = true
    for (let i = 0; i < 2; i++) {
      way.isShut = false
      await start(true)
      gateway.agent.destroy()
      await gateway.program.stop('SIGKILL')
    }
    await start(true)
    const { json } = await answerTo('/v1/orders', resting, headers)
    assert.equal(json.status, 'resting')
    assert.equal((await applied('order')).length, 1)
  })

  test('while money left: it is told whether it did, and it leaves once', async () => {
    const { typedData } = await who.ok('POST', '/v1/withdraw', { amount: '100', destination: who.address })
    const signature = await signTypedData(who.account, typedData)
    await killedAt('withdraw3', 'lose', () => who.call('POST', '/v1/withdraw/submit', { signature }))
    way.free()
    await start(true)
    await allRecovered()
    assert.equal((await applied('withdraw3')).length, 1)
    assert.equal(await metric('perpgate_recovered_total\\{outcome="done"\\}'), 1)
  })
})

describe('without a restart', () => {
  test('an order that was dropped on its way is sent again as it was, and told', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    let dropped = 0
    way.rule = (type) => (type === 'order' && dropped++ === 0 ? 'drop' : 'pass')
    const first = await who.call('POST', '/v1/orders', resting, headers)
    assert.deepEqual([first.status, first.json.code], [504, 'outcome_unknown'])
    const { json } = await answerTo('/v1/orders', resting, headers)
    assert.deepEqual([json.status, json.recovered], ['resting', true])
    assert.equal((await applied('order')).length, 1)
    assert.ok(json.risk && json.plan, 'the rest of the answer is as it was')
  })

  test('the venue is away: unknown and recovering is said until it is back, and others trade on', async () => {
    const other = await new Trader(gateway, 'harbor').onboard('10000')
    const headers = { 'Idempotency-Key': randomUUID() }
    way.rule = () => 'lose'
    way.on = () => (way.isShut = true)
    const first = await who.call('POST', '/v1/orders', resting, headers)
    assert.equal(first.json.code, 'outcome_unknown')
    assert.ok(first.json.hint, first.text)
    const id = /0x[0-9a-f]{32}/.exec(first.json.hint)[0]
    const told = await who.ok('GET', `/v1/orders/${id}`)
    assert.deepEqual([told.status, told.recovering], ['unknown', true])
    assert.ok((await metric('perpgate_recovery_open')) >= 1)
    way.free()
    await until('reads answered', async () => (await other.call('GET', '/v1/positions')).status === 200, END)
    assert.equal((await other.place({ ...resting, price: '85000' })).status, 'resting')
    const { json } = await answerTo('/v1/orders', resting, headers)
    assert.equal(json.status, 'resting')
    assert.equal((await who.ok('GET', `/v1/orders/${id}`)).recovering, undefined)
    await allRecovered()
    assert.equal((await applied('order')).length, 1)
  })

  test('an agent that was replaced meanwhile: what it had sent is found out all the same', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    let isLost = true
    way.rule = (type) => (type === 'order' && isLost ? 'lose' : 'pass')
    way.on = (type) => type === 'order' && (way.isShut = true)
    await who.call('POST', '/v1/orders', resting, headers)
    isLost = false
    way.isShut = false
    await until('reads answered', async () => (await who.call('GET', '/v1/positions')).status === 200, END)
    await who.approve('/v1/agent')
    const { json } = await answerTo('/v1/orders', resting, headers)
    assert.equal(json.status, 'resting')
    assert.equal((await applied('order')).length, 1)
  })
})

test('no nonce was ever refused but one that had been taken before', async () => {
  const rows = (await paper.ledger()).filter((row) => row.effect === 'refused' && /nonce/i.test(JSON.stringify(row.answer)))
  for (const row of rows) assert.match(JSON.stringify(row.answer), /duplicate nonce/)
})
