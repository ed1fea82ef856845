// Every answer and frame of the paper venue has the shape that @nktkas/hyperliquid declares. The package
// ships runtime schemas of requests (each request here passes through its own) and types of answers:
// what the venue said is written down as literals of these types and handed to the TypeScript compiler,
// which finds members that are missing, unknown, or of another type.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inflateRawSync } from 'node:zlib'
import { ExchangeClient, HttpTransport } from '@nktkas/hyperliquid'
import * as infoSchemas from '@nktkas/hyperliquid/api/info'
import * as v from 'valibot'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { WebSocket } from 'ws'
import { startPaper, until } from './harness.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const ts = existsSync(join(here, 'node_modules/typescript')) ? (await import('typescript')).default : undefined
const skip = ts ? false : 'the TypeScript compiler is not installed here'

let paper
let transport
const seen = [] // {type, value, what}

before(async () => {
  if (skip) return
  paper = await startPaper(['--ungated'])
  transport = new HttpTransport({ apiUrl: paper.base })
  await paper.price('BTC', '60000')
  await paper.price('ETH', '2000')
})
after(() => paper?.program.stop())

const upper = (name) => name[0].toUpperCase() + name.slice(1)

// --- the compiler -------------------------------------------------------------------------------

// One line for each value, so that a diagnostic's line names it.
function complaints(values) {
  const name = join(here, 'shapes.generated.ts')
  const lines = values.map((one, i) => `const x${i}: ${one.type} = ${JSON.stringify(one.value).replaceAll('\u2028', ' ')}`)
  const text = [
    "import type * as Info from '@nktkas/hyperliquid/api/info'",
    "import type * as Exchange from '@nktkas/hyperliquid/api/exchange'",
    "import type * as Feed from '@nktkas/hyperliquid/api/subscription'",
    ...lines,
    'export {}',
  ].join('\n')
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022) : getSourceFile.call(host, file, ...rest)
  host.fileExists = (file) => file === name || fileExists.call(host, file)
  host.readFile = (file) => (file === name ? text : readFile.call(host, file))
  const program = ts.createProgram([name], options, host)
  const source = program.getSourceFile(name)
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((found) => {
    const { line } = source.getLineAndCharacterOfPosition(found.start)
    const about = values[line - 3]
    const near = text.slice(found.start, found.start + 160).split('\n')[0]
    return `${about?.what ?? 'import'}: ${ts.flattenDiagnosticMessageText(found.messageText, ' ')} at ${near}`
  })
}

// --- the scene ----------------------------------------------------------------------------------

async function trader(amount = '100000') {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const user = wallet.address.toLowerCase()
  await paper.faucet(user, amount)
  return { wallet, user, exchange: new ExchangeClient({ transport, wallet }) }
}

async function act(exchange, method, parameters) {
  const value = await exchange[method](parameters)
  seen.push({ type: `Exchange.${upper(method)}Response`, value, what: `action ${method}` })
  return value
}

const limit = (a, b, p, s, more = {}) => ({ a, b, p, s, r: false, t: { limit: { tif: 'Gtc' } }, ...more })
const ioc = (a, b, p, s) => limit(a, b, p, s, { t: { limit: { tif: 'Ioc' } } })
const trigger = (a, b, triggerPx, s, tpsl) =>
  limit(a, b, triggerPx, s, { r: true, t: { trigger: { isMarket: true, triggerPx, tpsl } } })
const newCloid = () => `0x${generatePrivateKey().slice(2, 34)}`

class Feed {
  constructor() {
    this.frames = []
    this.socket = new WebSocket(paper.ready.ws)
    this.open = new Promise((done, failed) => {
      this.socket.on('open', done)
      this.socket.on('error', failed)
    })
    this.socket.on('message', (text) => this.frames.push(JSON.parse(text)))
  }

  subscribe(subscription) {
    this.socket.send(JSON.stringify({ method: 'subscribe', subscription }))
  }

  on(channel) {
    return this.frames.filter((frame) => frame.channel === channel)
  }
}

const userFeeds = [
  'orderUpdates', 'userEvents', 'userFills', 'userFundings', 'userNonFundingLedgerUpdates', 'userHistoricalOrders',
  'clearinghouseState', 'allDexsClearinghouseState', 'openOrders', 'spotState', 'webData3', 'notification', 'twapStates',
  'userTwapSliceFills', 'userTwapHistory',
]
const withDex = new Set(['clearinghouseState', 'openOrders', 'twapStates'])
let feed
let main
let agent
let builder
let cloid

async function followEverything() {
  feed = new Feed()
  await feed.open
  for (const type of userFeeds) feed.subscribe({ type, user: main.user, ...(withDex.has(type) ? { dex: '' } : {}) })
  for (const type of ['trades', 'bbo', 'l2Book', 'activeAssetCtx']) feed.subscribe({ type, coin: 'BTC' })
  feed.subscribe({ type: 'l2Book', coin: 'ETH', fast: true })
  for (const type of ['allMids', 'assetCtxs']) {
    feed.subscribe({ type })
    feed.subscribe({ type, dex: 'xyz' })
  }
  for (const type of withDex) feed.subscribe({ type, user: main.user, dex: 'xyz' })
  for (const type of ['allDexsAssetCtxs', 'spotAssetCtxs', 'fastAssetCtxs', 'outcomeMetaUpdates']) feed.subscribe({ type })
  feed.subscribe({ type: 'candle', coin: 'BTC', interval: '1m' })
  feed.subscribe({ type: 'activeAssetData', coin: 'BTC', user: main.user })
}

async function trade() {
  const { exchange } = main
  await fetch(`${paper.base}/paper/faucet`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ user: main.user, amount: '5000', dex: 'xyz' }),
  })
  await act(exchange, 'order', { orders: [ioc(110000, true, '30000', '0.01')], grouping: 'na' })
  await act(exchange, 'sendAsset', {
    destination: main.user, sourceDex: 'xyz', destinationDex: 'spot', token: 'USDX:0x70617065722075736478000000000001', amount: '5',
  })
  await act(exchange, 'updateLeverage', { asset: 1, isCross: false, leverage: 10 })
  await act(exchange, 'order', { orders: [ioc(0, true, '61000', '0.1'), ioc(1, true, '2050', '1')], grouping: 'na' })
  await act(exchange, 'updateIsolatedMargin', { asset: 1, isBuy: true, ntli: 5000000 })
  await act(exchange, 'order', {
    orders: [limit(0, true, '50000', '0.01', { c: cloid }), trigger(0, false, '70000', '0.01', 'tp'), trigger(0, false, '45000', '0.01', 'sl')],
    grouping: 'normalTpsl',
  })
  await act(exchange, 'order', { orders: [trigger(0, false, '55000', '0.1', 'sl')], grouping: 'positionTpsl' })
  const resting = await act(exchange, 'order', { orders: [limit(0, true, '49000', '0.01'), limit(0, true, '48000', '0.01')], grouping: 'na' })
  const [first, second] = resting.response.data.statuses.map((status) => status.resting.oid)
  await act(exchange, 'modify', { oid: first, order: limit(0, true, '49100', '0.01') })
  await act(exchange, 'batchModify', { modifies: [{ oid: second, order: limit(0, true, '48100', '0.02') }] })
  const more = await act(exchange, 'order', { orders: [limit(0, true, '47000', '0.01')], grouping: 'na' })
  await act(exchange, 'cancel', { cancels: [{ a: 0, o: more.response.data.statuses[0].resting.oid }] })
  const other = newCloid()
  await act(exchange, 'order', { orders: [limit(0, true, '47000', '0.01', { c: other })], grouping: 'na' })
  await act(exchange, 'cancelByCloid', { cancels: [{ asset: 0, cloid: other }] })
  await act(exchange, 'scheduleCancel', { time: Date.now() + 86400000 })
  await act(exchange, 'scheduleCancel', {})
}

async function manage() {
  const { exchange } = main
  await act(exchange, 'approveAgent', { agentAddress: agent, agentName: 'bot' })
  await act(exchange, 'approveBuilderFee', { maxFeeRate: '0.05%', builder: builder.user })
  await act(exchange, 'usdSend', { destination: builder.user, amount: '10' })
  await act(exchange, 'withdraw3', { destination: main.user, amount: '20' })
  await act(exchange, 'usdClassTransfer', { amount: '30', toPerp: false })
  await act(exchange, 'registerReferrer', { code: 'SHAPES' })
  await act(builder.exchange, 'setReferrer', { code: 'SHAPES' })
  await act(exchange, 'reserveRequestWeight', { weight: 1000 })
  const made = await act(exchange, 'createSubAccount', { name: 'shapes' })
  const subAccountUser = made.response.data
  await act(exchange, 'subAccountTransfer', { subAccountUser, isDeposit: true, usd: 1000000000 })
  await act(exchange, 'subAccountModify', { subAccountUser, name: 'shapes two' })
  await act(exchange, 'userSetAbstraction', { user: subAccountUser, abstraction: 'unifiedAccount' })
  await act(builder.exchange, 'agentSetAbstraction', { abstraction: 'u' })
}

async function wait() {
  const { exchange } = main
  const twap = await act(exchange, 'twapOrder', { twap: { a: 0, b: true, s: '0.1', r: false, m: 5, t: true } })
  const second = await act(exchange, 'twapOrder', {
    twap: { a: 0, b: true, s: '0.1', r: false, m: 5, t: false }, details: { t: { p: '90000', a: true }, s: null },
  })
  await act(exchange, 'twapCancel', { a: 0, t: second.response.data.status.running.twapId })
  assert.ok(twap.response.data.status.running.twapId)
  await paper.clock(3 * 3600000) // funding, and all slices
  await paper.price('BTC', '50500')
  await paper.price('BTC', '49900') // the parent fills, its children wait
  await paper.price('ETH', '1700') // the isolated position is liquidated
  await paper.price('ETH', '2000')
}

describe('shapes', { skip, timeout: 120000 }, () => {
  test('a scene with every kind of order, transfer and event', async () => {
    main = await trader()
    builder = await trader('1000')
    agent = privateKeyToAccount(generatePrivateKey()).address.toLowerCase()
    cloid = newCloid()
    await followEverything()
    await until('the first frames', () => feed.on('webData3').length > 0)
    await manage()
    await trade()
    await wait()
    await until('a candle', () => feed.on('candle').length > 0, 10000)
    await until('a liquidation', () => feed.on('user').some((frame) => frame.data.liquidation), 10000)
    await until('slices', () => feed.on('userTwapSliceFills').length > 1, 10000)
    await until('states pushed again', () => feed.on('clearinghouseState').length > 3 && feed.on('allMids').length > 1, 15000)
  })

  test('every info answer', async (t) => {
    const values = {
      user: main.user, coin: 'BTC', builder: builder.user, oid: cloid, startTime: 0, interval: '1m', source: main.user, id: 50,
      token: 0, dex: undefined, vaultAddress: main.user, req: { coin: 'BTC', interval: '1h', startTime: Date.now() - 20 * 3600000 },
    }
    const answered = []
    const absent = []
    for (const [name, schema] of Object.entries(infoSchemas)) {
      if (!name.endsWith('Request')) continue
      const entries = Object.fromEntries(Object.keys(schema.entries).filter((key) => values[key] !== undefined).map((key) => [key, values[key]]))
      const asked = v.safeParse(schema, { type: schema.entries.type.literal, ...entries })
      if (!asked.success) {
        absent.push(schema.entries.type.literal)
        continue
      }
      for (const user of 'user' in asked.output ? [main.user, builder.user, agent, '0x00000000000000000000000000000000000000bb'] : [undefined]) {
        const response = await fetch(`${paper.base}/info`, {
          method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...asked.output, ...(user ? { user } : {}) }),
        })
        if (response.status === 422) {
          absent.push(asked.output.type)
          break
        }
        assert.equal(response.status, 200, asked.output.type)
        let value = await response.json()
        for (const dex of 'dex' in schema.entries ? ['xyz'] : []) {
          const other = await fetch(`${paper.base}/info`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...asked.output, dex, ...(user ? { user } : {}), ...(asked.output.id ? { id: 60 } : {}) }),
          })
          assert.equal(other.status, 200, `${asked.output.type} of ${dex}`)
          seen.push({ type: `Info.${name.replace(/Request$/, 'Response')}`, value: await other.json(), what: `info ${asked.output.type} of ${dex}` })
        }
        if (asked.output.type === 'candleSnapshot') value = value.slice(0, 30)
        seen.push({ type: `Info.${name.replace(/Request$/, 'Response')}`, value, what: `info ${asked.output.type}` })
        answered.push(asked.output.type)
      }
    }
    const wanted = [
      'meta', 'metaAndAssetCtxs', 'allMids', 'l2Book', 'candleSnapshot', 'fundingHistory', 'exchangeStatus', 'recentTrades', 'perpDexs',
      'spotMeta', 'spotMetaAndAssetCtxs', 'outcomeMeta', 'allPerpMetas', 'predictedFundings', 'clearinghouseState', 'spotClearinghouseState',
      'activeAssetData', 'openOrders', 'frontendOpenOrders', 'orderStatus', 'historicalOrders', 'userFills', 'userFillsByTime', 'userFunding',
      'userNonFundingLedgerUpdates', 'userFees', 'userRateLimit', 'userRole', 'userAbstraction', 'extraAgents', 'maxBuilderFee',
      'approvedBuilders', 'portfolio', 'webData2', 'referral', 'legalCheck', 'subAccounts', 'subAccounts2', 'userToMultiSigSigners',
      'twapHistory', 'userTwapSliceFills', 'userTwapSliceFillsByTime', 'userVaultEquities', 'preTransferCheck',
    ]
    assert.deepEqual(wanted.filter((type) => !answered.includes(type)), [])
    t.diagnostic(`${new Set(answered).size} info types answered; not offered: ${[...new Set(absent)].sort().join(' ')}`)
  })

  test('every channel spoke', () => {
    const quiet = [...userFeeds.filter((type) => type !== 'userEvents'), 'user', 'trades', 'bbo', 'l2Book', 'candle', 'activeAssetCtx', 'allMids',
      'assetCtxs', 'allDexsAssetCtxs', 'spotAssetCtxs', 'fastAssetCtxs', 'activeAssetData'].filter((channel) => !feed.on(channel).length)
    assert.deepEqual(quiet, [])
    for (const kind of ['fills', 'funding', 'liquidation', 'twapHistory', 'twapSliceFills'])
      assert.ok(feed.on('user').some((frame) => kind in frame.data), `userEvents told ${kind}`)
    assert.deepEqual(feed.on('error'), [])
  })

  test('everything that was said has the declared shape', (t) => {
    const channels = new Map()
    for (const { channel, data: told } of feed.frames) {
      const data = channel === 'fastAssetCtxs' ? JSON.parse(inflateRawSync(Buffer.from(told, 'base64'))) : told
      if (channel === 'subscriptionResponse') continue
      const n = (channels.get(channel) ?? 0) + 1
      channels.set(channel, n)
      if (n > 40) continue // the later ones of a busy channel are like the first
      seen.push({ type: `Feed.${channel === 'user' ? 'UserEvents' : upper(channel)}Event`, value: data, what: `channel ${channel}` })
    }
    feed.socket.close()
    const found = complaints(seen)
    const count = (prefix) => seen.filter((one) => one.type.startsWith(prefix)).length
    t.diagnostic(`${count('Info.')} info answers, ${count('Exchange.')} action answers, ${count('Feed.')} frames on ${channels.size} channels checked`)
    assert.deepEqual(found, [])
    assert.ok(seen.length > 200)
  })

  test('the check can fail', () => {
    const bad = [
      { type: 'Info.UserRateLimitResponse', value: { cumVlm: 1, nRequestsUsed: 0, nRequestsCap: 1, nRequestsSurplus: 0 }, what: 'a number for a text' },
      { type: 'Info.MaxBuilderFeeResponse', value: '1', what: 'a text for a number' },
      { type: 'Info.TwapHistoryResponse', value: [{ time: 1 }], what: 'a member missing' },
      { type: 'Info.UserRoleResponse', value: { role: 'user', extra: 1 }, what: 'an unknown member' },
    ]
    assert.deepEqual(complaints(bad).map((text) => text.split(':')[0]), bad.map((one) => one.what))
  })
})
