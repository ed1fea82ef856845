// Bodies as the Python SDK writes them, which is not installed here: spaces after colons and commas, nulls where
// nothing is meant, r and s without leading zeros. And what ccxt does besides: vaultAddress without 0x.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { signL1Action, signUserSignedAction } from '@nktkas/hyperliquid/signing'
import { ApproveAgentTypes, ApproveBuilderFeeTypes, UsdClassTransferTypes, UsdSendTypes, Withdraw3Types } from '@nktkas/hyperliquid/api/exchange'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { request, startPaper } from './harness.mjs'

let paper
let wallet
let user
let last = 0

before(async () => {
  paper = await startPaper(['--ungated'])
  await paper.price('BTC', '100000')
})
after(() => paper?.stop())
beforeEach(async () => {
  wallet = privateKeyToAccount(generatePrivateKey())
  user = wallet.address.toLowerCase()
  await paper.faucet(user, '10000')
})

// json.dumps
function dumps(value) {
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`
  if (value && typeof value === 'object') return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${dumps(v)}`).join(', ')}}`
  return JSON.stringify(value)
}

const nonce = () => (last = Math.max(Date.now(), last + 1))
const short = (hex) => `0x${BigInt(hex).toString(16)}`
const post = (path, body, type = 'application/json') => request(paper.base, 'POST', path, { body: dumps(body), headers: type ? { 'Content-Type': type } : {} })
const envelope = (action, at, { r, s, v }, more = {}) => ({ action, nonce: at, signature: { r: short(r), s: short(s), v }, vaultAddress: null, expiresAfter: null, ...more })

async function done(answer) {
  const { status, json, text } = await answer
  assert.equal(status, 200, text)
  assert.equal(json.status, 'ok', text)
  const statuses = json.response.data?.statuses ?? []
  for (const one of statuses) assert.ok(!one.error, text)
  return statuses.length ? statuses : json.response.data
}

async function l1(action, { vaultAddress, expiresAfter } = {}) {
  const at = nonce()
  const signature = await signL1Action({ wallet, action, nonce: at, isTestnet: false, vaultAddress, expiresAfter })
  return done(post('/exchange', envelope(action, at, signature, { vaultAddress: vaultAddress ?? null, expiresAfter: expiresAfter ?? null })))
}

// It signs with 0x66eee on either network, and adds the chains at the end.
async function signed(types, action, nonceName, { drop } = {}) {
  const at = nonce()
  const whole = { ...action, [nonceName]: at, signatureChainId: '0x66eee', hyperliquidChain: 'Mainnet' }
  const signature = await signUserSignedAction({ wallet, action: whole, types })
  const sent = { ...whole }
  if (drop) delete sent[drop]
  return done(post('/exchange', envelope(sent, at, signature)))
}

const order = (p, more = {}) => ({ a: 0, b: true, p, s: '0.01', r: false, t: { limit: { tif: 'Gtc' } }, ...more })
const open = () => paper.info({ type: 'openOrders', user, dex: '' })

describe('reads', () => {
  const now = Date.now()
  for (const body of [
    { type: 'meta', dex: '' }, { type: 'spotMeta' }, { type: 'metaAndAssetCtxs' }, { type: 'spotMetaAndAssetCtxs' }, { type: 'perpDexs' }, { type: 'allMids', dex: '' },
    { type: 'l2Book', coin: 'BTC' }, { type: 'fundingHistory', coin: 'BTC', startTime: now - 3600000 },
    { type: 'candleSnapshot', req: { coin: 'BTC', interval: '1m', startTime: now - 600000, endTime: now } },
    { type: 'clearinghouseState', dex: '' }, { type: 'openOrders', dex: '' }, { type: 'frontendOpenOrders', dex: '' }, { type: 'spotClearinghouseState' },
    { type: 'userFills' }, { type: 'userFillsByTime', startTime: now - 3600000, endTime: null, aggregateByTime: false },
    { type: 'userFunding', startTime: now - 3600000 }, { type: 'userNonFundingLedgerUpdates', startTime: now - 3600000, endTime: null },
    { type: 'userFees' }, { type: 'orderStatus', oid: 1 }, { type: 'orderStatus', oid: `0x${'1'.repeat(32)}` }, { type: 'historicalOrders' }, { type: 'referral' },
    { type: 'subAccounts' }, { type: 'userToMultiSigSigners' }, { type: 'userRole' }, { type: 'userRateLimit' }, { type: 'extraAgents' }, { type: 'portfolio' },
    { type: 'userTwapSliceFills' }, { type: 'userVaultEquities' }, { type: 'userAbstraction' },
  ])
    test(dumps(body), async () => {
      const answer = await post('/info', body.coin || body.req || ['meta', 'spotMeta', 'metaAndAssetCtxs', 'spotMetaAndAssetCtxs', 'perpDexs', 'allMids'].includes(body.type) ? body : { ...body, user })
      assert.equal(answer.status, 200, answer.text)
      assert.match(answer.type, /^application\/json/)
    })
})

describe('actions', () => {
  test('orders, their names, changes and cancels', async () => {
    const cloid = `0x${'ab'.repeat(16)}`
    const [{ resting }] = await l1({ type: 'order', orders: [order('50000')], grouping: 'na' })
    const [named] = await l1({ type: 'order', orders: [order('50001', { c: cloid })], grouping: 'na' })
    assert.ok(named.resting.oid > resting.oid)
    assert.equal((await open()).length, 2)
    await l1({ type: 'batchModify', modifies: [{ oid: resting.oid, order: order('49000') }] })
    const [changed] = (await open()).filter((o) => o.limitPx === '49000.0')
    await l1({ type: 'cancel', cancels: [{ a: 0, o: changed.oid }] })
    await l1({ type: 'cancelByCloid', cancels: [{ asset: 0, cloid }] })
    assert.deepEqual(await open(), [])
    const trigger = { trigger: { isMarket: true, triggerPx: '90000', tpsl: 'sl' } }
    const [filled] = await l1({ type: 'order', orders: [order('110000', { t: { limit: { tif: 'Ioc' } } })], grouping: 'na' })
    assert.equal(filled.filled.totalSz, '0.01')
    await l1({ type: 'order', orders: [order('81000', { b: false, r: true, t: trigger })], grouping: 'na' })
    await l1({ type: 'order', orders: [order('50000')], grouping: 'na' }, { expiresAfter: Date.now() + 60000 })
    assert.equal((await open()).length, 2)
  })

  test('leverage, margin, a referrer, a switch that cancels', async () => {
    await l1({ type: 'updateLeverage', asset: 0, isCross: false, leverage: 5 })
    await l1({ type: 'order', orders: [order('110000', { t: { limit: { tif: 'Ioc' } } })], grouping: 'na' })
    await l1({ type: 'updateIsolatedMargin', asset: 0, isBuy: true, ntli: 5000000 })
    const { json } = await post('/exchange', await (async () => {
      const [action, at] = [{ type: 'setReferrer', code: 'PLACEHOLDER' }, nonce()]
      return envelope(action, at, await signL1Action({ wallet, action, nonce: at, isTestnet: false }))
    })())
    assert.equal(json.status, 'err') // with 200: a client that asks on its own goes on
  })

  test('what the wallet signs as text', async () => {
    const [agent, builder] = [1, 2].map(() => privateKeyToAccount(generatePrivateKey()).address.toLowerCase())
    await paper.faucet(builder, '1000')
    await signed(ApproveAgentTypes, { type: 'approveAgent', agentAddress: agent, agentName: '' }, 'nonce', { drop: 'agentName' })
    assert.deepEqual(await paper.info({ type: 'userRole', user: agent }), { role: 'agent', data: { user } })
    await signed(ApproveAgentTypes, { type: 'approveAgent', agentAddress: privateKeyToAccount(generatePrivateKey()).address.toLowerCase(), agentName: 'bot' }, 'nonce')
    assert.deepEqual((await paper.info({ type: 'extraAgents', user })).map((a) => a.name), ['bot'])
    await signed(ApproveBuilderFeeTypes, { maxFeeRate: '0.01%', builder, type: 'approveBuilderFee' }, 'nonce')
    assert.equal(await paper.info({ type: 'maxBuilderFee', user, builder }), 10)
    await signed(UsdSendTypes, { destination: agent, amount: '5.0', type: 'usdSend' }, 'time')
    await signed(Withdraw3Types, { destination: user, amount: '5.0', type: 'withdraw3' }, 'time')
    await signed(UsdClassTransferTypes, { type: 'usdClassTransfer', amount: '7.5', toPerp: false }, 'nonce')
    assert.equal((await paper.info({ type: 'clearinghouseState', user, dex: '' })).withdrawable, '9982.5')
  })

  test('a sub-account by its address, with 0x and, as ccxt writes it, without', async () => {
    const sub = await l1({ type: 'createSubAccount', name: 'py' })
    await l1({ type: 'subAccountTransfer', subAccountUser: sub, isDeposit: true, usd: 100000000 })
    await l1({ type: 'order', orders: [order('50000', { s: '0.001' })], grouping: 'na' }, { vaultAddress: sub })
    const [action, at] = [{ type: 'order', orders: [order('50001', { s: '0.001' })], grouping: 'na' }, nonce()]
    const signature = await signL1Action({ wallet, action, nonce: at, isTestnet: false, vaultAddress: sub })
    await done(post('/exchange', envelope(action, at, signature, { vaultAddress: sub.slice(2) })))
    assert.equal((await paper.info({ type: 'openOrders', user: sub })).length, 2)
    assert.deepEqual(await open(), [])
  })

  test('signatures with and without leading zeros, in any order of nonces', async () => {
    const action = { type: 'noop' }
    const payloads = await Promise.all(Array.from({ length: 64 }, async () => {
      const at = nonce()
      return envelope(action, at, await signL1Action({ wallet, action, nonce: at, isTestnet: false }))
    }))
    assert.ok(payloads.length === 64)
    for (const payload of payloads.reverse()) await done(post('/exchange', payload))
    const { json } = await post('/exchange', payloads[10])
    assert.deepEqual([json.status, /nonce/i.test(json.response)], ['err', true])
  })
})

describe('over HTTP', () => {
  test('whatever type the body is said to have', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded'])
      assert.equal((await post('/info', { type: 'allMids' }, type)).status, 200, type)
  })

  test('other methods have no answer but a refusal', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
      for (const path of ['/info', '/exchange']) assert.equal((await request(paper.base, method, path, { body: method === 'PUT' || method === 'PATCH' ? '{"type": "allMids"}' : undefined })).status, 405, `${method} ${path}`)
    assert.ok([200, 204].includes((await request(paper.base, 'OPTIONS', '/info')).status))
  })
})
