// What a preview says before and after is what stands before and after: of orders, closes, leverage,
// margin and protection, to the last digit, and nothing reaches the venue by it.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPO, Trader, decimal, problem, signsNothing, startConfigured, temporaryFolder } from './harness.mjs'

const PRICES = { BTC: '100000', ETH: '4000', SOL: '100', XRP: '1.5' }
const seed = Number(process.env.SEED ?? Date.now() % 1000000)
let gateway

before(async () => {
  const folder = temporaryFolder()
  const lenient = join(folder, 'lenient')
  cpSync(join(REPO, 'branding/harbor'), lenient, { recursive: true })
  const yaml = readFileSync(join(lenient, 'brand.yaml'), 'utf8')
    .replaceAll('harbor.localhost', 'lenient.localhost')
    .replace(/onLiquidationTooClose: \w+/, 'onLiquidationTooClose: warn')
    .replace(/onStopBeyondLiquidation: \w+/, 'onStopBeyondLiquidation: warn\n  onInsufficientMargin: warn\n  onMarginNotRemovable: warn')
  writeFileSync(join(lenient, 'brand.yaml'), yaml)
  const keyless = join(folder, 'keyless')
  cpSync(join(REPO, 'branding/harbor'), keyless, { recursive: true })
  writeFileSync(join(keyless, 'brand.yaml'), `${readFileSync(join(keyless, 'brand.yaml'), 'utf8').replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`)
  const brands = [join(REPO, 'branding/meridian'), join(REPO, 'branding/harbor'), lenient, keyless]
  gateway = await startConfigured({ brands: `[${brands}]` }, { folder })
  await Promise.all(Object.entries(PRICES).map(([coin, price]) => gateway.price(coin, price)))
})
after(() => gateway?.stop())

const trader = (brand = 'harbor', amount = '20000') => new Trader(gateway, brand).onboard(amount)

// mulberry32: the same seed, the same requests.
function dice(state) {
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return { int: (n) => Math.floor(next() * n), of: (list) => list[Math.floor(next() * list.length)], money: (low, high) => (low + next() * (high - low)).toFixed(2) }
}

// --- what stands ----------------------------------------------------------------------------------

async function state(who, symbol) {
  const [account, position] = await Promise.all([who.ok('GET', '/v1/account'), who.call('GET', `/v1/positions/${symbol}`)])
  return { account, position: position.status === 200 ? position.json : null }
}

const legOf = (leg) => leg && { triggerPrice: leg.triggerPrice, price: leg.price }
// Everything a position shows but when it was read, whose number it is, and ids not given yet.
function bare(position) {
  if (!position) return null
  const { asOf, source, takeProfit, stopLoss, ...rest } = position
  return { ...rest, takeProfit: legOf(takeProfit), stopLoss: legOf(stopLoss) }
}

function fits(outlook, { account, position }, label) {
  assert.deepEqual(bare(outlook.position), bare(position), label)
  assert.equal(outlook.liquidationPrice, position?.liquidationPrice ?? null, label)
  assert.equal(outlook.liquidationDistance, position?.liquidationDistance ?? null, label)
  assert.equal(outlook.margin, position?.margin ?? '0', label)
  assert.equal(outlook.freeCollateral, account.freeCollateral, label)
  for (const part of ['venue', 'builder']) assert.match(outlook.fees[part], decimal, label)
}

// Previews, does it, and holds both sides of the preview against what stands.
async function foreseen(who, symbol, [method, path, body], previewPath) {
  const label = `SEED=${seed} ${who.host} ${method} ${path} ${JSON.stringify(body)}`
  const start = await state(who, symbol)
  const asked = await who.call('POST', previewPath, body)
  const acted = await who.call(method, path, body)
  if (asked.status !== 200) {
    assert.equal(acted.status, asked.status, `${label}: ${asked.text} but ${acted.text}`)
    assert.equal(acted.json.code, asked.json.code, label)
    assert.equal(acted.json.detail, asked.json.detail, label)
    return null
  }
  assert.equal(acted.status, 200, `${label}: foretold ${asked.text}, got ${acted.text}`)
  const preview = asked.json
  fits(preview.before, start, `before ${label}`)
  assert.equal(preview.before.position === null ? null : 'venue', preview.before.source, label)
  fits(preview.after, await state(who, symbol), `after ${label}`)
  assert.deepEqual(preview.plan.map((s) => s.action), acted.json.plan.map((s) => s.action), label)
  assert.equal(preview.risk.liquidationPrice, preview.after.liquidationPrice, label)
  assert.deepEqual(preview.risk.fees, preview.after.fees, label)
  return preview
}

const acts = {
  order: (who, symbol, body) => foreseen(who, symbol, ['POST', '/v1/orders', { symbol, ...body }], '/v1/orders/preview'),
  close: (who, symbol) => foreseen(who, symbol, ['DELETE', `/v1/positions/${symbol}`], `/v1/positions/${symbol}/close/preview`),
  leverage: (who, symbol, body) => foreseen(who, symbol, ['PUT', `/v1/positions/${symbol}/leverage`, body], `/v1/positions/${symbol}/leverage/preview`),
  margin: (who, symbol, body) => foreseen(who, symbol, ['POST', `/v1/positions/${symbol}/margin`, body], `/v1/positions/${symbol}/margin/preview`),
  tpsl: (who, symbol, body) => foreseen(who, symbol, ['PUT', `/v1/positions/${symbol}/tpsl`, body], `/v1/positions/${symbol}/tpsl/preview`),
}

// At market, or a limit that takes what the book has a hundredth away.
function kindOfOrder(random, near) {
  const side = random.of(['buy', 'sell'])
  if (random.int(3)) return { side, type: 'market' }
  return { side, type: 'limit', price: near(side === 'buy' ? 1.01 : 0.99), timeInForce: 'ioc' }
}

// A random thing to do on a market.
function draw(random, symbol) {
  const at = Number(PRICES[symbol])
  const near = (factor) => String(Number((at * factor).toPrecision(4)))
  const kind = random.of(['order', 'order', 'order', 'close', 'leverage', 'leverage', 'margin', 'margin', 'margin', 'tpsl'])
  switch (kind) {
    case 'order':
      return [kind, { ...kindOfOrder(random, near), [random.of(['notional', 'notional', 'margin'])]: random.money(50, 900),
        ...(random.int(2) ? { marginMode: random.of(['isolated', 'cross']) } : {}), ...(random.int(2) ? { leverage: 1 + random.int(12) } : {}) }]
    case 'leverage':
      return [kind, { leverage: 1 + random.int(25), ...(random.int(3) ? {} : { marginMode: random.of(['isolated', 'cross']) }) }]
    case 'margin':
      return [kind, random.of([{ amount: random.money(1, 300) }, { amount: `-${random.money(1, 200)}` }, { targetLeverage: random.money(1, 9) },
        { targetLiquidationPrice: near(random.of([0.5, 0.8, 1.2, 1.5])) }])]
    case 'tpsl':
      return [kind, random.of([{ stopLoss: { triggerPrice: near(random.of([0.97, 1.03])) } }, { takeProfit: { triggerPrice: near(random.of([1.1, 0.9])) } }, { stopLoss: null }])]
    default:
      return [kind, undefined]
  }
}

describe(`random requests come out as they were previewed (SEED=${seed})`, () => {
  for (const [i, brand] of ['meridian', 'harbor', 'meridian', 'harbor'].entries())
    test(`trader ${i} at ${brand}`, async () => {
      const random = dice(seed * 10 + i)
      const who = await trader(brand, random.money(2000, 9000))
      const done = {}
      for (let n = 0; n < 40; n++) {
        const symbol = random.of(['BTC', 'ETH', 'SOL', 'XRP'])
        const [kind, body] = draw(random, symbol)
        if (await acts[kind](who, symbol, body)) done[kind] = (done[kind] ?? 0) + 1
      }
      assert.ok((done.order ?? 0) > 3, JSON.stringify(done))
    })
})

describe('a preview', () => {
  test('is a read: it signs nothing, and changes nothing', async () => {
    const who = await trader('meridian')
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', margin: '500', leverage: 5 })
    const resting = await who.place({ symbol: 'SOL', side: 'buy', type: 'limit', size: '2', price: '80', leverage: 2 })
    await signsNothing(gateway, async () => {
      for (const [path, body] of [
        ['/v1/positions/ETH/leverage/preview', { leverage: 10 }],
        ['/v1/positions/ETH/margin/preview', { amount: '50' }],
        ['/v1/positions/ETH/tpsl/preview', { stopLoss: { triggerPrice: '3900' } }],
        ['/v1/positions/ETH/close/preview', undefined],
        [`/v1/orders/${resting.id}/preview`, { price: '81' }],
      ]) {
        const preview = await who.ok('POST', path, body)
        assert.deepEqual(preview.plan.map((s) => s.status), preview.plan.map(() => 'pending'), path)
        assert.ok(preview.before && preview.after, path)
      }
    })
    const changed = await who.ok('POST', `/v1/orders/${resting.id}/preview`, { price: '81' })
    assert.equal(changed.price, '81')
    assert.equal(changed.after.position.entryPrice, '81')
    assert.equal((await who.ok('GET', `/v1/orders/${resting.id}`)).price, '80')
  })

  test('needs no agent, and in a brand that keeps no keys there is nothing to sign', async () => {
    for (const brand of ['meridian', 'keyless']) {
      const who = new Trader(gateway, brand)
      await gateway.venue.faucet(who.address, '5000')
      await who.signIn()
      const preview = await who.ok('POST', '/v1/positions/BTC/leverage/preview', { leverage: 7 })
      assert.equal(preview.before.position, null)
      assert.equal(preview.after.freeCollateral, '5000')
      assert.equal(preview.risk.leverage, 7)
      assert.equal(preview.sign, undefined)
      const acted = await who.call('PUT', '/v1/positions/BTC/leverage', { leverage: 7 })
      if (brand === 'keyless') assert.equal(acted.json.sign.length, 1)
      else problem(acted, 403, 'agent_not_approved')
    }
  })

  test('may be asked for with a key that may only read', async () => {
    const who = await trader('meridian')
    const { id, secret } = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })
    const signed = (method, path, body) => {
      const timestamp = String(Date.now())
      const signature = createHmac('sha256', secret).update(timestamp + method + path + JSON.stringify(body)).digest('hex')
      return gateway.call(method, path, { host: who.host, body, headers: { 'X-Api-Key': id, 'X-Api-Timestamp': timestamp, 'X-Api-Signature': signature } })
    }
    for (const [path, body] of [
      ['/v1/positions/BTC/leverage/preview', { leverage: 7 }],
      ['/v1/risk/size', { symbol: 'BTC', side: 'buy', stopPrice: '95000', riskAmount: '50' }],
    ]) {
      const answer = await signed('POST', path, body)
      assert.equal(answer.status, 200, answer.text)
    }
    problem(await signed('PUT', '/v1/positions/BTC/leverage', { leverage: 7 }), 403, 'forbidden')
  })

  test('shows legs that are not placed yet without an id, and what a new protection leaves', async () => {
    const who = await trader('harbor')
    const order = { symbol: 'ETH', side: 'buy', type: 'market', notional: '800', marginMode: 'isolated', leverage: 4, stopLoss: { triggerPrice: '3500' } }
    const preview = await who.preview(order)
    assert.deepEqual([preview.before.position, preview.before.margin, preview.before.source], [null, '0', null])
    assert.deepEqual([preview.after.position.stopLoss.id, preview.after.position.stopLoss.triggerPrice], [null, '3500'])
    await who.place(order)
    const other = await who.ok('POST', '/v1/positions/ETH/tpsl/preview', { stopLoss: { triggerPrice: '3600' } })
    assert.equal(other.before.position.stopLoss.triggerPrice, '3500')
    assert.equal(other.after.position.stopLoss.triggerPrice, '3600')
    const none = await who.ok('POST', '/v1/positions/ETH/tpsl/preview', { stopLoss: null })
    assert.equal(none.after.position.stopLoss, null)
    const closed = await who.ok('POST', '/v1/positions/ETH/close/preview')
    assert.deepEqual([closed.after.position, closed.after.margin, closed.after.liquidationPrice], [null, '0', null])
    await who.refused(400, 'invalid_request', 'POST', '/v1/positions/ETH/close/preview', { size: '0.1' })
  })
})

describe('what refuses the act refuses the preview, with its numbers', () => {
  test('margin, leverage, mode', async () => {
    const who = await trader('meridian', '1000')
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', margin: '500', leverage: 5 })
    for (const [kind, body, status, code] of [
      ['margin', { amount: '5000' }, 422, 'insufficient_margin'],
      ['margin', { amount: '-400' }, 422, 'margin_not_removable'],
      ['margin', { targetLiquidationPrice: '4100' }, 400, 'invalid_request'],
      ['leverage', { leverage: 1000 }, 422, 'leverage_too_high'],
      ['leverage', { leverage: 10, marginMode: 'cross' }, 422, 'margin_mode_not_allowed'],
    ]) {
      const refused = await who.refused(status, code, 'POST', `/v1/positions/ETH/${kind}/preview`, body)
      assert.match(refused.detail, /\d|ETH/)
      const acted = await who.refused(status, code, kind === 'margin' ? 'POST' : 'PUT', `/v1/positions/ETH/${kind}`, body)
      assert.equal(acted.detail, refused.detail)
    }
    for (const [kind, body] of [['margin', { amount: '5' }], ['tpsl', { stopLoss: { triggerPrice: '1' } }], ['close', undefined]])
      await who.refused(404, 'not_found', 'POST', `/v1/positions/BTC/${kind}/preview`, body)
    await who.refused(400, 'invalid_request', 'POST', '/v1/positions/ETH/margin/preview', { amount: '1', targetLeverage: '2' })
  })

  test('margin is not taken out from behind a stop that stands', async () => {
    const who = await trader('meridian', '20000')
    await who.place({ symbol: 'ETH', side: 'buy', type: 'market', notional: '4000', marginMode: 'isolated', leverage: 2, stopLoss: { triggerPrice: '2500' } })
    await who.ok('PUT', '/v1/positions/ETH/leverage', { leverage: 10 })
    const body = { amount: '-1000' }
    const refused = await who.refused(422, 'stop_beyond_liquidation', 'POST', '/v1/positions/ETH/margin/preview', body)
    assert.match(refused.detail, /2500/)
    await signsNothing(gateway, () => who.refused(422, 'stop_beyond_liquidation', 'POST', '/v1/positions/ETH/margin', body))
    await who.ok('PUT', '/v1/positions/ETH/tpsl', { stopLoss: null })
    assert.ok(await acts.margin(who, 'ETH', body))
  })
})

test('for a sub-account the figures are its own', async () => {
  const master = await trader('meridian', '9000')
  const { address } = await master.ok('POST', '/v1/sub-accounts', { name: 'hedge' })
  await master.ok('POST', `/v1/sub-accounts/${address}/transfer`, { amount: '2500', direction: 'deposit' })
  const sub = Object.create(master, { call: { value: (method, path, body) => master.call(method, path, body, { 'X-Sub-Account': address }) } })
  const sized = await sub.ok('POST', '/v1/risk/size', { symbol: 'SOL', side: 'sell', stopPrice: '104', riskPercent: '2' })
  assert.deepEqual([sized.equity, sized.riskAmount, sized.before.freeCollateral], ['2500', '50', '2500'])
  for (const [kind, body] of [['order', sized.order], ['leverage', { leverage: 3 }], ['leverage', { leverage: 20 }], ['margin', { amount: '40' }], ['tpsl', { stopLoss: { triggerPrice: '105' } }], ['close', undefined]])
    await acts[kind](sub, 'SOL', body)
  assert.equal((await state(master, 'SOL')).account.freeCollateral, '6500')
})

test('a brand that warns lets the same requests pass, with the numbers as a warning', async () => {
  const who = await trader('lenient', '1000')
  const warns = (answer, code) => assert.ok(answer.risk.warnings.some((w) => w.code === code && /\d/.test(w.detail)), JSON.stringify(answer.risk.warnings))
  warns(await who.preview({ symbol: 'ETH', side: 'buy', type: 'market', notional: '30000', marginMode: 'isolated', leverage: 5 }), 'insufficient_margin')
  await who.place({ symbol: 'ETH', side: 'buy', type: 'market', margin: '500', marginMode: 'isolated', leverage: 5 })
  warns(await who.ok('POST', '/v1/positions/ETH/margin/preview', { amount: '5000' }), 'insufficient_margin')
  warns(await who.ok('POST', '/v1/positions/ETH/margin/preview', { amount: '-100' }), 'margin_not_removable')
  warns(await who.ok('POST', '/v1/positions/ETH/tpsl/preview', { stopLoss: { triggerPrice: '2000' } }), 'stop_beyond_liquidation')
  // The venue still decides.
  await who.refused(422, 'margin_not_removable', 'POST', '/v1/positions/ETH/margin', { amount: '-100' })
})
