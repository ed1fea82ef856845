// What is signed, refused and done by the operator is in the audit log, once; whoever changes the log afterwards
// is found out by a program that believes nothing but the file.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { BUILD, Trader, request, run, startConfigured, temporaryFolder, until, writeConfig } from './harness.mjs'

const resting = (more = {}) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 5, ...more })
const lines = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line))

async function audit(...args) {
  const ended = await run('perpgatectl', ['audit', ...args])
  return { code: ended.code, rows: ended.code === 2 ? [] : lines(ended.stdout), stderr: ended.stderr }
}

describe('the log of a gateway that runs', () => {
  const folder = temporaryFolder()
  const store = join(folder, 'perpgate.db')
  let gateway, trader

  const list = async (...more) => (await audit('list', '--store', store, '--brand', 'harbor', ...more)).rows
  const of = async (action, who = trader) =>
    (await list()).filter((row) => row.action === action && row.actor === who.address).map((row) => ({ ...row, detail: JSON.parse(row.detail) }))

  before(async () => {
    gateway = await startConfigured({}, { folder })
    await gateway.price('BTC', '100000')
    trader = await new Trader(gateway, 'harbor').onboard('10000')
  })
  after(() => gateway?.stop())

  test('has each signed action once, with its nonce and digest', async () => {
    const before = (await of('signed')).length
    const placed = await trader.place(resting(), { 'Idempotency-Key': randomUUID() })
    await trader.ok('DELETE', `/v1/orders/${placed.id}`)
    const rows = (await of('signed')).slice(before)
    assert.deepEqual(rows.map((row) => row.detail.kind), ['order', 'cancel'])
    const ledger = (await gateway.venue.ledger()).filter((row) => row.nonce !== undefined).map((row) => row.nonce)
    for (const row of rows) {
      assert.equal(row.detail.account, trader.address)
      for (const step of row.detail.steps) {
        assert.match(step.digest, /^0x[0-9a-f]{64}$/)
        assert.ok(ledger.includes(step.nonce), `the venue saw nonce ${step.nonce}`)
      }
    }
    assert.deepEqual(rows[0].detail.steps.map((step) => step.action), ['setLeverage', 'order'])
  })

  test('has a replay, a preview and a read not at all', async () => {
    const key = { 'Idempotency-Key': randomUUID() }
    await trader.place(resting(), key)
    const before = (await list()).length
    await trader.place(resting(), key)
    await trader.preview(resting())
    await trader.call('POST', '/v1/orders/preview', resting({ size: '0' }))
    await trader.call('GET', '/v1/orders/nothing')
    assert.equal((await list()).length, before)
    await trader.ok('DELETE', '/v1/orders?symbol=BTC')
  })

  test('has what the venue refused, after what was signed', async () => {
    const before = (await list()).length
    await trader.call('POST', '/v1/orders', resting({ price: '150000', timeInForce: 'alo' }))
    const rows = (await list()).slice(before)
    assert.deepEqual(rows.map((row) => row.action), ['signed', 'rejected'])
    assert.equal(JSON.parse(rows[1].detail).intent, JSON.parse(rows[0].detail).intent)
  })

  test('has changes of rights: sessions, agents, keys, guards, switches', async () => {
    const who = await new Trader(gateway, 'harbor').onboard('5000')
    const key = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })
    await who.ok('DELETE', `/v1/api-keys/${key.id}`)
    await who.ok('POST', '/v1/dead-man', { timeoutMs: 60000 })
    await who.ok('POST', '/v1/dead-man', { timeoutMs: 60000 }) // going on is no news
    await who.ok('POST', '/v1/dead-man', { timeoutMs: null })
    await who.ok('DELETE', '/v1/agent')
    await who.ok('POST', '/v1/auth/logout')
    const rows = (await list()).filter((row) => row.actor === who.address)
    const count = (action) => rows.filter((row) => row.action === action).length
    for (const action of ['session_began', 'agent_made', 'agent_approved', 'agent_retired', 'api_key_made', 'api_key_deleted',
      'dead_man_armed', 'dead_man_disarmed', 'session_ended']) assert.equal(count(action), 1, `${action}: ${JSON.stringify(rows.map((r) => r.action))}`)
    const text = JSON.stringify(rows)
    assert.ok(!text.includes(key.secret), 'no secret of a key')
    assert.ok(!text.includes(who.token), 'no token')
  })

  test('has a refusal of what would have traded, with its code', async () => {
    await trader.refused(422, 'order_too_small', 'POST', '/v1/orders', resting({ size: '0.00001' }))
    await trader.refused(400, 'invalid_request', 'POST', '/v1/orders', { symbol: 'BTC', secretly: 'hush' })
    const rows = await until('both are written', async () => {
      const all = await of('refused')
      return all.length >= 2 && all.slice(-2)
    })
    assert.deepEqual(rows.map((row) => row.detail.code), ['order_too_small', 'invalid_request'])
    assert.equal(rows[0].detail.route, '/v1/orders')
    assert.ok(!JSON.stringify(rows).includes('hush'), 'nothing that was sent')
  })

  test('can not be filled by being refused', async () => {
    const pest = new Trader(gateway, 'harbor')
    await pest.signIn()
    const before = (await list()).length
    await Promise.all(Array.from({ length: 60 }, () => pest.call('POST', '/v1/orders', { nonsense: 1 })))
    await Promise.all(Array.from({ length: 60 }, () => request(gateway.http, 'POST', '/v1/orders', { host: pest.host, body: {} })))
    assert.ok((await list()).length - before <= 11, `${(await list()).length - before} records`)
  })

  test('is whole while the gateway runs, and where it ends is told', async () => {
    const { json } = await request(gateway.admin, 'GET', '/audit/head')
    const head = json.heads.find((row) => row.brand === 'harbor')
    assert.match(head.head, /^harbor:[0-9]+:[0-9a-f]{64}$/)
    const checked = await audit('verify', '--store', store, '--head', head.head)
    assert.equal(checked.code, 0, JSON.stringify(checked))
    assert.equal(checked.rows.at(-1).status, 'whole')
    assert.ok(checked.rows.some((row) => row.brand === 'harbor' && row.seq >= head.seq))
    const asked = await run('perpgatectl', ['--admin', gateway.admin, 'audit', 'head'])
    assert.equal(asked.code, 0)
    assert.ok(JSON.parse(asked.stdout).heads.length >= 1)
    // One that was never there.
    const forged = head.head.slice(0, -1) + (head.head.endsWith('0') ? '1' : '0')
    const other = await audit('verify', '--store', store, '--head', forged)
    assert.deepEqual([other.code, other.rows.at(-1).fault], [1, 'not_the_noted_head'])
    const beyond = await audit('verify', '--store', store, '--brand', 'harbor', '--head', `${head.seq + 100000}:${'0'.repeat(64)}`)
    assert.deepEqual([beyond.code, beyond.rows.at(-1).fault], [1, 'truncated'])
  })

  test('tells a byte that was changed in a copy', async () => {
    const copy = join(folder, 'copy.db')
    await trader.refused(422, 'order_too_small', 'POST', '/v1/orders', resting({ size: '0.00001', clientId: 'before-the-copy' }))
    await gateway.stop()
    copyFileSync(store, copy)
    assert.equal((await audit('verify', '--store', copy)).code, 0)
    const rows = (await audit('list', '--store', copy, '--brand', 'harbor')).rows
    assert.equal(rows.at(-1).action, 'gateway_stopped')
    assert.deepEqual(rows.filter((row) => row.actor === 'operator').map((row) => row.action), ['brand_key_made', 'gateway_started', 'drain_began', 'gateway_stopped'])
    const bytes = readFileSync(copy)
    const at = bytes.indexOf('order_too_small')
    assert.ok(at > 0)
    bytes[at] ^= 1
    writeFileSync(copy, bytes)
    const broken = await audit('verify', '--store', copy)
    assert.equal(broken.code, 1)
    assert.equal(broken.rows.at(-1).status, 'broken')
    assert.equal(broken.rows.at(-1).fault, 'content_changed')
    assert.equal(broken.rows.at(-1).brand, 'harbor')
    assert.ok(broken.rows.at(-1).seq > 0)
    assert.equal((await audit('verify', '--store', copy, '--brand', 'meridian')).code, 0, 'the other brand is as it was')
    gateway = await startConfigured({}, { folder, keepsKey: true })
  })

  test('is whole after the gateway was killed, and goes on', async () => {
    trader = await new Trader(gateway, 'harbor').onboard('10000')
    const orders = Array.from({ length: 20 }, (_, i) => trader.call('POST', '/v1/orders', resting({ price: String(40000 + i) })).catch(() => {}))
    await Promise.race(orders)
    await gateway.program.stop('SIGKILL')
    gateway.agent.destroy()
    await Promise.allSettled(orders)
    const killed = await audit('verify', '--store', store)
    assert.equal(killed.code, 0, JSON.stringify(killed.rows.at(-1)))
    gateway = await startConfigured({}, { folder, keepsKey: true })
    const on = await audit('verify', '--store', store)
    assert.equal(on.code, 0)
    assert.ok(on.rows.at(-1).records > killed.rows.at(-1).records)
  })

  test('has a reload, done or refused', async () => {
    gateway.program.signal('SIGHUP')
    await until('the reload is in the log', async () => (await list()).some((row) => row.action === 'config_reloaded'))
    writeConfig(folder, { unknown: '1' })
    gateway.program.signal('SIGHUP')
    await until('the refusal is in the log', async () => (await list()).some((row) => row.action === 'config_refused'))
    writeConfig(folder)
  })
})

test('words that are not understood, and files that are none, are told apart', async () => {
  const folder = temporaryFolder()
  const none = join(folder, 'none.db')
  for (const args of [[], ['verify'], ['nonsense', '--store', none], ['verify', '--store'], ['verify', '--bogus', '1'],
    ['verify', '--store', none, '--head', 'x'], ['list', '--store', none, '--from', '-1'], ['verify', '--store', none, '--brand', '']]) {
    const ended = await audit(...args)
    assert.equal(ended.code, 2, `${args.join(' ')}: ${ended.stderr}`)
    assert.match(ended.stderr, /usage:/)
  }
  for (const file of [none, folder, join(BUILD, 'perpgatectl')]) {
    const ended = await audit('verify', '--store', file)
    assert.equal(ended.code, 3, file)
    assert.ok(ended.stderr.length > 0)
  }
})
