// An agent's life: it is warned of its end, its successor is approved beside it, and nobody's agent is
// evicted unasked.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Trader, signTypedData, startDemo } from './harness.mjs'

const DAY = 86400000
let gateway

before(async () => {
  gateway = await startDemo()
})
after(() => gateway?.stop())

const agents = (trader) => gateway.venue.info({ type: 'extraAgents', user: trader.address })
const buy = { symbol: 'BTC', side: 'buy', type: 'market', notional: '100', leverage: 2 }

// Who signed the latest order of the trader's, as the venue saw it.
async function latestSigner(trader) {
  const rows = await gateway.venue.ledger()
  const mine = rows.filter((row) => JSON.stringify(row).toLowerCase().includes(trader.address) && JSON.stringify(row).includes('"order"'))
  return JSON.stringify(mine.at(-1)).toLowerCase()
}

async function sign(trader, { typedData }) {
  return trader.ok('POST', '/v1/agent/approve', { signature: await signTypedData(trader.account, typedData) })
}

// The wallet approves another agent under the same name at the venue itself.
async function evict(trader, agentName) {
  const nonce = Date.now()
  const brand = await gateway.call('GET', '/v1/brand', { host: trader.host })
  const agentAddress = privateKeyToAccount(generatePrivateKey()).address.toLowerCase()
  const message = { hyperliquidChain: brand.json.network, agentAddress, agentName, nonce }
  const types = { 'HyperliquidTransaction:ApproveAgent': [['hyperliquidChain', 'string'], ['agentAddress', 'address'], ['agentName', 'string'], ['nonce', 'uint64']].map(([name, type]) => ({ name, type })) }
  const domain = { name: 'HyperliquidSignTransaction', version: '1', chainId: 1, verifyingContract: `0x${'0'.repeat(40)}` }
  const signature = await trader.account.signTypedData({ domain, types, primaryType: 'HyperliquidTransaction:ApproveAgent', message: { ...message, nonce: BigInt(nonce) } })
  const sig = { r: signature.slice(0, 66), s: `0x${signature.slice(66, 130)}`, v: parseInt(signature.slice(130), 16) }
  const answer = await gateway.venue.control('POST', '/exchange', { action: { type: 'approveAgent', signatureChainId: '0x1', ...message }, nonce, signature: sig })
  assert.equal(answer.status, 'ok', JSON.stringify(answer))
}

describe('a successor', () => {
  test('is made beside the agent in use, which works until the change', async () => {
    const trader = await new Trader(gateway, 'meridian').onboard()
    const first = await trader.ok('GET', '/v1/agent')
    assert.equal(first.agent.status, 'approved')
    assert.equal(first.agent.name, 'meridian')
    assert.equal(first.successor, null)
    assert.deepEqual(first.warnings, [])
    assert.equal(first.slots.limit, 3)
    assert.equal(first.slots.used, 1)

    const made = await trader.ok('POST', '/v1/agent', {})
    assert.notEqual(made.agentAddress, first.agent.address)
    const both = await trader.ok('GET', '/v1/agent')
    assert.equal(both.agent.address, first.agent.address)
    assert.equal(both.successor.address, made.agentAddress)
    assert.equal(both.successor.name, 'meridian-2')
    assert.equal(both.successor.status, 'pending')
    await trader.place(buy)
    assert.ok((await latestSigner(trader)).includes(first.agent.address))

    const approved = await sign(trader, made)
    assert.equal(approved.agentAddress, made.agentAddress)
    const after = await trader.ok('GET', '/v1/agent')
    assert.equal(after.agent.address, made.agentAddress)
    assert.equal(after.agent.status, 'approved')
    assert.equal(after.successor, null)
    assert.equal(after.slots.used, 2, 'the first is still listed; its key is gone')
    assert.equal((await agents(trader)).length, 2)
    await trader.place(buy)
    assert.ok((await latestSigner(trader)).includes(made.agentAddress))
    assert.equal((await trader.ok('GET', '/v1/onboarding')).ready, true)
  })

  test('that nobody approves is replaced by the next one, and the agent stays', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const one = await trader.ok('POST', '/v1/agent', {})
    const two = await trader.ok('POST', '/v1/agent', {})
    assert.notEqual(one.agentAddress, two.agentAddress)
    await trader.refused(401, 'signature_mismatch', 'POST', '/v1/agent/approve', {
      signature: await signTypedData(trader.account, one.typedData),
    })
    await trader.place(buy)
    await sign(trader, two)
    await trader.place(buy)
    const seen = new Set([trader.agent, one.agentAddress, two.agentAddress])
    assert.equal(seen.size, 3, 'no address twice')
  })

  test('whose approval the venue does not answer is found out', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const made = await trader.ok('POST', '/v1/agent', {})
    const signature = await signTypedData(trader.account, made.typedData)
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    await trader.refused(504, 'outcome_unknown', 'POST', '/v1/agent/approve', { signature })
    await trader.place(buy)
    assert.equal((await trader.ok('GET', '/v1/agent')).agent.address, made.agentAddress)
    await trader.place(buy)
    assert.ok((await latestSigner(trader)).includes(made.agentAddress))
  })

  test('refused by the venue leaves the agent at work', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const made = await trader.ok('POST', '/v1/agent', {})
    const other = new Trader(gateway, 'harbor')
    await trader.refused(401, 'signature_mismatch', 'POST', '/v1/agent/approve', {
      signature: await signTypedData(other.account, made.typedData),
    })
    await trader.place(buy)
    assert.equal((await trader.ok('GET', '/v1/agent')).agent.address, trader.agent)
  })

  test('is made too where the venue no longer lists the agent, which keeps its place until the change', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    await evict(trader, 'harbor')
    const gone = await trader.ok('GET', '/v1/agent')
    assert.deepEqual([gone.agent.address, gone.agent.status], [trader.agent, 'notListed'])
    const made = await trader.ok('POST', '/v1/agent', { name: 'harbor-2' })
    const both = await trader.ok('GET', '/v1/agent')
    assert.deepEqual([both.agent.address, both.successor.address], [trader.agent, made.agentAddress])
    await sign(trader, made)
    await trader.place(buy)
    assert.ok((await latestSigner(trader)).includes(made.agentAddress))
  })

  test('ends with its agent when both are retired', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const made = await trader.ok('POST', '/v1/agent', {})
    await trader.ok('DELETE', '/v1/agent')
    const { agent, successor } = await trader.ok('GET', '/v1/agent')
    assert.deepEqual([agent, successor], [null, null])
    await trader.refused(404, 'not_found', 'POST', '/v1/agent/approve', {
      signature: await signTypedData(trader.account, made.typedData),
    })
    await trader.refused(403, 'agent_not_approved', 'POST', '/v1/orders', buy)
  })
})

describe('slots', () => {
  test('are counted before one is taken, and taken over only when asked', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    for (const name of ['two', 'three']) await sign(trader, await trader.ok('POST', '/v1/agent', { name }))
    assert.equal((await agents(trader)).length, 3)
    const full = await trader.refused(403, 'forbidden', 'POST', '/v1/agent', {})
    assert.match(full.detail, /harbor, two, three/)
    assert.match(full.hint, /replace/)
    await trader.refused(403, 'forbidden', 'POST', '/v1/agent', { name: 'two' })
    await trader.refused(400, 'invalid_request', 'POST', '/v1/agent', { name: 'three', replace: true })
    await trader.refused(400, 'invalid_request', 'POST', '/v1/agent', { replace: true })
    const before = (await agents(trader)).find((a) => a.name === 'two').address
    const made = await trader.ok('POST', '/v1/agent', { name: 'two', replace: true })
    await sign(trader, made)
    const list = await agents(trader)
    assert.equal(list.length, 3)
    assert.equal(list.find((a) => a.name === 'two').address, made.agentAddress)
    assert.notEqual(before, made.agentAddress)
    await trader.place(buy)
  })
})

describe('the end of an agent', () => {
  test('is what the venue says, and is warned of at thirty, seven and one days', async () => {
    for (const [days, threshold] of [[31], [30, 30], [8, 30], [7, 7], [2, 7], [1, 1]]) {
      const trader = new Trader(gateway, 'harbor')
      await gateway.venue.faucet(trader.address, '1000')
      await trader.signIn()
      await sign(trader, await trader.ok('POST', '/v1/agent', { days }))
      const listed = (await agents(trader))[0].validUntil
      assert.ok(Math.abs(listed - Date.now() - days * DAY) < 60000)
      for (const path of ['/v1/agent', '/v1/onboarding']) {
        const { agent, warnings } = await trader.ok('GET', path)
        assert.equal(agent.validUntil, listed)
        assert.equal(warnings[0]?.thresholdDays, threshold, `${days} days`)
        if (threshold) assert.equal(warnings[0].code, 'agent_expires')
      }
    }
    const trader = new Trader(gateway, 'harbor')
    await trader.signIn()
    await trader.refused(400, 'invalid_request', 'POST', '/v1/agent', { days: 181 })
    await trader.refused(400, 'invalid_request', 'POST', '/v1/agent', { name: 'a b' })
  })
})
