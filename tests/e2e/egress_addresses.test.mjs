// Several egress addresses: the venue counts each by itself, so polls grow with them and nothing is ever
// refused; an address that fails is left; orders notice none of it. And a node beside the venue.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConfigured, startPaper, Trader, request, until } from './harness.mjs'

// Nobody has it: of a network kept for documents.
const NOBODYS = '203.0.113.77'
const POLL_WEIGHT = 300
const FIRST_POLL = 22 // an account's state and how its money is pooled

async function venue(args = []) {
  const paper = await startPaper(['--testnet', '--ungated', '--still', ...args])
  return { paper, stop: () => paper.stop() }
}

async function gateway(paper, settings, mirror = '{}') {
  const started = await startConfigured({
    venue: `{baseUrl: "${paper.base}", network: testnet, contextsEveryMs: 5000, ${settings}}`,
    mirror,
    paper: '{enabled: false}',
  })
  started.paperVenue = paper
  return started
}

async function metrics(started) {
  const { text } = await request(started.admin, 'GET', '/metrics')
  return text
}

async function metric(started, name) {
  const line = (await metrics(started)).split('\n').find((row) => row.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

const limits = (paper) => paper.control('GET', '/paper/limits')
const node = (paper, body) => paper.control('POST', '/paper/node', body)

async function signedIn(started, n) {
  const traders = Array.from({ length: n }, () => new Trader(started, 'harbor'))
  for (const trader of traders) {
    await trader.signIn()
    await trader.ok('GET', '/v1/api-keys') // reads nothing at the venue
  }
  return traders
}

const polled = (started) => metric(started, 'perpgate_mirror_reads_total{result="ok"}')

test('polls grow with the addresses, and none is refused', async () => {
  const { paper, stop } = await venue(['--limits'])
  const one = await gateway(paper, 'egress: [127.0.0.9], weightPerMinute: 1200')
  const three = await gateway(paper, 'egress: [127.0.0.2, 127.0.0.3, 127.0.0.4], weightPerMinute: 1200')
  const began = Date.now()
  // Before a wallet has any money there: nothing but polls reads these accounts.
  for (const started of [one, three]) await signedIn(started, 45)
  const enough = Math.floor((3 * POLL_WEIGHT) / FIRST_POLL) - 3
  await until('three addresses poll three times as much', async () => (await polled(three)) >= enough, 90000)
  // A minute's worth, and another for each minute that has begun since.
  const minutes = Math.ceil((Date.now() - began) / 60000) + 1
  assert.ok((await polled(one)) <= minutes * Math.ceil((POLL_WEIGHT + 42) / FIRST_POLL), 'one address polls by its own weight')
  const counted = await limits(paper)
  const used = Object.fromEntries(counted.map((row) => [row.address, row]))
  for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.9']) {
    assert.ok(used[address].requests > 0, `${address} was used`)
    assert.equal(used[address].refused, 0, `${address} was never refused`)
    const name = `perpgate_venue_egress_requests_total{address="${address}",result="sent"}`
    assert.ok((await metric(address === '127.0.0.9' ? one : three, name)) > 0, name)
  }
  for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4'])
    assert.ok(used[address].sockets > 0, `a socket comes from ${address}`)
  await one.stop()
  await three.stop()
  await stop()
})

test('an address that nobody has is left, and trading goes on', async () => {
  const { paper, stop } = await venue(['--limits'])
  const started = await gateway(paper, `egress: [${NOBODYS}, 127.0.0.2], weightPerMinute: 1200`)
  const trader = await new Trader(started, 'harbor').onboard()
  const placed = await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '500', leverage: 5 })
  assert.equal(placed.status, 'filled')
  assert.equal(await metric(started, `perpgate_venue_egress_requests_total{address="127.0.0.2",result="failed"}`), 0)
  assert.ok((await metric(started, `perpgate_venue_egress_requests_total{address="${NOBODYS}",result="failed"}`)) > 0)
  await until('the feed is whole', async () => (await metric(started, 'perpgate_feed_topics_live{kind="contexts"}')) === 1, 30000)
  await until('all trades are', async () => {
    const text = await metrics(started)
    const of = (name) => Number(new RegExp(`^${name}\\{kind="trades"\\} (\\d+)$`, 'm').exec(text)[1])
    return of('perpgate_feed_topics_wanted') > 0 && of('perpgate_feed_topics_live') === of('perpgate_feed_topics_wanted')
  }, 30000)
  assert.equal(await metric(started, `perpgate_feed_egress_connections{address="${NOBODYS}"}`), 0)
  await started.stop()
  await stop()
})

test('orders do not notice that polls are refused', async () => {
  const { paper, stop } = await venue()
  const started = await gateway(paper, 'egress: [127.0.0.2, 127.0.0.3], weightPerMinute: 1200')
  const trader = await new Trader(started, 'harbor').onboard()
  const order = { symbol: 'BTC', side: 'buy', type: 'limit', price: '50000', size: '0.001', leverage: 5 }
  assert.equal((await trader.place(order)).status, 'resting')
  const info = async () => {
    const rows = (await metrics(started)).matchAll(/^perpgate_venue_requests_total\{kind="(\w+)",.*\} (\d+)$/gm)
    return [...rows].filter(([, kind]) => kind !== 'metaAndAssetCtxs').reduce((sum, [, , n]) => sum + Number(n), 0)
  }
  await until('the account is judged without a read', async () => {
    const before = await info()
    await trader.preview(order)
    return (await info()) === before
  })
  const actions = (await paper.ledger()).length
  await paper.fault('429', 10000, { path: 'info' })
  const [placed] = await Promise.all([trader.place(order), signedIn(started, 5)])
  assert.equal(placed.status, 'resting')
  assert.ok((await paper.ledger()).length > actions)
  await until('a poll was refused', async () => {
    const text = await metrics(started)
    return /perpgate_venue_egress_requests_total\{address="127.0.0.[23]",result="http_429"\} [1-9]/.test(text)
  })
  assert.equal((await trader.place({ ...order, price: '50100' })).status, 'resting')
  await paper.fault('none', 1)
  await started.stop()
  await stop()
})

test('a node is polled while it keeps up', async () => {
  const { paper, stop } = await venue(['--node'])
  const started = await gateway(
    paper,
    `node: {infoUrl: "${paper.base}/node"}, weightPerMinute: 1000000`,
    '{pollWeightPerMinute: 1000000}',
  )
  await until('the node is used', async () => (await metric(started, 'perpgate_venue_node_up')) === 1)
  await signedIn(started, 20)
  await until('all are polled', async () => (await polled(started)) >= 20, 20000)
  assert.ok((await node(paper, {})).requests >= 20)
  // What decides an order is read at the venue; the mirror is right though it hears of it late.
  const trader = await new Trader(started, 'harbor').onboard()
  const placed = await trader.place({ symbol: 'BTC', side: 'buy', type: 'market', notional: '500', leverage: 5 })
  assert.equal(placed.status, 'filled')
  const size = (await trader.position('BTC')).size
  assert.equal(size, (await trader.venuePosition('BTC')).szi)
  // Behind, it is left alone, and what it would have answered comes from the venue.
  await node(paper, { lagMs: 3000 })
  await until('the node is left', async () => (await metric(started, 'perpgate_venue_node_up')) === 0)
  const before = (await node(paper, {})).requests
  const read = await polled(started)
  await signedIn(started, 3)
  await until('others are polled', async () => (await polled(started)) >= read + 3, 20000)
  assert.ok((await node(paper, {})).requests - before < 3 + 30, 'it is asked for its status alone')
  await node(paper, { lagMs: 0 })
  await until('the node is used again', async () => (await metric(started, 'perpgate_venue_node_up')) === 1)
  await node(paper, { isDown: true })
  await until('a node that is down is left', async () => (await metric(started, 'perpgate_venue_node_up')) === 0)
  await started.stop()
  await stop()
})

test('a rented node is asked for many accounts at once', async () => {
  const { paper, stop } = await venue(['--rented'])
  const started = await gateway(
    paper,
    `node: {infoUrl: "${paper.base}/rented", wsUrl: "${paper.ready.ws}", accountsPerRead: 1000}, weightPerMinute: 1000000`,
    '{pollWeightPerMinute: 1000000}',
  )
  await until('the node is used', async () => (await metric(started, 'perpgate_venue_node_up')) === 1)
  await signedIn(started, 30)
  await until('all are polled', async () => (await polled(started)) >= 30, 20000)
  const { batches } = await node(paper, {})
  assert.ok(batches > 0 && batches <= 30, `${batches} batches`)
  assert.equal(await metric(started, 'perpgate_mirror_reads_total{result="failed"}'), 0)
  await started.stop()
  await stop()
})

test('a paper venue has no node unless it is told to', async () => {
  const { paper, stop } = await venue()
  for (const path of ['/node/info', '/rented/info'])
    assert.equal((await request(paper.base, 'POST', path, { body: { type: 'exchangeStatus' } })).status, 404)
  await stop()
})
