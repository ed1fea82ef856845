// A blocked region, a blocked address and terms that changed stop what opens risk. Reading, closing,
// cancelling and withdrawing stay possible.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { REPO, Trader, problem, request, run, signTypedData, signsNothing, startConfigured, temporaryFolder, until } from './harness.mjs'

const PROXY = '{public: {port: 0}, admin: {port: 0}, trustedProxies: [127.0.0.1]}'
const RULES = '\nregions: {header: cf-ipcountry, blocked: [US, CU]}\naddresses: {blockedFile: blocked.txt}\n'
const AGENT_DAYS = 90 * 86400000

// A folder with the brand harbor under the rules, and with terms.
function brandFolder(rules = RULES) {
  const folder = temporaryFolder()
  const brand = join(folder, 'harbor')
  cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
  const file = join(brand, 'brand.yaml')
  writeFileSync(file, `${readFileSync(file, 'utf8').replace(/^terms:[^\n]*\n(  [^\n]*\n)*/m, '')}\nterms: {version: "1", url: "https://harbor.example/terms", required: true}${rules}`)
  writeFileSync(join(brand, 'blocked.txt'), '# nobody yet\n')
  return { folder, file, list: join(brand, 'blocked.txt'), settings: { brands: `[${brand}]` } }
}

// A trader whose requests come through a proxy that says where from.
class Traveller extends Trader {
  country = 'CH'

  call(method, path, body, headers = {}) {
    const place = this.country ? { 'CF-IPCountry': this.country } : {}
    return super.call(method, path, body, { ...place, ...headers })
  }
}

const buy = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 5 }
const bid = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '50000', leverage: 5 }
const reduce = { symbol: 'BTC', side: 'sell', type: 'market', size: '0.005', reduceOnly: true }

const metrics = async (gateway) => (await request(gateway.admin, 'GET', '/metrics')).text
const denied = async (gateway, rule) => {
  const found = new RegExp(`^perpgate_policy_denied_total\\{rule="${rule}"\\} (\\d+)$`, 'm').exec(await metrics(gateway))
  return Number(found?.[1] ?? 0)
}

// Every way to open risk.
const openings = (order) => [
  ['POST', '/v1/orders', buy],
  ['POST', '/v1/orders', { ...bid, reduceOnly: false }],
  ['POST', '/v1/orders/batch', { orders: [bid, buy] }],
  ['PATCH', `/v1/orders/${order}`, { price: '51000' }],
  ['PUT', '/v1/positions/BTC/leverage', { leverage: 10 }],
  ['POST', '/v1/positions/BTC/margin', { amount: '10' }],
  ['POST', '/v1/api-keys', { type: 'hmac', scopes: ['trade'] }],
  ['POST', '/v1/sub-accounts', { name: 'elsewhere' }],
  ['POST', '/v1/builder-fee/approve', { signature: `0x${'1'.repeat(130)}` }],
]

// What a trader who holds a position and an order can do all the same.
async function leave(who, order, stop) {
  await who.ok('GET', '/v1/account')
  await who.ok('GET', '/v1/positions')
  await who.ok('GET', '/v1/orders')
  await who.ok('GET', '/v1/markets/BTC')
  await who.ok('POST', '/v1/orders/preview', buy)
  assert.equal((await who.ok('POST', '/v1/orders', reduce)).status, 'filled')
  const { results } = await who.ok('POST', '/v1/orders/batch', { orders: [bid, reduce] })
  assert.equal(results.length, 2)
  assert.match(JSON.stringify(results[0]), /region_blocked|address_blocked|forbidden/)
  assert.equal(results[1].status, 'filled')
  await who.ok('PATCH', `/v1/orders/${stop}`, { triggerPrice: '61000' })
  await who.ok('PUT', '/v1/positions/BTC/tpsl', { takeProfit: { triggerPrice: '200000' } })
  await who.ok('DELETE', `/v1/orders/${order}`)
  await who.ok('DELETE', '/v1/positions/BTC')
  assert.equal(await who.venuePosition('BTC'), undefined)
  const asked = await who.ok('POST', '/v1/withdraw', { amount: '100', destination: who.address })
  await who.ok('POST', '/v1/withdraw/submit', { signature: await signTypedData(who.account, asked.typedData) })
}

// With a position, an order that rests and a stop.
async function holder(gateway) {
  const who = await new Traveller(gateway, 'harbor').onboard()
  await who.place(buy)
  const order = (await who.place(bid)).id
  const stop = (await who.place({ symbol: 'BTC', side: 'sell', type: 'stopMarket', size: '0.02', triggerPrice: '60000', reduceOnly: true })).id
  return { who, order, stop }
}

describe('a region', () => {
  let gateway
  const brand = brandFolder()

  before(async () => {
    gateway = await startConfigured({ listen: PROXY, ...brand.settings }, { folder: brand.folder })
  })
  after(() => gateway?.stop())

  test('that is blocked stops opening, and nothing that ends it', async () => {
    const { who, order, stop } = await holder(gateway)
    assert.equal((await who.ok('GET', '/v1/onboarding')).restriction, null)
    who.country = 'US'
    const before = await denied(gateway, 'region_blocked')
    await signsNothing(gateway, async () => {
      for (const [method, path, body] of openings(order)) {
        const found = await who.refused(451, 'region_blocked', method, path, body)
        assert.match(found.hint, /withdrawing stay possible/)
      }
      await who.refused(451, 'region_blocked', 'POST', '/v1/transfer', { amount: '5', to: 'perps' })
    })
    assert.equal(await denied(gateway, 'region_blocked'), before + openings(order).length + 1)
    assert.equal((await who.ok('GET', '/v1/onboarding')).restriction.code, 'region_blocked')
    await who.ok('POST', '/v1/transfer', { amount: '5', to: 'spot' })
    await leave(who, order, stop)
    who.country = 'CH'
    assert.equal((await who.ok('POST', '/v1/orders', buy)).status, 'filled')
  })

  test('that is not known is blocked, and counted apart', async () => {
    const who = await new Traveller(gateway, 'harbor').onboard()
    const before = await denied(gateway, 'region_unknown')
    for (const country of [undefined, 'XX', 'T1', 'CHE', 'CH, US']) {
      who.country = country
      await who.refused(451, 'region_blocked', 'POST', '/v1/orders', buy)
    }
    assert.equal(await denied(gateway, 'region_unknown'), before + 5)
  })

  test('lets a transfer in only where it was both asked for and signed', async () => {
    const who = await new Traveller(gateway, 'harbor').onboard()
    const out = await who.ok('POST', '/v1/transfer', { amount: '50', to: 'spot' })
    who.country = 'US'
    await who.ok('POST', '/v1/transfer/submit', { signature: await signTypedData(who.account, out.typedData) })
    who.country = 'CH'
    const back = await who.ok('POST', '/v1/transfer', { amount: '50', to: 'perps' })
    const signature = await signTypedData(who.account, back.typedData)
    who.country = 'US'
    await signsNothing(gateway, () => who.refused(451, 'region_blocked', 'POST', '/v1/transfer/submit', { signature }))
    who.country = 'CH'
    await who.ok('POST', '/v1/transfer/submit', { signature })
  })

  test('lets nobody start, but whoever holds something gets an agent to end it with', async () => {
    const newcomer = new Traveller(gateway, 'harbor')
    newcomer.country = 'CU'
    await gateway.venue.faucet(newcomer.address, '1000')
    await newcomer.signIn()
    const asked = await newcomer.ok('POST', '/v1/agent', {})
    const signature = await signTypedData(newcomer.account, asked.typedData)
    await signsNothing(gateway, () => newcomer.refused(451, 'region_blocked', 'POST', '/v1/agent/approve', { signature }))

    const { who } = await holder(gateway)
    await who.ok('DELETE', '/v1/agent')
    who.country = 'US'
    await who.refused(403, 'agent_not_approved', 'DELETE', '/v1/positions/BTC')
    const again = await who.ok('POST', '/v1/agent', { name: 'closing' })
    await who.ok('POST', '/v1/agent/approve', { signature: await signTypedData(who.account, again.typedData) })
    await who.refused(451, 'region_blocked', 'POST', '/v1/orders', buy)
    await who.ok('DELETE', '/v1/positions/BTC')
  })

  test('lets money out of a sub-account and not into it, and an agent is approved for that', async () => {
    const who = await new Traveller(gateway, 'harbor').onboard('3000')
    const { address } = await who.ok('POST', '/v1/sub-accounts', { name: 'hedge' })
    const move = `/v1/sub-accounts/${address}/transfer`
    const sub = { 'X-Sub-Account': address }
    await who.ok('POST', move, { amount: '3000', direction: 'deposit' })
    await who.ok('POST', '/v1/orders', buy, sub)
    await who.ok('DELETE', '/v1/agent')
    who.country = 'US'
    const asked = await who.ok('POST', '/v1/agent', { name: 'leaving' })
    await who.ok('POST', '/v1/agent/approve', { signature: await signTypedData(who.account, asked.typedData) })
    await signsNothing(gateway, async () => {
      await who.refused(451, 'region_blocked', 'POST', '/v1/orders', buy, sub)
      await who.refused(451, 'region_blocked', 'POST', move, { amount: '5', direction: 'deposit' })
    })
    await who.ok('DELETE', '/v1/positions/BTC', undefined, sub)
    await who.ok('POST', move, { amount: '2000', direction: 'withdraw' })
  })

  test('repeats an answer that was given before', async () => {
    const who = await new Traveller(gateway, 'harbor').onboard()
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await who.place(bid, key)
    who.country = 'US'
    assert.deepEqual(await who.ok('POST', '/v1/orders', bid, key), first)
  })

  test('is in no metric and no log line', async () => {
    assert.doesNotMatch(await metrics(gateway), /"(US|CU|CH)"/)
    assert.match(gateway.program.stderr, /msg="policy denied".*rule=region_blocked/)
    assert.doesNotMatch(gateway.program.stderr, /[= "](US|CU|CH)[ "\n]/)
  })
})

test('a plan that its trader signs is judged when it is sent', async () => {
  const brand = brandFolder('\nregions: {header: x-country, blocked: [US]}\nkeys: none\n')
  const gateway = await startConfigured({ listen: PROXY, ...brand.settings }, { folder: brand.folder })
  try {
    const who = new Trader(gateway, 'harbor')
    await gateway.venue.faucet(who.address, '10000')
    await who.signIn()
    const sign = (order) => signRoute('POST', '/v1/orders/prepare', order)
    const signRoute = async (method, path, body) => {
      const { id, sign } = await who.ok(method, path, body, from('US'))
      return { id, signatures: await Promise.all(sign.map((step) => signTypedData(who.account, step.typedData))) }
    }
    const from = (country) => ({ 'X-Country': country })
    const opening = await sign({ ...buy, marginMode: 'isolated' })
    await signsNothing(gateway, () => who.refused(451, 'region_blocked', 'POST', '/v1/orders/submit', opening, from('US')))
    assert.equal((await who.ok('POST', '/v1/orders/submit', opening, from('CH'))).status, 'filled')
    const submit = async (plan) => who.ok('POST', '/v1/orders/submit', await plan, from('US'))
    const refused = async (plan) => who.refused(451, 'region_blocked', 'POST', '/v1/orders/submit', await plan, from('US'))
    assert.equal((await submit(sign({ ...reduce, size: '0.01' }))).status, 'filled')
    const guarded = await submit(signRoute('PUT', '/v1/positions/BTC/tpsl', { takeProfit: { triggerPrice: '200000' } }))
    const changes = [
      ['PUT', '/v1/positions/BTC/leverage', { leverage: 10 }],
      ['POST', '/v1/positions/BTC/margin', { amount: '10' }],
      ['POST', '/v1/orders', bid],
    ]
    await signsNothing(gateway, async () => {
      for (const [method, path, body] of changes) await refused(signRoute(method, path, body))
    })
    assert.equal((await submit(signRoute('DELETE', `/v1/orders/${guarded.legs[0].id}`))).status, 'cancelled')
    assert.equal((await submit(signRoute('DELETE', '/v1/positions/BTC'))).status, 'filled')
    assert.equal(await who.venuePosition('BTC'), undefined)
    const signHere = async (path, body) => {
      const { id, sign } = await who.ok('POST', path, body, from('CH'))
      return { id, signatures: await Promise.all(sign.map((step) => signTypedData(who.account, step.typedData))) }
    }
    const made = await who.ok('POST', '/v1/orders/submit', await signHere('/v1/sub-accounts', { name: 'hedge' }), from('CH'))
    const move = `/v1/sub-accounts/${made.address}/transfer`
    await signsNothing(gateway, async () => {
      await refused(signHere('/v1/sub-accounts', { name: 'other' }))
      await refused(signRoute('POST', move, { amount: '100', direction: 'deposit' }))
    })
    await who.ok('POST', '/v1/orders/submit', await signHere(move, { amount: '100', direction: 'deposit' }), from('CH'))
    assert.equal((await submit(signRoute('POST', move, { amount: '100', direction: 'withdraw' }))).status, 'done')
  } finally {
    await gateway.stop()
  }
})

test('a country that a stranger names is not believed', async () => {
  const brand = brandFolder()
  const gateway = await startConfigured(
    { listen: PROXY.replace('127.0.0.1', '192.0.2.1'), ...brand.settings }, { folder: brand.folder })
  try {
    const who = new Traveller(gateway, 'harbor')
    await who.signIn()
    await who.refused(451, 'region_blocked', 'POST', '/v1/orders', buy)
  } finally {
    await gateway.stop()
  }
})

describe('an address', () => {
  let gateway
  const brand = brandFolder('\naddresses: {blockedFile: blocked.txt}\n')

  before(async () => {
    gateway = await startConfigured(brand.settings, { folder: brand.folder })
  })
  after(() => gateway?.stop())

  // What stands in the log since.
  async function reload(pattern) {
    const before = gateway.program.stderr.length
    gateway.program.signal('SIGHUP')
    await until(`${pattern} in the log`, () => pattern.test(gateway.program.stderr.slice(before)))
  }

  test('that is blocked while it holds a position closes it, and does not come back', async () => {
    const { who, order, stop } = await holder(gateway)
    appendFileSync(brand.list, `${who.account.address} # by order\n`)
    await reload(/msg="configuration reloaded"/)
    await signsNothing(gateway, async () => {
      for (const [method, path, body] of openings(order)) await who.refused(451, 'address_blocked', method, path, body)
    })
    await leave(who, order, stop)
    const { message } = await who.challenge()
    const signature = await who.account.signMessage({ message })
    await who.refused(451, 'address_blocked', 'POST', '/v1/auth/login', { message, signature })
    assert.ok(await denied(gateway, 'address_blocked') > openings(order).length)
    const other = await new Traveller(gateway, 'harbor').onboard()
    await other.place(buy)
  })

  test('that is none is told with file and line, and the list in force stays', async () => {
    const good = readFileSync(brand.list, 'utf8')
    const line = good.split('\n').length
    writeFileSync(brand.list, `${good}0x123\n`)
    await reload(new RegExp(`configuration not reloaded.*blocked\\.txt:${line}: expected an address`))
    const checked = await run('perpgate', ['--config', gateway.file, '--check'])
    assert.equal(checked.code, 1)
    assert.match(checked.stderr, new RegExp(`harbor/blocked\\.txt:${line}: expected an address`))
    const blocked = privateKeyToAccount(generatePrivateKey())
    writeFileSync(brand.list, `${good}${blocked.address}\n`)
    await reload(/msg="configuration reloaded"/)
  })
})

describe('terms', () => {
  test('that changed are accepted again before anything is opened', async () => {
    const brand = brandFolder('\n')
    const gateway = await startConfigured(brand.settings, { folder: brand.folder })
    try {
      const { who, order, stop } = await holder(gateway)
      const { terms } = await who.ok('GET', '/v1/onboarding')
      assert.deepEqual([terms.version, terms.accepted, terms.required], ['1', '1', true])
      assert.ok(terms.acceptedAt > Date.now() - AGENT_DAYS)
      assert.deepEqual(await who.ok('POST', '/v1/terms', { version: '1' }), { version: '1', acceptedAt: terms.acceptedAt })

      writeFileSync(brand.file, readFileSync(brand.file, 'utf8').replace('version: "1"', 'version: "2"'))
      gateway.program.signal('SIGHUP')
      await until('the new terms', async () => (await who.ok('GET', '/v1/brand')).terms.version === '2')
      const seen = await who.ok('GET', '/v1/onboarding')
      assert.equal(seen.steps.find((s) => s.step === 'terms').status, 'todo')
      assert.deepEqual([seen.terms.version, seen.terms.accepted], ['2', '1'])
      assert.equal(seen.restriction.code, 'forbidden')
      await signsNothing(gateway, async () => {
        for (const [method, path, body] of openings(order)) {
          const found = await who.refused(403, 'forbidden', method, path, body)
          assert.match(found.hint, /POST \/v1\/terms/)
        }
      })
      assert.equal(await denied(gateway, 'terms_not_accepted'), openings(order).length)
      await leave(who, order, stop)

      await who.refused(400, 'invalid_request', 'POST', '/v1/terms', { version: '1' })
      await who.refused(400, 'invalid_request', 'POST', '/v1/terms', {})
      problem(await gateway.call('POST', '/v1/terms', { host: who.host, body: { version: '2' } }), 401, 'unauthorized')
      const accepted = await who.ok('POST', '/v1/terms', { version: '2' })
      assert.equal(accepted.version, '2')
      assert.equal((await who.ok('GET', '/v1/onboarding')).terms.accepted, '2')
      assert.equal((await who.place(buy)).status, 'filled')

      // Signing in accepts what is in force.
      const other = await new Traveller(gateway, 'harbor').onboard()
      assert.equal((await other.ok('GET', '/v1/onboarding')).terms.accepted, '2')
    } finally {
      await gateway.stop()
    }
  })
})
