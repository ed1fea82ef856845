// Every route that trades, where the trader signs: in a brand that keeps no keys, and with ?prepare=true in
// any other. What is answered is the plan of the very request; it goes out once, with the right signatures.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { hashTypedData } from 'viem'
import { REPO, Trader, request, signTypedData, signsNothing, startConfigured, temporaryFolder, until } from './harness.mjs'

let gateway
let who

function keylessBrand(folder) {
  const brand = join(folder, 'keyless')
  cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
  const yaml = readFileSync(join(brand, 'brand.yaml'), 'utf8')
  writeFileSync(join(brand, 'brand.yaml'), `${yaml.replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`)
  return brand
}

async function start() {
  const folder = temporaryFolder()
  const brands = `[${join(REPO, 'branding/meridian')}, ${keylessBrand(folder)}]`
  const started = await startConfigured({ brands }, { folder })
  await started.price('BTC', '100000')
  return started
}

async function arrive(at = gateway) {
  const trader = new Trader(at, 'keyless')
  await at.venue.faucet(trader.address, '10000')
  await trader.signIn()
  return trader
}

before(async () => {
  gateway = await start()
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  await gateway.price('BTC', '100000')
  who = await arrive()
})

const buy = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', marginMode: 'isolated', leverage: 10 }
const bid = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '90000', marginMode: 'isolated', leverage: 5 }

const signAll = (key, prepared) => Promise.all(prepared.sign.map((step) => signTypedData(key, step.typedData)))
const submit = async (trader, prepared, key = trader.account, headers = {}) =>
  trader.call('POST', '/v1/orders/submit', { id: prepared.id, signatures: await signAll(key, prepared) }, headers)
const mine = async (trader = who) => (await trader.gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === trader.address)
const open = (trader = who) => trader.gateway.venue.info({ type: 'frontendOpenOrders', user: trader.address })

// Asks, signs, sends; answers what the route's own answer is.
async function sign(trader, method, path, body) {
  const prepared = await trader.ok(method, path, body)
  const answer = await submit(trader, prepared)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

const hold = (trader) => sign(trader, 'POST', '/v1/orders', buy)
const rest = (trader) => sign(trader, 'POST', '/v1/orders', bid)

// What is asked of each route, what has to be there before, which steps are to be signed, and what the
// answer to the signatures and the venue then show.
const routes = [
  {
    route: 'POST /v1/orders', body: bid, steps: ['setLeverage', 'order'],
    shows: (answer) => assert.equal(answer.status, 'resting'),
    venue: async () => assert.equal((await open()).length, 1),
  },
  {
    route: 'DELETE /v1/orders/{id}', setup: rest, steps: ['cancel'], noRisk: true,
    shows: (answer, { before }) => assert.deepEqual(answer, { id: before.id, status: 'cancelled' }),
    venue: async () => assert.equal((await open()).length, 0),
  },
  {
    route: 'DELETE /v1/orders', setup: rest, steps: ['cancel'], noRisk: true,
    shows: (answer, { before }) => assert.deepEqual(answer, { results: [{ id: before.id, status: 'cancelled' }], more: false }),
    venue: async () => assert.equal((await open()).length, 0),
  },
  {
    route: 'DELETE /v1/orders?symbol=BTC', setup: rest, steps: ['cancel'], noRisk: true,
    shows: (answer) => assert.equal(answer.results.length, 1),
    venue: async () => assert.equal((await open()).length, 0),
  },
  {
    route: 'PATCH /v1/orders/{id}', setup: rest, body: { price: '89000' }, steps: ['modify'],
    shows: (answer, { before }) => assert.deepEqual([answer.status, answer.price, answer.replaced.id], ['resting', '89000', before.id]),
    venue: async () => assert.deepEqual((await open()).map((o) => Number(o.limitPx)), [89000]),
  },
  {
    route: 'DELETE /v1/positions/BTC', setup: hold, steps: ['order'],
    shows: (answer) => assert.deepEqual([answer.status, answer.position], ['filled', null]),
    venue: async () => assert.equal(await who.venuePosition('BTC'), undefined),
  },
  {
    route: 'PUT /v1/positions/BTC/leverage', setup: hold, body: { leverage: 20 }, steps: ['setLeverage'],
    shows: (answer) => assert.deepEqual([answer.before.leverage, answer.position.leverage], [10, 20]),
    venue: async () => assert.equal((await who.venuePosition('BTC')).leverage.value, 20),
  },
  {
    route: 'POST /v1/positions/BTC/margin', setup: hold, body: { amount: '25' }, steps: ['adjustMargin'],
    shows: (answer) => assert.ok(Number(answer.position.margin) - Number(answer.before.margin) > 24),
    venue: async () => assert.equal((await mine()).at(-1).type, 'updateIsolatedMargin'),
  },
  {
    route: 'POST /v1/positions/BTC/margin', setup: hold, body: { targetLeverage: '5' }, steps: ['adjustMargin'],
    shows: (answer) => assert.ok(Math.abs(Number(answer.position.effectiveLeverage) - 5) < 0.1),
    venue: async () => assert.equal((await mine()).at(-1).type, 'updateIsolatedMargin'),
  },
  {
    route: 'PUT /v1/positions/BTC/tpsl', setup: hold, steps: ['order'],
    body: { takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } },
    shows: (answer) => assert.deepEqual(answer.legs.map((l) => l.status), ['triggerPending', 'triggerPending']),
    venue: async () => assert.equal((await open()).filter((o) => o.isPositionTpsl).length, 2),
  },
]

async function ask(trader, { route, body, setup }) {
  const before = setup && (await setup(trader))
  const [method, template] = route.split(' ')
  const path = template.replace('{id}', before?.id)
  return { method, path, body, before, prepared: await trader.ok(method, path, body) }
}

describe('a brand that keeps no keys', () => {
  for (const row of routes) {
    const { route, body, steps, shows, venue, noRisk } = row
    test(`${route} ${body ? JSON.stringify(body) : ''}: what to sign, then the route's own answer, once`, async () => {
      const asked = await ask(who, row)
      const { prepared } = asked
      assert.deepEqual(prepared.sign.map((s) => s.step), steps)
      assert.deepEqual(prepared.plan.map((s) => s.status), steps.map(() => 'pending'))
      assert.equal(prepared.risk === null, !!noRisk)
      assert.ok(prepared.expiresAt > Date.now() && prepared.expiresAt <= Date.now() + 60000)
      for (const step of prepared.sign) assert.equal(hashTypedData(step.typedData), step.digest)
      const stranger = privateKeyToAccount(generatePrivateKey())
      await signsNothing(gateway, async () => {
        const answer = await submit(who, prepared, stranger)
        assert.deepEqual([answer.status, answer.json.code], [401, 'signature_mismatch'], answer.text)
        assert.match(answer.json.fields[0].message, new RegExp(`${stranger.address.toLowerCase()}.*${who.address}`))
      })
      const answer = await submit(who, prepared)
      assert.equal(answer.status, 200, answer.text)
      shows(answer.json, asked)
      await venue()
      assert.equal((await mine()).at(-1).signer.toLowerCase(), who.address)
      await signsNothing(gateway, async () => assert.equal((await submit(who, prepared)).status, 404))
    })
  }

  test('asking signs and changes nothing, however often', async () => {
    await hold(who)
    const before = await mine()
    for (const [method, path, body] of [['DELETE', '/v1/positions/BTC'], ['PUT', '/v1/positions/BTC/leverage', { leverage: 20 }], ['POST', '/v1/positions/BTC/margin', { amount: '5' }]])
      for (let i = 0; i < 2; i++) assert.equal(typeof (await who.ok(method, path, body)).id, 'string')
    assert.deepEqual(await mine(), before)
  })

  test('what needs nothing done needs no signature', async () => {
    const none = await who.ok('DELETE', '/v1/orders')
    assert.deepEqual(none, { id: null, expiresAt: null, sign: [], plan: [], risk: null })
    await hold(who)
    const same = await who.ok('PUT', '/v1/positions/BTC/leverage', { leverage: 10 })
    assert.deepEqual([same.id, same.sign, same.plan], [null, [], []])
  })

  test('refuses what it refuses anyway, before anything is signed', async () => {
    await signsNothing(gateway, async () => {
      await who.refused(404, 'not_found', 'DELETE', '/v1/positions/BTC')
      await who.refused(404, 'not_found', 'PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '95000' } })
      await who.refused(422, 'leverage_too_high', 'PUT', '/v1/positions/BTC/leverage', { leverage: 1000 })
      await who.refused(404, 'not_found', 'PATCH', `/v1/orders/0x${'1'.repeat(32)}`, { price: '89000' })
      await who.refused(404, 'not_found', 'DELETE', `/v1/orders/0x${'1'.repeat(32)}`)
    })
  })

  test('a batch says why not', async () => {
    await signsNothing(gateway, async () => {
      const found = await who.refused(403, 'forbidden', 'POST', '/v1/orders/batch', { orders: [bid] })
      assert.match(found.detail, /depends on what became/)
      assert.match(found.hint, /\/v1\/orders\/prepare/)
    })
  })

  test('a mistyped ?prepare= places nothing', async () => {
    await signsNothing(gateway, async () => {
      for (const query of ['prepare=yes', 'prepare', 'prepare=false', 'prepar=true', 'prepare=true&prepare=true', 'symbol=BTC'])
        await who.refused(400, 'invalid_request', 'POST', `/v1/orders?${query}`, bid)
      await who.refused(400, 'invalid_request', 'DELETE', '/v1/orders?prepar=true')
    })
  })

  test('the answer to a key that was used comes again', async () => {
    await hold(who)
    const prepared = await who.ok('DELETE', '/v1/positions/BTC')
    const body = { id: prepared.id, signatures: await signAll(who.account, prepared) }
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await who.ok('POST', '/v1/orders/submit', body, key)
    assert.deepEqual(await who.ok('POST', '/v1/orders/submit', body, key), first)
  })
})

describe('margin that follows the fill', () => {
  const order = { symbol: 'BTC', side: 'buy', type: 'market', margin: '300', marginMode: 'isolated', leverage: 5 }

  test('is not signed with the order; its answer names what to sign then', async () => {
    const prepared = await who.ok('POST', '/v1/orders', order)
    assert.deepEqual(prepared.sign.map((s) => s.step), ['setLeverage', 'order'])
    assert.deepEqual(prepared.plan.map((s) => s.action), ['setLeverage', 'order', 'adjustMargin'])
    assert.equal(prepared.risk.warnings.at(-1).code, 'margin_after_fill')
    const { json } = await submit(who, prepared)
    assert.equal(json.status, 'filled')
    const adjust = json.plan.at(-1)
    assert.equal(adjust.status, 'skipped')
    assert.match(adjust.amount, /^-?\d/)
    const [, path, body] = /POST (\S+) (\{.*\})/.exec(adjust.reason)
    assert.deepEqual(JSON.parse(body), { amount: adjust.amount })
    assert.equal((await mine()).at(-1).type, 'order')
    const moved = await sign(who, 'POST', path, JSON.parse(body))
    assert.ok(Math.abs(Number(moved.position.margin) - 300) < 1, moved.position.margin)
  })

  test('of an order that rests is skipped, and says so', async () => {
    const prepared = await who.ok('POST', '/v1/orders', { ...order, type: 'limit', price: '80000' })
    const { json } = await submit(who, prepared)
    assert.equal(json.status, 'resting')
    assert.match(json.plan.at(-1).reason, /Nothing has filled/)
  })
})

describe('protection that its trader signs', () => {
  const set = (body) => sign(who, 'PUT', '/v1/positions/BTC/tpsl', body)

  test('is replaced: new and old are signed together, the new stands before the old goes', async () => {
    await hold(who)
    await set({ takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    const prepared = await who.ok('PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '96000' }, takeProfit: null })
    assert.deepEqual(prepared.sign.map((s) => s.step), ['order', 'cancel', 'cancel'])
    const { json } = await submit(who, prepared)
    assert.deepEqual(json.plan.map((s) => s.status), ['done', 'done', 'done'])
    assert.deepEqual([json.position.takeProfit, json.position.stopLoss.triggerPrice], [null, '96000'])
    assert.deepEqual((await mine()).slice(-3).map((r) => r.type), ['order', 'cancel', 'cancel'])
  })

  test('where the new one is refused, the signed cancel of the old is not sent', async () => {
    await hold(who)
    await set({ stopLoss: { triggerPrice: '95000' } })
    const prepared = await who.ok('PUT', '/v1/positions/BTC/tpsl', { stopLoss: { triggerPrice: '96000' } })
    await sign(who, 'DELETE', '/v1/positions/BTC') // nothing is left to protect: the venue refuses the new
    const before = (await mine()).length
    const { json } = await submit(who, prepared)
    const cancel = json.plan.find((s) => s.action === 'cancel')
    assert.equal(cancel.status, 'skipped', JSON.stringify(json))
    assert.deepEqual((await mine()).slice(before).map((r) => r.type), ['order'])
  })
})

describe('a brand that keeps keys', () => {
  let there

  beforeEach(async () => {
    there = await new Trader(gateway, 'meridian').onboard('10000')
  })

  test('asked with ?prepare=true, signs nothing itself', async () => {
    const order = { ...bid, leverage: 3 }
    const prepared = await there.ok('POST', '/v1/orders?prepare=true', order)
    const steps = ({ plan }) => JSON.stringify(plan).replaceAll(/0x[0-9a-f]{32}"/g, 'id"')
    assert.equal(steps(prepared), steps(await there.ok('POST', '/v1/orders/prepare', order)))
    const answer = await submit(there, prepared)
    assert.equal(answer.json.status, 'resting', answer.text)
    assert.equal((await mine(there)).at(-1).signer.toLowerCase(), there.address)
    const gone = await there.ok('DELETE', '/v1/orders?symbol=BTC&prepare=true')
    assert.equal((await submit(there, gone)).json.results[0].status, 'cancelled')
    await there.place(order)
    assert.equal((await mine(there)).at(-1).signer.toLowerCase(), there.agent.toLowerCase())
    await signsNothing(gateway, () => there.refused(403, 'forbidden', 'POST', '/v1/orders/batch?prepare=true', { orders: [order] }))
  })

  test('needs no agent for it', async () => {
    await there.ok('DELETE', '/v1/agent')
    await there.refused(403, 'agent_not_approved', 'POST', '/v1/orders', bid)
    assert.equal((await submit(there, await there.ok('POST', '/v1/orders?prepare=true', { ...bid, leverage: 3 }))).json.status, 'resting')
  })

  test("a wallet's nonces are one line: no two of what it is asked to sign are the same", async () => {
    const asks = Array.from({ length: 8 }, () => [
      ['POST', '/v1/orders?prepare=true', { ...bid, leverage: 3 }],
      ['POST', '/v1/builder-fee', {}],
      ['POST', '/v1/transfer', { amount: '10', to: 'spot' }],
      ['POST', '/v1/withdraw', { amount: '25', destination: there.address }],
      ['POST', '/v1/agent', {}],
    ]).flat()
    const answers = await Promise.all(asks.map((asked) => there.ok(...asked)))
    const nonces = answers.flatMap((a) => a.sign?.map((s) => s.nonce) ?? [Number(a.typedData.message.nonce ?? a.typedData.message.time)])
    assert.equal(nonces.length, 8 * (2 + 4))
    assert.ok(nonces.every(Number.isSafeInteger), String(nonces))
    assert.equal(new Set(nonces).size, nonces.length, String(nonces.sort()))
  })
})

describe('while nothing may be opened', () => {
  // The first half of a request, sent before the gateway ends; the rest, and the answer, after.
  function halfSent(base, text) {
    const url = new URL(base)
    const socket = net.connect({ host: url.hostname, port: Number(url.port) })
    const half = text.length >> 1
    let seen = ''
    const ended = new Promise((done) => {
      socket.setEncoding('utf8')
      socket.on('data', (part) => (seen += part))
      socket.on('error', () => done(seen))
      socket.on('close', () => done(seen))
    })
    return new Promise((done) => socket.write(text.slice(0, half), () => done({ finish: () => (socket.write(text.slice(half)), ended) })))
  }

  async function submission(trader, prepared) {
    const body = JSON.stringify({ id: prepared.id, signatures: await signAll(trader.account, prepared) })
    return [
      'POST /v1/orders/submit HTTP/1.1', `Host: ${trader.host}`, `Authorization: Bearer ${trader.token}`, 'Content-Type: application/json',
      `Content-Length: ${body.length}`, '', body,
    ].join('\r\n')
  }

  test('a gateway that ends still sends a signed close, and no signed opening', async () => {
    const ending = await start()
    const trader = await arrive(ending)
    await sign(trader, 'POST', '/v1/orders', buy)
    const closing = await halfSent(ending.http, await submission(trader, await trader.ok('DELETE', '/v1/positions/BTC')))
    const opening = await halfSent(ending.http, await submission(trader, await trader.ok('POST', '/v1/orders', { ...bid, leverage: 10 })))
    // Somebody's order under way holds the end open.
    const other = await arrive(ending)
    const slow = await other.ok('POST', '/v1/orders', bid)
    await ending.venue.fault('delay', 1, { path: 'exchange', delayMs: 2500 })
    const holding = submit(other, slow)
    await until('the order under way', async () => /^perpgate_actions_open [1-9]/m.test((await request(ending.admin, 'GET', '/metrics')).text))
    ending.program.signal('SIGTERM')
    await until('the end that begins', () => /msg=draining/.test(ending.program.stderr))
    assert.match(await opening.finish(), /^HTTP\/1\.1 503 .*"code":"/s)
    const closed = await closing.finish()
    assert.match(closed, /^HTTP\/1\.1 200 /)
    assert.match(closed, /"status":"filled"/)
    assert.equal((await holding).status, 200)
    assert.deepEqual(await ending.program.ended, { code: 0, signal: null })
    ending.agent.destroy()
  })
})
