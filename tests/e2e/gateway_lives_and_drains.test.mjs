// The gateway starts only on a whole configuration, reloads it whole or not at all, says how it is,
// finishes what it began before it ends, and tells no secret.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPO, Trader, problem, rawExchange, request, run, startConfigured, startDemo, temporaryFolder, until, writeConfig, writeMasterKey } from './harness.mjs'
import { StreamClient } from './stream_client.mjs'

const mode = (file) => statSync(file).mode & 0o777

describe('the command line', () => {
  test('--check accepts the configurations that are shipped', async () => {
    for (const name of ['gateway.yaml', 'dev.yaml', 'testnet.yaml', 'production.yaml']) {
      const checked = await run('perpgate', ['--config', join(REPO, 'config', name), '--check'])
      assert.deepEqual([checked.code, checked.stderr], [0, ''], name)
      assert.match(checked.stdout, /ok, 2 brands/)
    }
  })

  test('--check tells every problem with file, line and what was expected', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, `listen:\n  public: {port: 99999}\n  admin: {address: 0.0.0.0}\nvenue: {kind: elsewhere}\nunknown: 1\nstore: {}\nbrands: [nowhere]\n`)
    const checked = await run('perpgate', ['--config', file, '--check'])
    assert.equal(checked.code, 1)
    assert.equal(checked.stdout, '')
    for (const [line, what] of [[2, /65535/], [3, /loopback/], [4, /hyperliquid/], [5, /unknown/], [6, /dataDir/]]) {
      const told = checked.stderr.split('\n').find((text) => text.startsWith(`${file}:${line}: `))
      assert.ok(told, `line ${line}: ${checked.stderr}`)
      assert.match(told, what)
    }
    assert.match(checked.stderr, /nowhere/)
  })

  test('without a configuration, or with arguments it does not know, it does not start', async () => {
    for (const args of [[], ['--config'], ['--nonsense'], ['demo', '--http', '70000'], ['demo', '--http', 'x'], ['demo', '--bogus', '1'], ['--check']]) {
      const ended = await run('perpgate', args)
      assert.equal(ended.code, 2, args.join(' '))
      assert.match(ended.stderr, /usage:/)
    }
    const missing = await run('perpgate', ['--config', join(temporaryFolder(), 'none.yaml')])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /none\.yaml/)
  })
})

describe('the master key', () => {
  test('must be there, private and whole, or nothing starts', async () => {
    const folder = temporaryFolder()
    const file = writeConfig(folder)
    const refused = async (why) => {
      const ended = await run('perpgate', ['--config', file], { PERPGATE_MASTER_KEY: '' })
      assert.equal(ended.code, 1, `${why}: ${ended.stderr}`)
      assert.match(ended.stderr, /master key/)
      return ended.stderr
    }
    await refused('missing')
    const key = writeMasterKey(folder, 0o644)
    assert.ok(!(await refused('world-readable')).includes(key))
    writeMasterKey(folder, 0o640)
    await refused('group-readable')
    for (const text of ['', 'abc', 'z'.repeat(64), `${'ab'.repeat(31)}`, `${'ab'.repeat(33)}`]) {
      writeFileSync(join(folder, 'master.key'), text)
      chmodSync(join(folder, 'master.key'), 0o600)
      const told = await refused(`of ${text.length} characters`)
      assert.ok(text.length < 8 || !told.includes(text), 'and is not shown')
    }
  })

  test('may come from the environment', async () => {
    const folder = temporaryFolder()
    const key = 'ab'.repeat(32)
    const gateway = await startConfigured({ keys: '{}' }, { folder, env: { PERPGATE_MASTER_KEY: key } })
    try {
      await gateway.healthy()
    } finally {
      assert.equal((await gateway.stop()).code, 0)
    }
    assert.ok(!gateway.program.stderr.includes(key))
  })
})

describe('one data folder', () => {
  test('serves one gateway at a time, and only with the master key that it was made with', async () => {
    const folder = temporaryFolder()
    const gateway = await startConfigured({}, { folder })
    const agents = await new Trader(gateway, 'meridian').onboard('1000')
    const second = await run('perpgate', ['--config', gateway.file])
    assert.equal(second.code, 1)
    assert.match(second.stderr, /perpgate\.db/)
    await agents.place({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 5 }) // the first goes on
    await gateway.stop()
    const other = writeMasterKey(folder)
    const refused = await run('perpgate', ['--config', gateway.file])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /key of brand \S+ does not open/)
    assert.ok(!refused.stderr.includes(other))
  })
})

describe('how it is', () => {
  let gateway
  before(async () => {
    gateway = await startDemo()
  })
  after(() => gateway?.stop())

  test('alive and ready, each check told apart, freshness beside it', async () => {
    await gateway.healthy()
    const ready = await gateway.call('GET', '/readyz')
    assert.equal(ready.status, 200)
    assert.equal(ready.json.ready, true)
    for (const name of ['store', 'venue', 'feed', 'running']) assert.deepEqual(ready.json.checks[name], { ok: true, reason: null })
    assert.ok(ready.json.freshness.pricesAgeMs >= 0 && ready.json.freshness.marketsAgeMs >= 0)
  })

  test('metrics are told on the admin listener, in text exposition format, and nowhere else', async () => {
    const admin = (path, method = 'GET') => request(gateway.admin, method, path)
    await gateway.call('GET', '/v1/brand', { host: gateway.host('meridian') })
    const { status, text, type } = await admin('/metrics')
    assert.equal(status, 200)
    assert.match(type, /^text\/plain/)
    for (const name of ['perpgate_http_requests_total', 'perpgate_store_commits', 'perpgate_build_info', 'perpgate_http_connections'])
      assert.match(text, new RegExp(`^${name}[{ ]`, 'm'), name)
    assert.match(text, /^perpgate_http_requests_total\{route="\/v1\/brand",method="GET",code="200",brand="meridian"\} \d+$/m)
    for (const line of text.trim().split('\n')) assert.match(line, /^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_0-9]+(\{.*\})? -?[0-9.e+-]+|[a-z_0-9]+(\{.*\})? \+Inf)$/)
    const typed = [...text.matchAll(/^# TYPE (\S+)/gm)].map((m) => m[1])
    assert.equal(new Set(typed).size, typed.length, 'each is described once')
    problem(await gateway.call('GET', '/metrics', { host: gateway.host('meridian') }), 404, 'not_found')
    assert.equal((await admin('/healthz')).json.status, 'ok')
    assert.equal((await admin('/readyz')).json.ready, true)
    assert.equal((await admin('/v1/brand')).status, 404, 'nothing of the public API')
    assert.equal((await admin('/metrics', 'POST')).status, 405)
  })

  test('the metrics count the WebSockets that are open, and no longer', async () => {
    const open = async () => Number(/^perpgate_http_websockets_open (\d+)$/m.exec((await request(gateway.admin, 'GET', '/metrics')).text)?.[1])
    const before = await open()
    const clients = []
    for (let i = 0; i < 3; i++) clients.push(await StreamClient.open(gateway, 'meridian'))
    await until('three more', async () => (await open()) === before + 3, 60000)
    await clients[0].close()
    await clients[1].cut()
    await until('the third alone', async () => (await open()) === before + 1, 60000)
    await clients[2].close()
    await until('none of them', async () => (await open()) === before, 60000)
  })

  test('a request id is taken over when it is one, else made; in the answer, the problem and the log', async () => {
    const host = gateway.host('meridian')
    const ask = (id) => gateway.call('GET', '/v1/account', { host, headers: id === undefined ? {} : { 'X-Request-Id': id } })
    const mine = randomUUID()
    const answer = await ask(mine)
    assert.equal(answer.headers['x-request-id'], mine)
    assert.equal(answer.json.requestId, mine)
    const made = new Set()
    for (const id of [undefined, '', 'a b', 'x'.repeat(37), 'a"b', '<script>']) {
      const { headers, json } = await ask(id)
      assert.notEqual(headers['x-request-id'], id)
      assert.match(headers['x-request-id'], /^[0-9A-Za-z._-]{8,36}$/)
      assert.equal(json.requestId, headers['x-request-id'])
      made.add(headers['x-request-id'])
    }
    assert.equal(made.size, 6, 'no two alike')
  })

  test('limits are told on every answer, and count down', async () => {
    const host = gateway.host('meridian')
    const left = []
    for (const path of ['/v1/brand', '/v1/brand', '/v1/account', '/v1/nothing']) {
      const { headers } = await gateway.call('GET', path, { host })
      for (const name of ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']) assert.match(headers[name] ?? '', /^\d+$/, `${name} of ${path}`)
      left.push(Number(headers['ratelimit-remaining']))
    }
    assert.ok(left[1] < left[0] || left[0] === left[1] + 0)
    assert.ok(left.every((n) => n <= 1200))
  })

  test('a method that a route does not have: 405 and those it has', async () => {
    const host = gateway.host('meridian')
    for (const [method, path, allowed] of [['POST', '/v1/brand', ['GET']], ['DELETE', '/v1/markets', ['GET']], ['PATCH', '/v1/orders', ['GET', 'POST', 'DELETE']], ['GET', '/v1/auth/login', ['POST']], ['GET', '/v1/positions/BTC/leverage', ['PUT']]]) {
      const answer = await gateway.call(method, path, { host })
      problem(answer, 405, 'invalid_request')
      assert.deepEqual((answer.headers.allow ?? '').split(/, */).filter((m) => m && m !== 'OPTIONS' && m !== 'HEAD').sort(), [...allowed].sort(), `${method} ${path}`)
    }
  })

  test('HTTP as others speak it: HEAD, one connection for many requests, version 1.0', async () => {
    const host = gateway.host('meridian')
    const head = await request(gateway.http, 'HEAD', '/healthz', { host })
    assert.deepEqual([head.status, head.text], [200, ''])
    const get = (path) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`
    const many = await rawExchange(gateway.http, `${get('/healthz')}\r\n${get('/v1/brand')}\r\n${get('/v1/nothing')}Connection: close\r\n\r\n`)
    assert.deepEqual([...many.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ['200', '200', '404'])
    const old = await rawExchange(gateway.http, `GET /v1/brand HTTP/1.0\r\nHost: ${host}\r\n\r\n`)
    assert.match(old, /^HTTP\/1\.1 200 [\s\S]*Connection: close/)
  })

  test('every answer says that it must not be sniffed or kept', async () => {
    for (const path of ['/healthz', '/v1/brand', '/v1/account', '/v1/nothing']) {
      const { headers } = await gateway.call('GET', path, { host: gateway.host('meridian') })
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers.server, undefined)
    }
  })

  test('one caller beyond the limit waits, the others do not', async () => {
    const spender = new Trader(gateway, 'harbor')
    await spender.signIn()
    const other = new Trader(gateway, 'harbor')
    await other.signIn()
    let limited
    for (let i = 0; i < 15 && !limited; i++) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => spender.call('GET', '/v1/orders/none')))
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => spender.call('GET', '/v1/positions/NONE')))))
      limited = answers.find((a) => a.status === 429)
    }
    assert.ok(limited, 'the 600 a minute of the brand are a limit')
    problem(limited, 429, 'rate_limited')
    assert.equal(limited.json.retryable, true)
    assert.ok(Number(limited.headers['retry-after']) >= 1)
    assert.equal(limited.headers['ratelimit-limit'], '600')
    assert.equal((await other.call('GET', '/v1/account')).status, 200)
  })
})

describe('reloading', () => {
  test('SIGHUP takes a good configuration whole, and a bad one not at all', async () => {
    const folder = temporaryFolder()
    for (const id of ['meridian', 'harbor']) cpSync(join(REPO, 'branding', id), join(folder, 'brands', id), { recursive: true })
    const brands = `[${join(folder, 'brands/meridian')}, ${join(folder, 'brands/harbor')}]`
    const gateway = await startConfigured({ brands }, { folder })
    try {
      const trader = new Trader(gateway, 'meridian')
      await trader.signIn()
      const brand = async () => (await gateway.call('GET', '/v1/brand', { host: gateway.host('meridian') })).json
      const file = join(folder, 'brands/meridian/brand.yaml')
      const good = readFileSync(file, 'utf8')
      assert.equal((await brand()).tagline, 'Every position stands alone.')

      writeFileSync(file, good.replace('Every position stands alone.', 'Changed while it ran.'))
      gateway.program.signal('SIGHUP')
      await until('the new tagline', async () => (await brand()).tagline === 'Changed while it ran.')
      await trader.ok('GET', '/v1/account') // sessions live on

      writeFileSync(file, good.replace('Every position stands alone.', 'Never seen.').replace('defaultMode: isolated', 'defaultMode: sideways'))
      gateway.program.signal('SIGHUP')
      await until('the refusal in the log', () => /configuration not reloaded/.test(gateway.program.stderr))
      assert.match(gateway.program.stderr, /brand\.yaml:\d+/)
      assert.equal((await brand()).tagline, 'Changed while it ran.')
      assert.equal((await brand()).defaultMarginMode, 'isolated')

      writeFileSync(file, good)
      gateway.program.signal('SIGHUP')
      await until('the first tagline', async () => (await brand()).tagline === 'Every position stands alone.')
      await trader.ok('GET', '/v1/account')
    } finally {
      assert.equal((await gateway.stop()).code, 0)
    }
  })
})

describe('ending', () => {
  const settings = { venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 5000}' }
  const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 5 }

  test('SIGTERM lets an order under way end with its answer, then exits 0; what was there is there after a start', async () => {
    const folder = temporaryFolder()
    const gateway = await startConfigured(settings, { folder })
    const trader = await new Trader(gateway, 'meridian').onboard('1000')
    const headers = { 'Idempotency-Key': randomUUID() }
    await trader.ok('PUT', '/v1/positions/BTC/leverage', { leverage: 5 })
    await gateway.venue.fault('delay', 1, { path: 'exchange', delayMs: 700 })
    const placing = trader.call('POST', '/v1/orders', order, headers)
    for (let i = 0; i < 5; i++) await request(gateway.admin, 'GET', '/healthz') // the order is there by then
    await until('the order under way', async () => /^perpgate_actions_open [1-9]/m.test((await request(gateway.admin, 'GET', '/metrics')).text))
    gateway.program.signal('SIGTERM')
    const placed = await placing
    assert.equal(placed.status, 200, placed.text)
    assert.equal(placed.json.status, 'resting')
    assert.deepEqual(await gateway.program.ended, { code: 0, signal: null })
    await assert.rejects(request(gateway.http, 'GET', '/healthz'), /ECONNREFUSED/)

    const again = await startConfigured({}, { folder, keepsKey: true })
    try {
      trader.gateway = again
      await trader.ok('GET', '/v1/account') // the session
      const replayed = await trader.call('POST', '/v1/orders', order, headers) // and the answer
      assert.equal(replayed.headers['idempotent-replayed'], 'true', replayed.text)
      assert.equal(replayed.text, placed.text)
      assert.equal((await again.venue.ledger()).length, 0, 'the venue is a new one, and was asked for nothing')
    } finally {
      assert.equal((await again.stop()).code, 0)
    }
  })

  test('SIGINT ends it as well; idle connections do not hold it', async () => {
    const gateway = await startDemo()
    await gateway.call('GET', '/v1/brand', { host: gateway.host('meridian') }) // kept alive by the agent
    gateway.program.signal('SIGINT')
    assert.deepEqual(await gateway.program.ended, { code: 0, signal: null })
    gateway.agent.destroy()
  })

  test('a demo leaves nothing behind, and with --data keeps what it had', async () => {
    const tmp = temporaryFolder()
    const gateway = await startDemo({ env: { TMPDIR: tmp } })
    assert.equal(readdirSync(tmp).length, 1)
    assert.equal((await gateway.stop()).code, 0)
    assert.deepEqual(readdirSync(tmp), [])

    const data = join(temporaryFolder(), 'kept')
    const first = await startDemo({ args: ['--data', data] })
    const trader = new Trader(first, 'meridian')
    await trader.signIn()
    assert.equal((await first.stop()).code, 0)
    const second = await startDemo({ args: ['--data', data] })
    try {
      trader.gateway = second
      await trader.ok('GET', '/v1/account') // the session is in the store
    } finally {
      await second.stop()
    }
    assert.ok(existsSync(join(data, 'perpgate.db')))
  })
})

describe('secrets', () => {
  test('files are for their owner alone, and the log tells none', async () => {
    const folder = temporaryFolder()
    const gateway = await startConfigured({ log: '{level: debug}' }, { folder })
    const trader = await new Trader(gateway, 'meridian').onboard('1000')
    const { message } = await trader.challenge()
    const nonce = /Nonce: (\S+)/.exec(message)[1]
    await trader.call('POST', '/v1/auth/login', { message, signature: `0x${'42'.repeat(65)}` })
    await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '50', leverage: 5 })
    await trader.call('GET', `/v1/account?token=${trader.token}`)
    for (const name of readdirSync(folder).filter((n) => n.startsWith('perpgate.db'))) assert.equal(mode(join(folder, name)) & 0o077, 0, name)
    assert.ok(existsSync(join(folder, 'perpgate.db')))
    const database = Buffer.concat(readdirSync(folder).filter((n) => n.startsWith('perpgate.db')).map((n) => readFileSync(join(folder, n))))
    assert.equal((await gateway.stop()).code, 0)
    const log = gateway.program.stderr + gateway.program.stdout.join('\n')
    assert.ok(log.length > 0)
    const token = Buffer.from(trader.token, 'base64url')
    for (const [what, secret] of [['the session token', trader.token], ['its bytes', token.toString('hex')], ['the master key', gateway.masterKey], ['a nonce', nonce], ['a signature', '42'.repeat(65)]])
      assert.ok(!log.toLowerCase().includes(secret.toLowerCase()), `${what} is in the log`)
    for (const [what, secret] of [['the session token', Buffer.from(trader.token)], ['its bytes', token], ['the master key', Buffer.from(gateway.masterKey, 'hex')]])
      assert.equal(database.indexOf(secret), -1, `${what} is in the database`)
    for (const line of gateway.program.stderr.trim().split('\n')) assert.match(line, /^ts=\S+ level=(error|warn|info|debug) msg=/)
  })

  test('no core is dumped', { skip: process.platform !== 'linux' }, async () => {
    const gateway = await startDemo()
    try {
      const limits = readFileSync(`/proc/${gateway.program.child.pid}/limits`, 'utf8')
      assert.match(limits, /^Max core file size +0 +0 /m)
    } finally {
      await gateway.stop()
    }
  })

  test("a demo's key and folder are for their owner alone", async () => {
    const data = join(temporaryFolder(), 'demo')
    const gateway = await startDemo({ args: ['--data', data] })
    try {
      assert.equal(mode(data), 0o700)
      assert.equal(mode(join(data, 'master.key')), 0o600)
      for (const name of readdirSync(data)) assert.equal(mode(join(data, name)) & 0o077, 0, name)
    } finally {
      await gateway.stop()
    }
  })
})
