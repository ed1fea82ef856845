// The streams' description is true: clean under a linter, whole, the same as deploy/docs/streams.md, and every frame
// fits it. (Every other test that opens a socket with stream_client.mjs judges its frames by it too.)
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { StreamJudge, judgeOf, readStreams } from './asyncapi_check.mjs'
import { REPO, Trader, startDemo, temporaryFolder } from './harness.mjs'
import { StreamClient } from './stream_client.mjs'

const TOOLS = join(REPO, 'tests/openapi')
const LINTER = join(TOOLS, 'node_modules/.bin/redocly')
const skip = !existsSync(LINTER) && `no ${LINTER}: npm ci there`
let gateway
let document

before(async () => {
  gateway = await startDemo()
  document = await readStreams(gateway, gateway.host('meridian'))
})
after(() => gateway?.stop())

async function lint(what) {
  const file = join(temporaryFolder(), 'asyncapi.json')
  writeFileSync(file, JSON.stringify(what))
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' }
  const run = promisify(execFile)(LINTER, ['lint', '--format=json', '--config', join(TOOLS, 'asyncapi.yaml'), file], { env })
  const { stdout } = await run.catch((failed) => failed)
  return JSON.parse(stdout)
}

// The rows of the table under a heading of deploy/docs/streams.md, cells as text.
function table(heading) {
  const text = readFileSync(join(REPO, 'deploy/docs/streams.md'), 'utf8')
  const [, under] = text.split(`## ${heading}\n`)
  assert.ok(under, heading)
  const lines = under.split('\n## ')[0].split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|---'))
  return lines.slice(1).map((line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()))
}

const names = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)

describe('the document', () => {
  test('carries the name, the host and the terms of the brand that is asked', async () => {
    assert.equal(document.asyncapi, '3.0.0')
    assert.equal(document.info.title, 'Meridian streams')
    assert.deepEqual(document.servers.public, { host: 'meridian.localhost', protocol: 'ws', description: 'Meridian' })
    const other = await readStreams(gateway, gateway.host('harbor'))
    assert.equal(other.servers.public.host, 'harbor.localhost')
    assert.ok(!JSON.stringify(other).includes('eridian'))
    assert.ok(!JSON.stringify(document).includes('{{'))
  })

  test('is clean under the linter', { skip }, async () => {
    const { totals, problems } = await lint(document)
    assert.deepEqual(problems.map((p) => `${p.ruleId} ${p.location[0]?.pointer}: ${p.message}`), [])
    assert.deepEqual([totals.errors, totals.warnings, totals.ignored], [0, 0, 0])
  })

  test('would not be, if it were wrong', { skip }, async () => {
    for (const spoil of [
      (d) => delete d.operations.book.action,
      (d) => (d.operations.book.action = 'publish'),
      (d) => (d.operations.book.messages[0].$ref = '#/channels/socket/messages/nothing'),
      (d) => (d.servers.public.protocol = 7),
      (d) => delete d.info.version,
    ]) {
      const broken = structuredClone(document)
      spoil(broken)
      assert.ok((await lint(broken)).totals.errors > 0, String(spoil))
    }
  })

  test('leads from every operation to messages with schemas, and has no others', () => {
    const told = new Set()
    const { messages, schemas } = document.components
    const resolve = ({ $ref }) => $ref.slice(2).split('/').reduce((at, step) => at[step], document)
    assert.deepEqual(Object.keys(document.channels), ['socket'])
    assert.equal(document.channels.socket.address, '/v1/ws')
    for (const operation of Object.values(document.operations)) {
      assert.equal(resolve(operation.channel), document.channels.socket)
      for (const ref of [...operation.messages, ...(operation.reply?.messages ?? [])]) {
        const message = resolve(resolve(ref))
        assert.equal(messages[message.name], message)
        told.add(message.name)
      }
    }
    assert.deepEqual([...told].sort(), Object.keys(messages).sort())
    const used = new Set([...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name))
    assert.deepEqual([...used].sort(), Object.keys(schemas).sort())
  })

  test('has the schemas of the API itself, where both have one', async () => {
    const { json } = await gateway.call('GET', '/v1/openapi.json', { host: gateway.host('meridian') })
    // Beside a $ref nothing counts here: it is parted from what stands beside it there.
    const plain = (schema) =>
      JSON.parse(JSON.stringify(schema), (key, value) => {
        if (!value?.allOf?.[0]?.$ref) return value
        const { allOf, ...rest } = value
        return { ...allOf[0], ...rest }
      })
    let n = 0
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      if (!(name in json.components.schemas)) continue
      assert.deepEqual(plain(schema), json.components.schemas[name], name)
      n++
    }
    assert.ok(n > 30, `${n}`)
  })
})

describe('what deploy/docs/streams.md tells', () => {
  const ofAction = (action) => Object.entries(document.operations).filter(([, o]) => o.action === action)

  test('of what clients say, is described', () => {
    const told = table('Frames from the client').flatMap(([op]) => names(op))
    assert.deepEqual(told.sort(), ofAction('receive').map(([name]) => name).sort())
  })

  test('of what the gateway says, is described', () => {
    const told = table('Frames from the gateway').flatMap(([type]) => names(type))
    const types = new Set(Object.values(document.components.messages).flatMap((m) => m.payload.properties?.type?.enum ?? []))
    assert.deepEqual(told.sort(), [...types].sort())
  })

  test('of channels, is described: subjects and kinds', () => {
    const told = table('Channels').map(([name, subject, kind]) => [names(name)[0], subject.replace('-', 'none'), kind])
    const streams = ofAction('send').filter(([, o]) => o['x-kind']).map(([name, o]) => [name, o['x-subject'], o['x-kind']])
    assert.deepEqual(told.sort(), streams.sort())
  })

  test('of close codes, is described', () => {
    const told = table('Close codes').map(([code]) => code)
    assert.deepEqual(told, Object.keys(document.channels.socket['x-close-codes']))
  })
})

describe('frames', () => {
  test('of every public stream fit', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    for (const [name, o] of Object.entries(document.operations)) {
      const subjects = { none: {}, symbol: { symbol: 'BTC' }, 'symbol, interval': { symbol: 'BTC', interval: '1m' } }
      if (!o['x-subject'] || o['x-subject'] === 'account') continue
      const channel = await client.subscribe(name, subjects[o['x-subject']])
      await channel.next('snapshot')
    }
    await client.channelOf({ channel: 'book', symbol: 'BTC' }).next('update')
    await client.unsubscribe(client.channelOf({ channel: 'book', symbol: 'BTC' }))
    await client.refused('invalid_request', { op: 'subscribe', channel: 'nothing' })
    assert.equal((await client.ask({ op: 'ping' })).type, 'pong')
    await client.close()
  })

  test('of operations fit, and so do their answers', async () => {
    const trader = await new Trader(gateway, 'harbor').onboard()
    const client = await StreamClient.open(gateway, 'harbor')
    const done = async (frame) => {
      const answer = await client.ask(frame)
      assert.equal(answer.type, 'result', JSON.stringify(answer))
      assert.equal(answer.op, frame.op)
      return answer.data
    }
    assert.equal((await client.auth({ token: trader.token })).type, 'authenticated')
    const order = { symbol: 'SOL', side: 'buy', type: 'limit', size: '1', price: '60', leverage: 2 }
    await done({ op: 'order.preview', body: order })
    const { id } = await done({ op: 'order.place', body: order, idempotencyKey: 'one' })
    await done({ op: 'order.modify', orderId: id, body: { price: '61' } })
    await done({ op: 'order.cancel', symbol: 'SOL' })
    await done({ op: 'order.cancel', orderId: (await done({ op: 'order.place', body: order })).id })
    await done({ op: 'order.cancel' })
    await done({ op: 'leverage.set', symbol: 'ETH', body: { leverage: 3, marginMode: 'isolated' } })
    await done({ op: 'order.place', body: { symbol: 'ETH', side: 'buy', type: 'market', notional: '200', marginMode: 'isolated', leverage: 3 } })
    await done({ op: 'margin.adjust', symbol: 'ETH', body: { amount: '5' } })
    await client.refused('market_not_offered', { op: 'order.preview', body: { ...order, symbol: 'NOPE' } })
    await client.close()
  })
})

describe('a judge that can fail', () => {
  test('refuses members that are missing, of another type, or more, and types that are not described', async () => {
    const judge = new StreamJudge(document)
    const gap = { type: 'gap', channel: 'book', symbol: 'BTC', epoch: 'e', seq: 3, at: 5, since: null }
    judge.heard(gap)
    for (const wrong of [{ ...gap, seq: '3' }, { ...gap, more: 1 }, { ...gap, channel: 'nothing' }, { ...gap, since: undefined }])
      assert.throws(() => judge.heard(JSON.parse(JSON.stringify(wrong))))
    const bbo = { type: 'snapshot', channel: 'bbo', symbol: 'BTC', epoch: 'e', seq: 1, at: 5, data: { bid: null, ask: null, time: 4 } }
    judge.heard(bbo)
    assert.throws(() => judge.heard({ ...bbo, data: { bid: null, ask: null } }))
    assert.throws(() => judge.heard({ ...bbo, channel: 'book' }), /book.snapshot/)
    assert.throws(() => judge.heard({ type: 'hello' }), /no message hello/)
    judge.said({ op: 'subscribe', channel: 'candles', symbol: 'BTC', interval: '1m', id: 7 })
    for (const wrong of [{ channel: 'candles', symbol: 'BTC' }, { channel: 'markets', symbol: 'BTC' }, { channel: 'book' }])
      assert.throws(() => judge.said({ op: 'subscribe', ...wrong }))
    assert.equal(await judgeOf(gateway), await judgeOf(gateway))
  })
})
