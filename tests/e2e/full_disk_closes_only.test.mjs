// A disk that is full: what opens risk is refused before anything is signed, closing, cancelling and
// reading go on, nothing that was acknowledged is lost, and with space it all goes on without a restart.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Trader, request, signsNothing, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const folder = temporaryFolder()
const disk = join(folder, 'disk')
const filler = join(disk, 'filler')
mkdirSync(disk)

// A file system of its own takes rights that not everybody who runs the tests has.
let isMounted = false
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'none', disk], { stdio: 'pipe' })
  isMounted = true
} catch {
  // Told below, as the reason why nothing runs.
}

function fill() {
  const file = openSync(filler, 'a')
  const block = Buffer.alloc(4096, 1)
  try {
    for (;;) writeSync(file, block)
  } catch (error) {
    assert.equal(error.code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}

const resting = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '80000', marginMode: 'isolated', leverage: 10 }
const filling = { symbol: 'ETH', side: 'buy', type: 'market', size: '0.1', marginMode: 'isolated', leverage: 10 }

describe('a full disk', { skip: isMounted ? false : 'no file system can be mounted here' }, () => {
  let paper, gateway, trader
  const acknowledged = []

  const start = () =>
    startConfigured(
      {
        venue: `{baseUrl: "${paper.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200}`,
        paper: '{enabled: false}',
        store: `{dataDir: ${disk}}`,
        log: '{level: debug}',
      },
      { folder, keepsKey: gateway !== undefined },
    )
  const ready = async () => (await request(gateway.admin, 'GET', '/readyz')).json
  const metrics = async () => {
    const { text } = await request(gateway.admin, 'GET', '/metrics')
    return (name) => Number(new RegExp(`^${name} (-?\\d+)$`, 'm').exec(text)?.[1])
  }

  before(async () => {
    paper = await startPaper(['--still'])
    gateway = await start()
    gateway.paperVenue = paper
    await Promise.all([gateway.price('BTC', '100000'), gateway.price('ETH', '4000')])
    trader = await new Trader(gateway, 'harbor').onboard('100000')
    for (let i = 0; i < 3; i++) acknowledged.push(await trader.place({ ...resting, price: String(80000 + i * 10) }))
    await trader.place(filling)
  })
  after(async () => {
    await gateway?.stop()
    await paper?.stop()
    if (isMounted) execFileSync('umount', [disk])
  })

  test('nothing opens, and it says why', async () => {
    fill()
    // The log may have room for a few more: those are recorded as ever.
    await until('an opening is refused', async () => {
      const answer = await trader.call('POST', '/v1/orders', resting)
      if (answer.status === 200) acknowledged.push(answer.json)
      return answer.status === 503
    })
    await signsNothing({ ...gateway, venue: paper, healthy: async () => {} }, async () => {
      await trader.refused(503, 'trading_halted', 'POST', '/v1/orders', resting)
      await trader.refused(503, 'trading_halted', 'POST', '/v1/orders', filling)
      await trader.refused(503, 'trading_halted', 'PUT', '/v1/positions/SOL/leverage', { marginMode: 'isolated', leverage: 3 })
    })
    const health = await ready()
    assert.equal(health.ready, false)
    assert.equal(health.checks.store.ok, false)
    assert.match(health.checks.store.reason, /full/)
    assert.equal((await request(gateway.admin, 'GET', '/healthz')).status, 200)
    const number = await metrics()
    assert.equal(number('perpgate_store_up'), 0)
    assert.ok(number('perpgate_store_reserve_free_bytes') > 1000000)
  })

  test('closing, cancelling and reading go on', async () => {
    const cancelled = acknowledged.pop()
    await trader.ok('DELETE', `/v1/orders/${cancelled.id}`)
    assert.equal((await trader.ok('GET', `/v1/orders/${cancelled.id}`)).status, 'cancelled')
    const reducing = await trader.place({ symbol: 'ETH', side: 'sell', type: 'market', size: '0.04', reduceOnly: true })
    assert.equal(reducing.status, 'filled')
    const key = { 'Idempotency-Key': randomUUID() }
    const first = await trader.call('DELETE', '/v1/positions/ETH', undefined, key)
    assert.equal(first.status, 200, first.text)
    const again = await trader.call('DELETE', '/v1/positions/ETH', undefined, key)
    assert.equal(again.status, 200, again.text)
    assert.equal(again.json.id, first.json.id, 'the same request has the same answer')
    assert.equal(await trader.venuePosition('ETH'), undefined)
    for (const order of acknowledged)
      assert.equal((await trader.ok('GET', `/v1/orders/${order.id}`)).status, 'resting')
    const number = await metrics()
    assert.ok(number('perpgate_store_reserve_records') > 0)
    acknowledged.closeKey = key
    acknowledged.closed = first.json.id
  })

  test('with space it takes over what it noted, and opens again, without a restart', async () => {
    unlinkSync(filler)
    await until('it is ready', async () => (await ready()).ready)
    const number = await metrics()
    assert.equal(number('perpgate_store_up'), 1)
    assert.equal(number('perpgate_store_reserve_records'), 0)
    const placed = await trader.place({ ...resting, price: '81000' })
    acknowledged.push(placed)
    assert.equal(placed.status, 'resting')
  })

  test('after a kill everything that was acknowledged is there', async () => {
    const { closeKey, closed } = acknowledged
    await gateway.program.stop('SIGKILL')
    gateway = await start()
    gateway.paperVenue = paper
    trader.gateway = gateway
    for (const order of acknowledged)
      assert.equal((await trader.ok('GET', `/v1/orders/${order.id}`)).status, 'resting')
    const again = await trader.call('DELETE', '/v1/positions/ETH', undefined, closeKey)
    assert.equal(again.json.id, closed)
    const rows = (await paper.ledger()).filter((row) => row.account?.toLowerCase() === trader.address)
    assert.ok(!rows.some((row) => /nonce/i.test(JSON.stringify(row.effect ?? row.error ?? ''))), 'no nonce was refused')
  })
})
