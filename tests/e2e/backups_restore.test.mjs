// A backup is made while orders are placed; put back after a loss it has every order that was acknowledged
// before it, what came after is told as the venue tells it, and trading goes on without a refused nonce.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Trader, request, run, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const folder = temporaryFolder()
const data = join(folder, 'data')
mkdirSync(data, { mode: 0o700 })
const order = (i) => ({ symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: String(80000 + i), marginMode: 'isolated', leverage: 10 })

let paper, gateway, trader
const start = async () => {
  gateway = await startConfigured(
    {
      venue: `{baseUrl: "${paper.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
      paper: '{enabled: false}',
      store: `{dataDir: ${data}, backupDir: ${join(folder, 'backups')}, backupBytesPerSecond: 409600}`,
    },
    { folder, keepsKey: gateway !== undefined },
  )
  gateway.paperVenue = paper
  if (trader) trader.gateway = gateway
}
const ctl = (...args) => run('perpgatectl', ['--admin', gateway.admin, ...args])
const restore = (...args) => run('perpgatectl', ['restore', '--data', data, ...args])

before(async () => {
  paper = await startPaper(['--still'])
  await start()
  await gateway.price('BTC', '100000')
  trader = await new Trader(gateway, 'harbor').onboard('100000')
})
after(async () => {
  await gateway?.stop()
  await paper?.stop()
})

describe('a backup', () => {
  const before = []
  const later = []
  let made

  test('is made while orders are placed, for its owner alone, with its checksum', async () => {
    for (let i = 0; i < 10; i++) before.push(await trader.place(order(i)))
    const asked = ctl('backup', 'monday.db')
    const during = []
    let isMade = false
    asked.then(() => (isMade = true))
    for (let i = 10; !isMade && i < 300; i++) during.push(await trader.place(order(i)))
    const ended = await asked
    assert.equal(ended.code, 0, ended.stderr)
    made = JSON.parse(ended.stdout)
    assert.equal(made.state, 'done')
    assert.ok(during.length > 0, 'orders were placed meanwhile')
    assert.equal(statSync(made.file).mode & 0o777, 0o600)
    const sum = createHash('sha256').update(readFileSync(made.file)).digest('hex')
    assert.equal(sum, made.sha256)
    assert.equal(readFileSync(`${made.file}.sha256`, 'utf8'), `${sum}  monday.db\n`)
    assert.deepEqual(readdirSync(join(folder, 'backups')).sort(), ['monday.db', 'monday.db.sha256'])
    later.push(...during)
  })

  test('replaces nothing, and takes plain names only', async () => {
    const again = await ctl('backup', 'monday.db')
    assert.equal(again.code, 1)
    assert.match(again.stderr, /there already/)
    assert.equal((await ctl('backup', '../monday.db')).code, 1)
    assert.equal((await ctl('backup', 'a', 'b')).code, 2)
    const sneaked = await request(gateway.admin, 'POST', '/backup', { body: 'name', headers: { 'Content-Type': 'text/plain' } })
    assert.equal(sneaked.status, 415, sneaked.text)
  })

  test('is not put back under a gateway that runs', async () => {
    const refused = await restore(made.file)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /in use/)
  })

  test('put back, it has what was acknowledged before it, and trading goes on', async () => {
    for (let i = 400; i < 405; i++) later.push(await trader.place(order(i)))
    const nonces = (await paper.ledger()).filter((row) => row.type === 'order').map((row) => row.nonce)
    await gateway.program.stop('SIGKILL')
    const damaged = join(folder, 'damaged.db')
    copyFileSync(made.file, damaged)
    copyFileSync(`${made.file}.sha256`, `${damaged}.sha256`)
    const bytes = readFileSync(damaged)
    bytes[5000] ^= 1
    writeFileSync(damaged, bytes)
    const refused = await restore(damaged)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /checksum/)

    const restored = await restore(made.file)
    assert.equal(restored.code, 0, restored.stderr)
    assert.match(restored.stdout, /what was there before/)
    assert.match(restored.stdout, /the audit log is whole/)
    assert.ok(readdirSync(data).some((name) => name.startsWith('perpgate.db.replaced-')))
    assert.ok(!existsSync(join(data, 'perpgate.db-wal')))
    await start()
    // Everybody signs in again: sessions that were ended since would be back.
    assert.equal((await trader.call('GET', '/v1/orders')).status, 401)
    await trader.signIn()
    for (const placed of before)
      assert.equal((await trader.ok('GET', `/v1/orders/${placed.id}`)).status, 'resting')

    // What came after the copy is not in the journal: the venue tells it.
    const open = []
    let cursor
    do {
      const page = await trader.ok('GET', `/v1/orders?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
      open.push(...page.data)
      cursor = page.nextCursor
    } while (cursor)
    for (const placed of [...before, ...later])
      assert.ok(open.some((o) => o.id === placed.id), `${placed.id} is listed`)
    const unknown = later.at(-1)
    assert.equal((await trader.ok('GET', `/v1/orders/${unknown.id}`)).status, 'resting')
    assert.equal((await trader.ok('DELETE', `/v1/orders/${unknown.id}`)).status, 'cancelled')

    // And nonces go on above all that the venue has seen.
    const more = await Promise.all([500, 501, 502].map((i) => trader.place(order(i))))
    for (const placed of more) assert.equal(placed.status, 'resting')
    const rows = (await paper.ledger()).filter((row) => row.type === 'order')
    const fresh = rows.filter((row) => more.some((placed) => row.action.orders[0].c === placed.id))
    assert.equal(fresh.length, 3)
    for (const row of fresh) assert.ok(row.nonce > Math.max(...nonces))
  })
})

describe('the master key', () => {
  const key = join(folder, 'master.key')
  const rotate = () => run('perpgatectl', ['rotate-master-key', '--data', data, '--key', key])
  let kept

  test('is not changed under a gateway that runs', async () => {
    const refused = await rotate()
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /in use/)
  })

  test('is changed, and agents sign as before', async () => {
    const old = readFileSync(key, 'utf8').trim()
    await gateway.stop()
    const done = await rotate()
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, /2 brand keys/)
    kept = /^(.*): the old key/m.exec(done.stdout)[1]
    assert.notEqual(readFileSync(key, 'utf8').trim(), old)
    assert.equal(readFileSync(kept, 'utf8').trim(), old)
    for (const file of [key, kept]) assert.equal(statSync(file).mode & 0o777, 0o600)
    for (const text of [done.stdout, done.stderr])
      for (const secret of [old, readFileSync(key, 'utf8').trim()]) assert.ok(!text.includes(secret))
    await start()
    assert.equal((await trader.place(order(600))).status, 'resting')
  })

  test('half changed, the gateway finds the key that opens, and the change can be finished', async () => {
    await gateway.stop()
    const done = await rotate()
    assert.equal(done.code, 0, done.stderr)
    const last = /^(.*): the old key/m.exec(done.stdout)[1]
    renameSync(key, `${key}.next`) // as if it had been interrupted here
    renameSync(last, key)
    await start()
    assert.equal((await trader.place(order(601))).status, 'resting')
    assert.match(gateway.program.stderr, /half rotated/)
    await gateway.stop()
    assert.equal((await rotate()).code, 0)
    assert.ok(!existsSync(`${key}.next`))
    await start()
    assert.equal((await trader.place(order(602))).status, 'resting')
  })

  test('of before opens a backup of before', async () => {
    await gateway.stop()
    assert.equal((await restore(join(folder, 'backups', 'monday.db'))).code, 0)
    const ended = await run('perpgate', ['--config', gateway.file])
    assert.equal(ended.code, 1, 'the new key does not open it')
    assert.match(ended.stderr, /does not open/)
    copyFileSync(kept, key)
    await start()
    await trader.signIn()
    assert.equal((await trader.place(order(700))).status, 'resting')
    await until('it is ready', async () => (await request(gateway.admin, 'GET', '/readyz')).json.ready)
  })
})
