// What a trader has to be told is told once: listed, and posted to the brand's webhooks, signed, until it is taken.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { REPO, Trader, decimal, problem, request, signTypedData, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const SECRET = 'a-secret-of-the-receiver-0123456789'
const SOON = 20000 // polls and posts, with pauses between them
const LATER = 60000

// A long at 3x of 1000 dollars: it would be liquidated at about 67511.
const long = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', marginMode: 'isolated', leverage: 3 }

// Takes posts; answer(post) says with which status, or 0 for never.
async function receiver() {
  const hook = { posts: [], open: 0, answer: () => 204 }
  const server = http.createServer(async (incoming, outgoing) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const text = Buffer.concat(parts).toString('utf8')
    const post = { method: incoming.method, headers: incoming.headers, text, json: JSON.parse(text), id: incoming.headers['x-perpgate-delivery'] }
    post.status = hook.answer(post)
    hook.posts.push(post)
    if (post.status) outgoing.writeHead(post.status).end()
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  hook.url = `http://127.0.0.1:${server.address().port}/alerts?of=perpgate`
  hook.of = (trader, kind) => hook.posts.filter((p) => p.json.account === trader.address && (!kind || p.json.kind === kind))
  hook.close = () => (server.closeAllConnections(), server.close())
  return hook
}

let paper
let hooks
let folder
let gateway
let who

function brandWith(name, urls) {
  const brand = join(folder, name)
  cpSync(join(REPO, 'branding', name), brand, { recursive: true })
  const yaml = readFileSync(join(brand, 'brand.yaml'), 'utf8').replace(/requestsPerMinute: .*/, 'requestsPerMinute: 100000')
  const list = urls.map((url) => `{url: "${url}", secretFile: hook.secret}`)
  writeFileSync(join(brand, 'hook.secret'), `${SECRET}\n`, { mode: 0o600 })
  writeFileSync(join(brand, 'brand.yaml'), `${yaml}\nalerts: {webhooks: [${list}]}\n`)
  return brand
}

async function start(keepsKey, brands) {
  gateway = await startConfigured(
    {
      mirror: '{showMaxAgeMs: 0, pollWeightPerMinute: 100000, pollsAtOnce: 16}',
      venue: `{baseUrl: "${paper.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
      paper: '{enabled: false}',
      brands: `[${brands}]`,
    },
    { folder, keepsKey },
  )
  gateway.paperVenue = paper
  if (who) who.gateway = gateway
}

let brands

before(async () => {
  paper = await startPaper(['--still'])
  hooks = { main: await receiver(), deaf: await receiver(), other: await receiver() }
  hooks.deaf.answer = () => 0
  folder = temporaryFolder()
  brands = [brandWith('harbor', [hooks.main.url, hooks.deaf.url]), brandWith('meridian', [hooks.other.url])]
  await paper.price('BTC', '100000')
  await start(false, brands)
})
after(async () => {
  gateway?.agent.destroy()
  await gateway?.program.stop()
  for (const hook of Object.values(hooks ?? {})) hook.close()
  await paper?.stop()
})

async function restart() {
  gateway.agent.destroy()
  await gateway.program.stop('SIGKILL')
  await start(true, brands)
}

beforeEach(async () => {
  hooks.main.answer = () => 204
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'harbor').onboard('10000')
})

const list = async (query = '', trader = who) => trader.ok('GET', `/v1/alerts${query}`)
const of = async (kind, trader = who) => (await list(`?kind=${kind}`, trader)).data
const bandsOf = (alerts) => alerts.map((a) => `${a.detail.band} ${a.detail.crossed}`).reverse()

async function distances(n) {
  await until(`${n} crossings are told`, async () => (await of('liquidationDistance')).length >= n, SOON)
  return bandsOf(await of('liquidationDistance'))
}

const open = async (order = long) => assert.equal((await who.place(order)).status, 'filled')
const metrics = async () => (await request(who.gateway.admin, 'GET', '/metrics')).text
const ordersKnown = async () => Number(/^perpgate_mirror_orders (\d+)/m.exec(await metrics())[1])

// With a stop; and the mirror knows of it.
async function openWithStop(order) {
  const known = await ordersKnown()
  await open(order)
  await until('the mirror knows the stop', async () => (await ordersKnown()) > known, LATER)
}

describe('an alert', () => {
  test('of the distance: each band once each way, with hysteresis', async () => {
    await open()
    await gateway.price('BTC', '84000')
    assert.deepEqual(await distances(1), ['0.2 nearer'])
    // Nearly back, and there again: between falling below and being back lies a twentieth of the band.
    for (const price of ['84600', '84000', '84700', '83900']) await gateway.price('BTC', price)
    await gateway.price('BTC', '74500')
    assert.deepEqual(await distances(2), ['0.2 nearer', '0.1 nearer'])
    await gateway.price('BTC', '70900')
    assert.deepEqual(await distances(3), ['0.2 nearer', '0.1 nearer', '0.05 nearer'])
    await gateway.price('BTC', '90000')
    assert.deepEqual(await distances(6), ['0.2 nearer', '0.1 nearer', '0.05 nearer', '0.05 farther', '0.1 farther', '0.2 farther'])
    await gateway.price('BTC', '84000')
    assert.deepEqual((await distances(7)).slice(6), ['0.2 nearer'])
    const [alert] = await of('liquidationDistance')
    const position = await who.position('BTC')
    assert.deepEqual([alert.symbol, alert.detail.markPrice, alert.detail.marginMode], ['BTC', '84000', 'isolated'])
    // Until the fill's fee is confirmed the figures are an estimate, and say so.
    const near = alert.detail.source === 'estimate' ? 1e-3 : 1e-9
    for (const [name, shown] of [['liquidationPrice', position.liquidationPrice], ['distance', position.liquidationDistance]])
      assert.ok(Math.abs(alert.detail[name] / shown - 1) < (name === 'distance' ? near * 10 + 1e-4 : near), `${name} ${alert.detail[name]} ${shown} ${alert.detail.source}`)
    assert.ok(Math.abs(alert.at - Date.now()) < LATER)
  })

  test('of a stop that was triggered', async () => {
    await openWithStop({ ...long, stopLoss: { triggerPrice: '95000' } })
    const [stop] = (await gateway.venue.info({ type: 'frontendOpenOrders', user: who.address })).filter((o) => o.isTrigger)
    await gateway.price('BTC', '94900')
    await until('it is told', async () => (await of('stopTriggered')).length, SOON)
    const [alert] = await of('stopTriggered')
    assert.deepEqual(alert.detail, { venueOrderId: String(stop.oid), kind: 'stopLoss', triggerPrice: '95000' })
    assert.equal((await of('liquidated')).length, 0)
  })

  test('of a liquidation says what was lost, and what was not', async () => {
    await open({ ...long, leverage: 10 })
    const { margin } = await who.position('BTC')
    await gateway.price('BTC', '88000')
    await until('it is told', async () => (await of('liquidated')).length, SOON)
    assert.ok(!(await who.venuePosition('BTC')))
    const [alert, ...more] = await of('liquidated')
    const { lost, kept, size, marginMode } = alert.detail
    const state = await gateway.venue.info({ type: 'clearinghouseState', user: who.address })
    assert.deepEqual(more, [])
    assert.deepEqual([size, marginMode, alert.symbol], ['0.01', 'isolated', 'BTC'])
    assert.equal(Number(kept), Number(state.marginSummary.accountValue))
    assert.ok(Number(lost) > 0 && Number(lost) <= Number(margin) + 0.5, `${lost} of ${margin}`)
    assert.ok(Math.abs(Number(lost) + Number(kept) - 10000) < 1, `${lost} + ${kept}`)
  })

  test('of the guard', async () => {
    await open({ ...long, leverage: 10 })
    await who.ok('PUT', '/v1/positions/BTC/guard', { minDistance: '0.05', topUp: '10', maxTotal: '30' })
    await gateway.price('BTC', '95000')
    await until('it is posted', () => hooks.main.of(who, 'guardActed').length, SOON)
    const [{ json }] = hooks.main.of(who, 'guardActed')
    assert.deepEqual([json.detail.move, json.detail.amount, json.detail.added, json.brand], ['added', '10', '10', 'harbor'])
  })

  test('of an agent that is about to end, once', async () => {
    const asked = await who.ok('POST', '/v1/agent', { days: 5, name: 'short' })
    await who.ok('POST', '/v1/agent/approve', { signature: await signTypedData(who.account, asked.typedData) })
    const { agentAddress } = asked
    for (let i = 0; i < 2; i++) {
      await restart()
      await until('it is told', async () => (await of('agentExpires')).length, SOON)
    }
    const alerts = await of('agentExpires')
    assert.equal(alerts.length, 1)
    assert.deepEqual([alerts[0].symbol, alerts[0].detail.agent, alerts[0].detail.days], [null, agentAddress, 7])
    assert.ok(alerts[0].detail.validUntil > Date.now())
  })
})

describe('a post', () => {
  const crossing = async () => {
    await open()
    await gateway.price('BTC', '84000')
    await until('it is posted', () => hooks.main.of(who).length, SOON)
    return hooks.main.of(who)
  }

  test('is signed, and is what is listed', async () => {
    const [post] = await crossing()
    const timestamp = post.headers['x-perpgate-timestamp']
    const mac = createHmac('sha256', SECRET).update(`${timestamp}.${post.text}`).digest('hex')
    assert.equal(post.headers['x-perpgate-signature'], mac)
    assert.equal(post.method, 'POST')
    assert.match(post.headers['content-type'], /^application\/json/)
    assert.ok(Math.abs(Number(timestamp) - Date.now()) < LATER)
    const { brand, account, ...rest } = post.json
    assert.deepEqual([brand, account, post.id], ['harbor', who.address, rest.id])
    assert.deepEqual((await list()).data.find((a) => a.id === rest.id), rest)
  })

  test('that was not taken comes again, under the same id, until it is', async () => {
    let left = 2
    hooks.main.answer = (post) => (post.json.account === who.address && left-- > 0 ? 500 : 204)
    await crossing()
    await until('it is taken', () => hooks.main.of(who).some((p) => p.status === 204), SOON)
    const posts = hooks.main.of(who)
    assert.deepEqual(posts.map((p) => p.status), [500, 500, 204])
    assert.deepEqual(new Set(posts.map((p) => p.id)).size, 1)
    assert.ok(posts.every((p) => p.text === posts[0].text))
    assert.notEqual(posts[0].headers['x-perpgate-signature'], posts[1].headers['x-perpgate-signature'])
  })

  test('to a receiver that never answers holds up neither the others nor the gateway', async () => {
    await crossing()
    await until('the other has it under way', () => hooks.deaf.posts.length, SOON)
    await gateway.healthy()
    await gateway.price('BTC', '74500')
    await until('the next is posted', () => hooks.main.of(who).length === 2, SOON)
  })

  test('is not made again after a restart; what was not taken is', async () => {
    await crossing()
    hooks.main.answer = () => 503
    await gateway.price('BTC', '74500')
    await until('the second was posted in vain', () => hooks.main.of(who).length > 1, SOON)
    const second = hooks.main.of(who)[1].id
    gateway.agent.destroy()
    await gateway.program.stop('SIGKILL')
    hooks.main.answer = () => 204
    await start(true, brands)
    await until('it is taken', () => hooks.main.of(who).some((p) => p.id === second && p.status === 204), LATER)
    // What comes after shows that the account is followed again; nothing of before is told anew.
    await gateway.price('BTC', '70900')
    await until('the third is taken', () => new Set(hooks.main.of(who).map((p) => p.id)).size >= 3, SOON)
    const taken = hooks.main.of(who).filter((p) => p.status === 204)
    assert.deepEqual(taken.map((p) => p.json.detail.band), ['0.2', '0.1', '0.05'])
    assert.deepEqual(bandsOf((await list()).data), ['0.2 nearer', '0.1 nearer', '0.05 nearer'])
  })

  test("goes to the trader's brand alone", async () => {
    const posts = await crossing()
    const twin = new Trader(gateway, 'meridian')
    await twin.signIn()
    assert.deepEqual((await list('', twin)).data, [])
    assert.equal(hooks.other.of(who).length, 0)
    assert.ok(posts.every((p) => p.json.brand === 'harbor'))
    const outside = await gateway.call('GET', '/v1/alerts', { host: who.host })
    problem(outside, 401, 'unauthorized')
  })
})

test('webhooks change with the configuration: what comes after goes to the new one', async () => {
  const late = await receiver()
  try {
    await open()
    await gateway.price('BTC', '84000')
    await until('the old one was told', () => hooks.main.of(who, 'liquidationDistance').length >= 1, LATER)
    const file = join(brands[0], 'brand.yaml')
    const before = readFileSync(file, 'utf8')
    const tagline = async () => (await gateway.call('GET', '/v1/brand', { host: gateway.host('harbor') })).json.tagline
    const was = await tagline()
    const reload = async (text, expected) => {
      writeFileSync(file, text)
      gateway.program.signal('SIGHUP')
      await until('the configuration is taken', async () => (await tagline()) === expected)
    }
    await reload(before.replace(hooks.main.url, late.url).replace(was, 'Told elsewhere.'), 'Told elsewhere.')
    await gateway.price('BTC', '74500')
    await until('the new one is told', () => late.of(who, 'liquidationDistance').length === 1, LATER)
    const [post] = late.of(who, 'liquidationDistance')
    assert.equal(post.json.detail.band, '0.1')
    assert.equal(hooks.main.of(who, 'liquidationDistance').length, 1)
    await reload(before, was)
  } finally {
    late.close()
  }
})

test('the list has pages and kinds', async () => {
  await openWithStop({ ...long, stopLoss: { triggerPrice: '70000' } })
  await gateway.price('BTC', '74500')
  await distances(2)
  await gateway.price('BTC', '69900')
  await until('all is told', async () => (await of('stopTriggered')).length, SOON)
  const { data: all, nextCursor } = await list()
  assert.equal(nextCursor, null)
  assert.ok(all.length >= 3)
  assert.deepEqual(all.map((a) => Number(a.id)), all.map((a) => Number(a.id)).toSorted((a, b) => b - a))
  const seen = []
  for (let cursor = ''; cursor !== null; ) {
    const page = await list(`?limit=1${cursor && `&cursor=${cursor}`}`)
    assert.equal(page.data.length, 1)
    seen.push(...page.data)
    cursor = page.nextCursor
  }
  assert.deepEqual(seen, all)
  assert.ok((await of('liquidationDistance')).every((a) => a.kind === 'liquidationDistance'))
  assert.deepEqual(await of('drift'), [])
  for (const [query, field] of [['kind=nothing', 'kind'], ['limit=0', 'limit'], ['limit=200', 'limit'], ['cursor=x', 'cursor'], ['cursor=0', 'cursor'], ['cursor=', 'cursor'], ['cursor=99999999999999999999', 'cursor'], ['page=1', 'page']]) {
    const answer = problem(await who.call('GET', `/v1/alerts?${query}`), 400, 'invalid_request')
    assert.deepEqual(answer.fields.map((f) => f.field), [field], query)
  }
  await who.refused(400, 'invalid_request', 'GET', '/v1/alerts?kind=nothing')
})

test('of funding that was charged: what the venue took', async () => {
  const own = await startConfigured({ brands: `[${brands}]` })
  try {
    await own.price('BTC', '100000')
    who = await new Trader(own, 'harbor').onboard('10000')
    await openWithStop({ ...long, stopLoss: { triggerPrice: '95000' } })
    await until('the account is followed', async () => /^perpgate_feed_topics_live\{kind="userEvents"\} 1$/m.test(await metrics()), LATER)
    await own.venue.clock(3600000)
    await until('it is told', async () => (await of('fundingCharged')).length, LATER)
    const [alert, ...more] = await of('fundingCharged')
    const [paid] = await own.venue.info({ type: 'userFunding', user: who.address, startTime: 0 })
    assert.deepEqual(more, [])
    assert.deepEqual([alert.symbol, alert.at, alert.detail.source], ['BTC', paid.time, 'venue'])
    assert.equal(Number(alert.detail.amount), Number(paid.delta.usdc))
    assert.match(alert.detail.rate, decimal)
    await until('it is posted', () => hooks.main.of(who, 'fundingCharged').length, SOON)
  } finally {
    await own.stop()
  }
})
