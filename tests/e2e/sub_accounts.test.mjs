// Sub-accounts: made and funded by the wallet's agent, traded for by a header, and nobody else's.
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey } from 'viem/accounts'
import { REPO, Trader, problem, signTypedData, signsNothing, startConfigured, temporaryFolder, until } from './harness.mjs'

let gateway
let who
const folder = temporaryFolder()
const settings = { venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}' }

before(async () => {
  const keyless = join(folder, 'keyless')
  cpSync(join(REPO, 'branding/harbor'), keyless, { recursive: true })
  const yaml = readFileSync(join(keyless, 'brand.yaml'), 'utf8')
  writeFileSync(join(keyless, 'brand.yaml'), `${yaml.replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`)
  gateway = await startConfigured({ ...settings, brands: `[${join(REPO, 'branding/meridian')}, ${keyless}]` }, { folder })
  await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  who = await new Trader(gateway, 'meridian').onboard('10000')
})

// The same trader, acting for a sub-account.
class Sub extends Trader {
  constructor(master, address) {
    super(master.gateway, 'meridian')
    Object.assign(this, { master, address, host: master.host, token: master.token })
  }

  call(method, path, body, headers = {}) {
    return super.call(method, path, body, { 'X-Sub-Account': this.address, ...headers })
  }
}

const create = (trader, name, headers) => trader.ok('POST', '/v1/sub-accounts', { name }, headers)
const move = (trader, address, amount, direction, headers) =>
  trader.ok('POST', `/v1/sub-accounts/${address}/transfer`, { amount, direction }, headers)
const list = async (trader) => (await trader.ok('GET', '/v1/sub-accounts')).data

async function makeSub(trader = who, name = 'hedge', amount = '4000') {
  const { address } = await create(trader, name)
  await move(trader, address, amount, 'deposit')
  return new Sub(trader, address)
}

const rows = async (address) => (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === address)
const open = (user) => gateway.venue.info({ type: 'frontendOpenOrders', user })
const stranger = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const bid = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 2 }

describe('a sub-account', () => {
  test('is made, listed and funded; the agent signs for the wallet', async () => {
    assert.deepEqual(await list(who), [])
    const { address, name } = await create(who, 'hedge')
    assert.equal(name, 'hedge')
    const moved = await move(who, address, '1500.25', 'deposit')
    assert.deepEqual(moved, { subAccount: address, amount: '1500.25', direction: 'deposit', status: 'done' })
    await move(who, address, '500', 'withdraw')
    assert.deepEqual(await list(who), [{ address, name: 'hedge', equity: '1000.25', withdrawable: '1000.25' }])
    const types = (await rows(who.address)).map((r) => [r.type, r.signer?.toLowerCase()])
    assert.deepEqual(types.slice(-3), ['createSubAccount', 'subAccountTransfer', 'subAccountTransfer'].map((t) => [t, who.agent.toLowerCase()]))
    const account = await new Sub(who, address).ok('GET', '/v1/account')
    assert.deepEqual([account.address, account.master, account.equity], [address, who.address, '1000.25'])
    const own = await who.ok('GET', '/v1/account')
    assert.deepEqual([own.address, own.master, own.equity], [who.address, undefined, '8999.75'])
  })

  test('trades with its own margin: preview, position and venue agree to the last digit', async () => {
    const sub = await makeSub()
    await sub.ok('PUT', '/v1/positions/BTC/leverage', { marginMode: 'isolated', leverage: 7 })
    const order = { symbol: 'BTC', side: 'buy', type: 'market', margin: '1000', marginMode: 'isolated', leverage: 7 }
    const preview = await sub.preview(order)
    const placed = await sub.place(order)
    assert.equal(placed.status, 'filled')
    assert.match(placed.plan.find((s) => s.action === 'order').builder, /^0x/, "the master's approval of the fee counts")
    const [position, venue] = [await sub.position('BTC'), await sub.venuePosition('BTC')]
    assert.equal(position.liquidationPrice, venue.liquidationPx)
    assert.equal(preview.risk.liquidationPrice, venue.liquidationPx)
    assert.equal(position.leverage, 7)
    const more = await sub.ok('POST', '/v1/positions/BTC/margin', { amount: '100' })
    assert.equal(more.position.liquidationPrice, (await sub.venuePosition('BTC')).liquidationPx)
    for (const row of (await rows(sub.address))) assert.equal(row.signer.toLowerCase(), who.agent.toLowerCase())
    assert.equal(await who.venuePosition('BTC'), undefined, 'the wallet holds nothing')
    assert.deepEqual((await who.ok('GET', '/v1/positions')).data, [])
  })

  test('is protected, changed, cancelled and closed', async () => {
    const sub = await makeSub()
    await sub.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
    const set = await sub.ok('PUT', '/v1/positions/BTC/tpsl', { takeProfit: { triggerPrice: '110000' }, stopLoss: { triggerPrice: '95000' } })
    assert.deepEqual(set.legs.map((l) => l.status), ['triggerPending', 'triggerPending'])
    assert.equal((await open(sub.address)).length, 2)
    const placed = await sub.place({ ...bid, leverage: 10 })
    const changed = await sub.ok('PATCH', `/v1/orders/${placed.id}`, { price: '50001' })
    assert.equal(changed.replaced.status, 'cancelled')
    assert.equal((await sub.ok('GET', `/v1/orders/${changed.id}`)).price, '50001')
    await sub.ok('DELETE', `/v1/orders/${changed.id}`)
    const closed = await sub.ok('DELETE', '/v1/positions/BTC')
    assert.equal(closed.status, 'filled')
    assert.equal(await sub.venuePosition('BTC'), undefined)
    assert.deepEqual(await open(who.address), [])
    assert.deepEqual(await rows(who.address).then((r) => r.filter((x) => x.type === 'order')), [])
  })

  test('has orders in batches, and cancels them all', async () => {
    const sub = await makeSub()
    const mine = await who.place({ ...bid, price: '40000' })
    const batch = await sub.ok('POST', '/v1/orders/batch', { orders: [bid, { ...bid, price: '50001' }, { ...bid, symbol: 'ETH', size: '0.01', price: '3000' }] })
    assert.deepEqual(batch.results.map((r) => r.status), ['resting', 'resting', 'resting'])
    assert.equal((await open(sub.address)).length, 3)
    const [filled] = (await sub.ok('POST', '/v1/orders/batch', { orders: [{ symbol: 'ETH', side: 'buy', type: 'market', margin: '200', leverage: 5 }] })).results
    assert.deepEqual([filled.status, filled.plan.at(-1).action, filled.plan.at(-1).status], ['filled', 'adjustMargin', 'done'])
    assert.equal((await sub.position('ETH')).liquidationPrice, (await sub.venuePosition('ETH')).liquidationPx)
    assert.equal((await sub.ok('DELETE', '/v1/orders')).results.length, 3)
    assert.equal((await who.ok('GET', `/v1/orders/${mine.id}`)).status, 'resting')
  })

  test('has a past of its own', async () => {
    const sub = await makeSub()
    await sub.place({ symbol: 'ETH', side: 'buy', type: 'market', size: '0.05', leverage: 3 })
    const fills = (await sub.ok('GET', '/v1/fills')).data
    assert.deepEqual(fills.map((f) => f.symbol), ['ETH'])
    assert.deepEqual((await who.ok('GET', '/v1/fills')).data, [])
    const [row] = (await sub.ok('GET', '/v1/ledger')).data
    assert.equal(row.type, 'subAccountTransfer')
    assert.equal(Number(row.amount), 4000)
    assert.equal((await sub.ok('GET', '/v1/orders?status=filled')).data.length, 1)
    assert.equal((await sub.ok('GET', '/v1/limits')).venueAddress.used > 0, true)
  })
})

describe('what is done once is done once', () => {
  test('keys, ids and client ids are per account', async () => {
    const sub = await makeSub()
    const headers = { 'Idempotency-Key': randomUUID() }
    const order = { ...bid, clientId: 'one' }
    const [first, mine] = [await sub.place(order, headers), await who.place(order, headers)]
    assert.notEqual(first.id, mine.id)
    assert.deepEqual(await sub.place(order, headers), first)
    assert.deepEqual(await who.place(order, headers), mine)
    await sub.refused(404, 'not_found', 'GET', `/v1/orders/${mine.id}`)
    await sub.refused(404, 'not_found', 'DELETE', `/v1/orders/${mine.id}`)
    await sub.refused(404, 'not_found', 'PATCH', `/v1/orders/${mine.id}`, { price: '50001' })
    await who.refused(404, 'not_found', 'GET', `/v1/orders/${first.id}`)
    await who.refused(404, 'not_found', 'DELETE', `/v1/orders/${first.id}`)
    const other = await makeSub(who, 'other')
    await other.refused(404, 'not_found', 'DELETE', `/v1/orders/${first.id}`)
    assert.equal((await open(sub.address)).length, 1)
  })

  test('the same key makes and funds one', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const made = await create(who, 'once', headers)
    assert.deepEqual(await create(who, 'once', headers), made)
    await who.refused(409, 'idempotency_conflict', 'POST', '/v1/sub-accounts', { name: 'twice' }, headers)
    const key = { 'Idempotency-Key': randomUUID() }
    const sent = await Promise.all([1, 2].map(() => who.call('POST', `/v1/sub-accounts/${made.address}/transfer`, { amount: '10', direction: 'deposit' }, key)))
    assert.ok(sent.some((a) => a.status === 200))
    assert.ok(sent.every((a) => a.status === 200 || a.json.code === 'in_progress'))
    const second = await create(who, 'second')
    await who.refused(409, 'idempotency_conflict', 'POST', `/v1/sub-accounts/${second.address}/transfer`, { amount: '10', direction: 'deposit' }, key)
    assert.deepEqual((await list(who)).map((s) => s.equity), ['10', '0'])
  })

  test('a lost answer is found out', async () => {
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    const made = await create(who, 'lost')
    assert.deepEqual((await list(who)).map((s) => s.address), [made.address])
    await move(who, made.address, '25', 'deposit') // one just like it, before
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    assert.equal((await move(who, made.address, '25', 'deposit')).status, 'done')
    assert.equal((await list(who))[0].equity, '50')
    const sub = new Sub(who, made.address)
    await gateway.venue.fault('lostAnswer', 2, { path: 'exchange' })
    const placed = await sub.place({ ...bid, symbol: 'ETH', size: '0.01', price: '3000' })
    assert.equal(placed.status, 'resting')
    assert.equal((await open(sub.address)).length, 1)
  })

  test('what never arrived is unknown first, then sent again as it was, and done once', async () => {
    const { address } = await create(who, 'known')
    await move(who, address, '25', 'deposit')
    const headers = { 'Idempotency-Key': randomUUID() }
    const path = `/v1/sub-accounts/${address}/transfer`
    const body = { amount: '25', direction: 'deposit' }
    await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
    const told = await who.refused(504, 'outcome_unknown', 'POST', path, body, headers)
    assert.match(told.hint, /sub-accounts/)
    await until('it was found out', async () => (await who.call('POST', path, body, headers)).status === 200, 30000)
    await gateway.venue.fault('closeSocket', 1, { path: 'exchange' })
    await who.refused(504, 'outcome_unknown', 'POST', '/v1/sub-accounts', { name: 'unknown' })
    await until('it is there', async () => (await list(who)).length === 2, 30000)
    assert.deepEqual((await list(who)).map((s) => s.equity).sort(), ['0', '50'])
  })
})

describe('refused before anything is sent', () => {
  test('amounts, names and addresses that are none', async () => {
    const { address } = await create(who, 'plain')
    const path = `/v1/sub-accounts/${address}/transfer`
    await signsNothing(gateway, async () => {
      const told = await who.refused(422, 'insufficient_margin', 'POST', path, { amount: '10000.01', direction: 'deposit' })
      assert.match(told.fields[0].message, /10000\.01 is more than the 10000 /)
      await who.refused(422, 'insufficient_margin', 'POST', path, { amount: '0.01', direction: 'withdraw' })
      for (const body of [
        { amount: '0.0000001', direction: 'deposit' }, { amount: '-1', direction: 'deposit' }, { amount: '0', direction: 'deposit' },
        { amount: 5, direction: 'deposit' }, { amount: '5', direction: 'in' }, { amount: '5' }, { direction: 'deposit' }, { amount: '5', direction: 'deposit', to: 'me' },
      ])
        await who.refused(400, 'invalid_request', 'POST', path, body)
      for (const name of ['', 'seventeen letters', 5, 'a\u0000b'])
        await who.refused(400, 'invalid_request', 'POST', '/v1/sub-accounts', { name })
      for (const other of [stranger, who.address, '0x12', 'mine', `${address}00`])
        await who.refused(404, 'not_found', 'POST', `/v1/sub-accounts/${other}/transfer`, { amount: '5', direction: 'deposit' })
      await who.refused(400, 'invalid_request', 'GET', '/v1/sub-accounts?user=me')
    })
  })

  test('an agent is asked for first', async () => {
    const bare = new Trader(gateway, 'meridian')
    await gateway.venue.faucet(bare.address, '100')
    await bare.signIn()
    await signsNothing(gateway, () => bare.refused(403, 'agent_not_approved', 'POST', '/v1/sub-accounts', { name: 'one' }))
  })

  test("the venue's own refusals are told", async () => {
    await create(who, 'same')
    const told = await who.refused(400, 'invalid_request', 'POST', '/v1/sub-accounts', { name: 'same' })
    assert.match(told.venueMessage, /already in use/)
  })

  test('the header where it means nothing, or no address', async () => {
    const sub = await makeSub()
    await signsNothing(gateway, async () => {
      for (const value of ['hedge', '0x12', `${sub.address}0`, `${sub.address}, ${sub.address}`])
        await who.refused(400, 'invalid_request', 'GET', '/v1/account', undefined, { 'X-Sub-Account': value })
      for (const [method, path, body] of [
        ['GET', '/v1/sub-accounts'], ['POST', '/v1/sub-accounts', { name: 'nested' }], ['POST', `/v1/sub-accounts/${sub.address}/transfer`, { amount: '5', direction: 'withdraw' }],
        ['GET', '/v1/onboarding'], ['GET', '/v1/agent'], ['POST', '/v1/agent', {}], ['DELETE', '/v1/agent'], ['POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] }],
        ['POST', '/v1/withdraw', { amount: '5', destination: who.address }], ['POST', '/v1/transfer', { amount: '5', to: 'spot' }], ['GET', '/v1/deposit'],
      ]) {
        const told = await sub.refused(400, 'invalid_request', method, path, body)
        assert.equal(told.fields[0].field, 'X-Sub-Account')
      }
    })
  })
})

describe("somebody else's", () => {
  test('is refused like one that does not exist', async () => {
    const sub = await makeSub()
    await sub.place(bid)
    const thief = await new Trader(gateway, 'meridian').onboard('1000')
    const told = []
    await signsNothing(gateway, async () => {
      for (const address of [sub.address, sub.address.toUpperCase().replace('0X', '0x'), stranger, who.address, thief.address]) {
        const as = new Sub(thief, address)
        for (const [method, path, body] of [
          ['GET', '/v1/account'], ['GET', '/v1/positions'], ['GET', '/v1/orders'], ['GET', '/v1/fills'], ['GET', '/v1/limits'], ['POST', '/v1/orders', bid],
          ['POST', '/v1/orders/preview', bid], ['POST', '/v1/orders/batch', { orders: [bid] }], ['DELETE', '/v1/orders'], ['DELETE', '/v1/positions/BTC'],
          ['PUT', '/v1/positions/BTC/leverage', { leverage: 3 }], ['POST', '/v1/positions/BTC/margin', { amount: '5' }], ['PUT', '/v1/positions/BTC/tpsl', { takeProfit: null }],
        ]) {
          const { detail, hint, fields } = await as.refused(404, 'not_found', method, path, body)
          told.push(JSON.stringify({ detail, hint, fields }))
        }
      }
      await thief.refused(404, 'not_found', 'POST', `/v1/sub-accounts/${sub.address}/transfer`, { amount: '5', direction: 'withdraw' })
      await thief.refused(400, 'invalid_request', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'], subAccount: sub.address })
    })
    assert.equal(new Set(told).size, 1, 'nothing tells them apart')
    assert.equal((await open(sub.address)).length, 1)
  })

  test('one made elsewhere is found once the venue lists it', async () => {
    const sub = await makeSub()
    // The list that was read in between is believed at once.
    await who.refused(404, 'not_found', 'GET', '/v1/account', undefined, { 'X-Sub-Account': stranger })
    assert.deepEqual((await list(who)).map((s) => s.address), [sub.address])
    await sub.ok('GET', '/v1/account')
  })
})

describe('a key', () => {
  const keyFor = async (body = {}) => {
    const key = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read', 'trade'], ...body })
    let last = 0
    key.call = (method, path, body, { signed, sent = signed } = {}) => {
      const text = body === undefined ? '' : JSON.stringify(body)
      last = Math.max(Date.now(), last + 1)
      const mac = createHmac('sha256', key.secret).update(`${last}${method}${path}${text}${signed ? `\n${signed}` : ''}`).digest('hex')
      const headers = { 'X-Api-Key': key.id, 'X-Api-Timestamp': String(last), 'X-Api-Signature': mac }
      if (sent) headers['X-Sub-Account'] = sent
      return gateway.call(method, path, { host: who.host, body: text || undefined, headers })
    }
    return key
  }

  test('acts for a sub-account that the request names, signed', async () => {
    const [sub, other, key] = [await makeSub(), await makeSub(who, 'other', '100'), await keyFor()]
    assert.equal((await key.call('GET', '/v1/account')).json.address, who.address)
    assert.equal((await key.call('GET', '/v1/account', undefined, { signed: sub.address })).json.address, sub.address)
    assert.equal((await key.call('POST', '/v1/orders', bid, { signed: sub.address })).json.status, 'resting')
    assert.equal((await open(sub.address)).length, 1)
    problem(await key.call('GET', '/v1/account', undefined, { sent: sub.address }), 401, 'unauthorized')
    problem(await key.call('GET', '/v1/account', undefined, { signed: sub.address, sent: other.address }), 401, 'unauthorized')
    problem(await key.call('GET', '/v1/account', undefined, { signed: stranger }), 404, 'not_found')
    problem(await key.call('POST', '/v1/sub-accounts', { name: 'bot' }), 403, 'forbidden')
    problem(await key.call('POST', `/v1/sub-accounts/${sub.address}/transfer`, { amount: '5', direction: 'withdraw' }), 403, 'forbidden')
    assert.equal((await key.call('GET', '/v1/sub-accounts')).json.data.length, 2)
  })

  test('that is bound to one acts for no other account', async () => {
    const [sub, other] = [await makeSub(), await makeSub(who, 'other', '100')]
    const key = await keyFor({ subAccount: sub.address })
    assert.equal(key.subAccount, sub.address)
    assert.equal((await who.ok('GET', '/v1/api-keys')).data.find((k) => k.id === key.id).subAccount, sub.address)
    assert.equal((await key.call('GET', '/v1/account')).json.address, sub.address)
    assert.equal((await key.call('GET', '/v1/account', undefined, { signed: sub.address })).json.address, sub.address)
    assert.equal((await key.call('POST', '/v1/orders', bid)).json.status, 'resting')
    assert.equal((await open(sub.address)).length, 1)
    problem(await key.call('GET', '/v1/account', undefined, { signed: other.address }), 403, 'forbidden')
    problem(await key.call('GET', '/v1/account', undefined, { signed: who.address }), 403, 'forbidden')
    for (const path of ['/v1/sub-accounts', '/v1/onboarding', '/v1/agent', '/v1/deposit'])
      problem(await key.call('GET', path), 403, 'forbidden')
    await who.refused(400, 'invalid_request', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'], subAccount: stranger })
    await who.refused(400, 'invalid_request', 'POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'], subAccount: 'hedge' })
  })
})

describe('a brand that keeps no keys', () => {
  let trader
  beforeEach(async () => {
    trader = new Trader(gateway, 'keyless')
    await gateway.venue.faucet(trader.address, '10000')
    await trader.signIn()
  })
  const signed = async (prepared, as = trader) => {
    const signatures = await Promise.all(prepared.sign.map((step) => signTypedData(trader.account, step.typedData)))
    return as.ok('POST', '/v1/orders/submit', { id: prepared.id, signatures })
  }

  test('asks the wallet to make and fund one, and to trade for it', async () => {
    const asked = await create(trader, 'signed')
    assert.deepEqual(asked.sign.map((s) => [s.step, s.action]), [['subAccount', { type: 'createSubAccount', name: 'signed' }]])
    assert.equal(asked.risk, null)
    const { address } = await signed(asked)
    const move1 = await move(trader, address, '4000', 'deposit')
    assert.deepEqual(move1.sign.map((s) => s.action), [{ type: 'subAccountTransfer', subAccountUser: address, isDeposit: true, usd: 4000000000 }])
    assert.equal((await signed(move1)).status, 'done')
    const sub = new Sub(trader, address)
    const order = await sub.ok('POST', '/v1/orders', { symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
    await sub.refused(401, 'signature_mismatch', 'POST', '/v1/orders/submit', { id: order.id, signatures: order.sign.map(() => `0x${'11'.repeat(64)}1b`) })
    await trader.refused(404, 'not_found', 'POST', '/v1/orders/submit', { id: order.id, signatures: order.sign.map(() => `0x${'11'.repeat(64)}1b`) })
    assert.equal((await signed(order, sub)).status, 'filled')
    const [position, venue] = [await sub.position('BTC'), await sub.venuePosition('BTC')]
    assert.equal(position.liquidationPrice, venue.liquidationPx)
    assert.equal(await trader.venuePosition('BTC'), undefined)
    for (const row of await rows(address)) assert.equal(row.signer.toLowerCase(), trader.address)
    await signed(await sub.ok('DELETE', '/v1/positions/BTC'), sub)
    assert.equal(await sub.venuePosition('BTC'), undefined)
  })

  test('has the wallet sign for its sub-account', async () => {
    const key = generatePrivateKey()
    const { address } = await makeSub(await new Trader(gateway, 'meridian', key).onboard('5000'))
    const trader = new Trader(gateway, 'keyless', key)
    await trader.signIn()
    const sub = new Sub(trader, address)
    const prepared = await sub.ok('POST', '/v1/orders/prepare', { symbol: 'BTC', side: 'buy', type: 'market', size: '0.02', leverage: 10 })
    const signatures = await Promise.all(prepared.sign.map((step) => signTypedData(trader.account, step.typedData)))
    const plan = { id: prepared.id, signatures }
    await trader.refused(404, 'not_found', 'POST', '/v1/orders/submit', plan) // prepared for another account
    assert.equal((await sub.ok('POST', '/v1/orders/submit', plan)).status, 'filled')
    const [position, venue] = [await sub.position('BTC'), await sub.venuePosition('BTC')]
    assert.equal(position.liquidationPrice, venue.liquidationPx)
    assert.equal(prepared.risk.liquidationPrice, venue.liquidationPx)
    assert.equal(await trader.venuePosition('BTC'), undefined)
    assert.equal((await rows(address)).at(-1).signer.toLowerCase(), trader.address)
  })
})
