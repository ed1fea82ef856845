// A brand that keeps no keys: the trader's own key, or an own agent, signs what is shown; the signer is
// known here before anything is sent, and a plan is sent once.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { hashTypedData } from 'viem'
import { REPO, Trader, decimal, signTypedData, signsNothing, startConfigured, temporaryFolder } from './harness.mjs'

let gateway
let who

before(async () => {
  const folder = temporaryFolder()
  const brand = join(folder, 'keyless')
  cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
  const yaml = readFileSync(join(brand, 'brand.yaml'), 'utf8')
  writeFileSync(join(brand, 'brand.yaml'), `${yaml.replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`)
  gateway = await startConfigured({ brands: `[${join(REPO, 'branding/harbor')}, ${brand}]` }, { folder })
  await gateway.price('BTC', '100000')
})
after(() => gateway?.stop())

beforeEach(async () => {
  who = new Trader(gateway, 'keyless')
  await gateway.venue.faucet(who.address, '10000')
  await who.signIn()
})

const bid = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '90000', marginMode: 'isolated', leverage: 5 }
const prepare = (order) => who.ok('POST', '/v1/orders/prepare', order)
const signAll = (key, prepared) => Promise.all(prepared.sign.map((step) => signTypedData(key, step.typedData)))
const submit = (id, signatures) => who.call('POST', '/v1/orders/submit', { id, signatures })
const mine = async () => (await gateway.venue.ledger()).filter((row) => row.account?.toLowerCase() === who.address)

describe('a plan to sign', () => {
  test('is the plan that a preview shows, with what a wallet needs', async () => {
    const shown = await who.preview(bid)
    await signsNothing(gateway, async () => {
      const prepared = await prepare(bid)
      assert.deepEqual(prepared.sign.map((s) => s.step), ['setLeverage', 'order'])
      assert.deepEqual(prepared.risk, shown.risk)
      assert.ok(prepared.expiresAt > Date.now())
      for (const step of prepared.sign) {
        assert.equal(hashTypedData(step.typedData), step.digest)
        assert.deepEqual([step.typedData.domain.name, step.typedData.domain.version, step.typedData.domain.chainId], ['Exchange', '1', 1337])
        assert.equal(step.typedData.primaryType, 'Agent')
        assert.equal(step.expiresAfter, prepared.expiresAt)
      }
      const [, order] = prepared.sign
      assert.equal(order.action.type, 'order')
      assert.match(order.action.orders[0].p, decimal)
      assert.equal(prepared.sign[1].nonce, prepared.sign[0].nonce + 1)
    })
  })

  test("is sent with the trader's own signatures", async () => {
    const prepared = await prepare({ ...bid, clientId: 'mine' })
    const answer = await submit(prepared.id, await signAll(who.account, prepared))
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.status, 'resting')
    assert.equal(answer.json.clientId, 'mine')
    assert.deepEqual(answer.json.plan.map((s) => s.status), ['done', 'done'])
    const rows = await mine()
    assert.deepEqual(rows.map((r) => r.type), ['updateLeverage', 'order'])
    assert.equal(rows[1].signer.toLowerCase(), who.address)
    assert.equal((await who.ok('GET', `/v1/orders/${answer.json.id}`)).status, 'resting')
  })

  test('is sent once', async () => {
    const prepared = await prepare(bid)
    const signatures = await signAll(who.account, prepared)
    const answers = await Promise.all([submit(prepared.id, signatures), submit(prepared.id, signatures)])
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 404])
    await signsNothing(gateway, () => who.refused(404, 'not_found', 'POST', '/v1/orders/submit', { id: prepared.id, signatures }))
  })

  test('sent with a key gets the first answer when it is sent again', async () => {
    const prepared = await prepare(bid)
    const signatures = await signAll(who.account, prepared)
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await who.ok('POST', '/v1/orders/submit', { id: prepared.id, signatures }, key)
    await signsNothing(gateway, async () => {
      const again = await who.call('POST', '/v1/orders/submit', { id: prepared.id, signatures }, key)
      assert.equal(again.status, 200, again.text)
      assert.deepEqual(again.json, first)
      assert.equal(again.headers['idempotent-replayed'], 'true')
      const other = await prepare(bid)
      await who.refused(409, 'idempotency_conflict', 'POST', '/v1/orders/submit', { id: other.id, signatures: await signAll(who.account, other) }, key)
    })
  })

  test('may be signed by an agent of the account', async () => {
    const agent = privateKeyToAccount(generatePrivateKey())
    const prepared = await prepare(bid)
    const signatures = await signAll(agent, prepared)
    await signsNothing(gateway, async () => {
      const found = await who.refused(401, 'signature_mismatch', 'POST', '/v1/orders/submit', { id: prepared.id, signatures })
      assert.match(found.fields[0].message, new RegExp(`${agent.address.toLowerCase()}.*${who.address}`))
    })
    // Approved at the venue itself, it may sign the very plan.
    await approveAgent(agent.address)
    assert.equal((await submit(prepared.id, signatures)).status, 200)
    assert.equal((await mine()).at(-1).signer.toLowerCase(), agent.address.toLowerCase())
  })

  test('signed by a stranger, by two keys, or for another plan goes nowhere', async () => {
    const stranger = privateKeyToAccount(generatePrivateKey())
    const prepared = await prepare(bid)
    const other = await prepare(bid)
    const own = await signAll(who.account, prepared)
    const strange = await signAll(stranger, prepared)
    await signsNothing(gateway, async () => {
      for (const signatures of [strange, [own[0], strange[1]], await signAll(who.account, other)])
        await who.refused(401, 'signature_mismatch', 'POST', '/v1/orders/submit', { id: prepared.id, signatures })
      for (const signatures of [[], [own[0]], [...own, own[0]], 'x', [1, 2], ['0x', '0x']])
        await who.refused(400, 'invalid_request', 'POST', '/v1/orders/submit', { id: prepared.id, signatures })
      await who.refused(404, 'not_found', 'POST', '/v1/orders/submit', { id: `0x${'1'.repeat(32)}`, signatures: own })
      const thief = new Trader(gateway, 'keyless')
      await gateway.venue.faucet(thief.address, '100')
      await thief.signIn()
      await thief.refused(404, 'not_found', 'POST', '/v1/orders/submit', { id: prepared.id, signatures: own })
    })
    assert.equal((await submit(prepared.id, own)).status, 200, 'what was refused does not spoil it')
  })

  test('is bounded in number for each account', async () => {
    const plans = []
    for (let i = 0; i < 17; i++) plans.push(await prepare(bid))
    // The newest took the place of the oldest: what nobody signed keeps nobody from closing.
    for (const [i, status] of [[0, 404], [1, 200], [16, 200]])
      assert.equal((await submit(plans[i].id, await signAll(who.account, plans[i]))).status, status, `plan ${i}`)
  })
})

describe('the brand', () => {
  test('makes no agent and signs nothing', async () => {
    await who.refused(403, 'forbidden', 'POST', '/v1/agent', {})
    await signsNothing(gateway, () => who.ok('POST', '/v1/orders', bid))
    const { steps } = await who.ok('GET', '/v1/onboarding')
    assert.equal(steps.find((s) => s.step === 'agent').status, 'done')
    await who.refused(422, 'invalid_tick', 'POST', '/v1/orders/prepare', { ...bid, price: '90000.55' })
  })

  test('another keeps keys, and prepares what it is asked to', async () => {
    const there = await new Trader(gateway, 'harbor').onboard('1000')
    const prepared = await there.ok('POST', '/v1/orders/prepare', bid)
    const signatures = await signAll(there.account, prepared)
    assert.equal((await there.ok('POST', '/v1/orders/submit', { id: prepared.id, signatures })).status, 'resting')
  })
})

async function approveAgent(address) {
  const nonce = Date.now()
  const message = { hyperliquidChain: gateway.network ?? 'Mainnet', agentAddress: address.toLowerCase(), agentName: 'own', nonce }
  const info = await gateway.call('GET', '/v1/brand', { host: who.host })
  message.hyperliquidChain = info.json.network
  const types = { 'HyperliquidTransaction:ApproveAgent': [['hyperliquidChain', 'string'], ['agentAddress', 'address'], ['agentName', 'string'], ['nonce', 'uint64']].map(([name, type]) => ({ name, type })) }
  const domain = { name: 'HyperliquidSignTransaction', version: '1', chainId: 1, verifyingContract: `0x${'0'.repeat(40)}` }
  const signature = await who.account.signTypedData({ domain, types, primaryType: 'HyperliquidTransaction:ApproveAgent', message: { ...message, nonce: BigInt(nonce) } })
  const action = { type: 'approveAgent', signatureChainId: '0x1', ...message }
  const sig = { r: signature.slice(0, 66), s: `0x${signature.slice(66, 130)}`, v: parseInt(signature.slice(130), 16) }
  const answer = await gateway.venue.control('POST', '/exchange', { action, nonce, signature: sig })
  assert.equal(answer.status, 'ok', JSON.stringify(answer))
}
