// What a client of /v1/ws may not do: who gets in, bad frames, limits, and every close code there is.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPO, Trader, request, startConfigured, temporaryFolder, until } from './harness.mjs'
import { StreamClient } from './stream_client.mjs'

describe('a gateway', () => {
  let gateway
  before(async () => {
    gateway = await startConfigured()
  })
  after(() => gateway?.stop())

  test('lets in whom HTTP would', async () => {
    const status = async (brand, options) => {
      const client = await StreamClient.open(gateway, brand, options)
      if (client.closed) return client.closed.status
      await client.close()
      return 101
    }
    const host = gateway.host('harbor')
    assert.equal(await status('harbor'), 101)
    assert.equal(await status('nobody.localhost'), 404)
    assert.equal(await status('harbor', { headers: { Origin: 'https://trade.harbor.example' } }), 101)
    assert.equal(await status('harbor', { headers: { Origin: `http://${host}:1234` } }), 101)
    assert.equal(await status('harbor', { headers: { Origin: 'https://evil.example' } }), 403)
    assert.equal(await status('harbor', { headers: { Origin: `https://${host}.evil.example` } }), 403)
    assert.equal(await status('harbor', { headers: { Origin: 'null' } }), 403)
    assert.equal(await status('harbor', { path: '/v1/ws?token=x' }), 400)
  })

  test('refuses bad frames in words, and goes on', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    const answered = async (text) => {
      const from = client.frames.length
      client.sendRaw(text)
      return client.until(`an answer to ${text.slice(0, 80)}`, () => client.frames[from])
    }
    const bad = [
      '', '{', 'null', '[]', '"x"', '1', '{"op":"ping"} x', '{"op":"ping","op":"ping"}', '{}', '{"op":1}', '{"op":"nonsense"}', '{"op":"ping","more":1}', '{"op":"ping","id":1.5}',
      '{"op":"ping","id":{}}', '{"op":"ping","id":null}', `{"op":"ping","id":"${'x'.repeat(65)}"}`, '{"op":"ping","id":true}', '{"op":"ping\\u0000"}', '{"op":"subscribe"}',
      '{"op":"subscribe","channel":"nonsense"}', '{"op":"subscribe","channel":1}', '{"op":"subscribe","channel":"book"}', '{"op":"subscribe","channel":"book","symbol":""}',
      '{"op":"subscribe","channel":"status","symbol":"BTC"}', '{"op":"subscribe","channel":"book","symbol":"BTC","interval":"1m"}', '{"op":"subscribe","channel":"candles","symbol":"BTC"}',
      '{"op":"subscribe","channel":"candles","symbol":"BTC","interval":"7m"}', '{"op":"subscribe","channel":"candles","symbol":"BTC","interval":"1minute"}',
      '{"op":"subscribe","channel":"book","symbol":"BTC","epoch":"x","seq":1}', '{"op":"resume","channel":"book","symbol":"BTC"}', '{"op":"resume","channel":"book","symbol":"BTC","epoch":"x"}',
      '{"op":"resume","channel":"book","symbol":"BTC","epoch":"x","seq":-1}', '{"op":"resume","channel":"book","symbol":"BTC","epoch":"x","seq":"1"}', '{"op":"resume","channel":"book","symbol":"BTC","epoch":"x","seq":1.5}',
      '{"op":"resume","channel":"book","symbol":"BTC","epoch":"x","seq":9007199254740993}', '{"op":"auth"}', '{"op":"auth","token":"x","apiKey":"y"}', '{"op":"auth","token":1}', '{"op":"auth","token":"x","more":"y"}',
      '{"op":"order.place"}', '{"op":"order.place","body":"x"}', '{"op":"order.place","body":{},"orderId":"1"}', '{"op":"order.cancel","body":{}}', '{"op":"order.cancel","orderId":"1/../2"}',
      '{"op":"order.cancel","orderId":"1","symbol":"BTC"}', '{"op":"order.cancel","symbol":"BTC?x=1"}', '{"op":"order.modify","body":{}}', '{"op":"margin.adjust","body":{}}', '{"op":"leverage.set","symbol":"a b","body":{}}',
      '{"op":"order.place","body":{},"idempotencyKey":""}', `{"op":"order.place","body":{},"idempotencyKey":"${'k'.repeat(65)}"}`,
    ]
    for (const text of bad) {
      const frame = await answered(text)
      assert.equal(frame.type, 'error', text)
      assert.equal(frame.problem.code, 'invalid_request', `${text}: ${JSON.stringify(frame)}`)
      assert.equal(frame.problem.status, 400, text)
    }
    for (const id of [1, 0, -5, 9007199254740991, 'a', '', 'x'.repeat(64), 'a "quoted" \\ word', 'ünïcödé']) {
      const pong = await answered(JSON.stringify({ op: 'ping', id }))
      assert.equal(pong.type, 'pong')
      assert.equal(pong.id, id)
      assert.ok(Number.isSafeInteger(pong.at))
    }
    assert.equal('id' in (await answered('{"op":"ping"}')), false)
    await client.refused('market_not_offered', { op: 'subscribe', channel: 'book', symbol: 'NOPE' })
    assert.equal(client.closed, undefined)
    await client.close()
  })

  test('closes on frames that are too large or no text', async () => {
    const cases = [
      [JSON.stringify({ op: 'ping', id: 'x'.repeat(64), pad: 'y'.repeat(4096) }), 4008],
      [JSON.stringify({ op: 'order.place', body: { pad: 'y'.repeat(16384) } }), 4008],
      ['x'.repeat(40000), 1009],
      [Buffer.from('{"op":"ping"}'), 1003],
    ]
    for (const [frame, code] of cases) {
      const client = await StreamClient.open(gateway, 'meridian')
      client.socket.send(frame)
      await client.ended(code)
    }
    const client = await StreamClient.open(gateway, 'meridian')
    await client.refused('unauthorized', { op: 'order.place', body: { pad: 'y'.repeat(8000) } })
    await client.close()
  })

  test('closes after five attempts to sign in', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    for (let i = 0; i < 4; i++) await client.refused('unauthorized', { op: 'auth', token: 'nonsense' })
    client.sendRaw('{"op":"auth","token":"nonsense"}')
    await client.ended(4001)
  })

  test('knows sessions and keys, and forgets them when they end', async () => {
    const who = await new Trader(gateway, 'meridian').onboard()
    const client = await StreamClient.open(gateway, 'meridian')
    const known = await client.auth({ token: who.token })
    assert.equal(known.type, 'authenticated')
    assert.equal(known.account, who.address)
    assert.ok(known.expiresAt > Date.now())
    const elsewhere = await StreamClient.open(gateway, 'harbor')
    await elsewhere.refused('unauthorized', { op: 'auth', token: who.token })
    await elsewhere.close()

    const key = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'], name: 'reader' })
    const keyed = await StreamClient.open(gateway, 'meridian')
    const timestamp = Date.now()
    const signature = createHmac('sha256', key.secret).update(`${timestamp}GET/v1/ws`).digest('hex')
    const by = await keyed.auth({ apiKey: key.id, timestamp, signature })
    assert.equal(by.type, 'authenticated', JSON.stringify(by))
    assert.equal(by.account, who.address)
    await keyed.refused('forbidden', { op: 'order.place', body: { symbol: 'BTC', side: 'buy', type: 'market', size: '0.001' } })
    await who.ok('DELETE', `/v1/api-keys/${key.id}`)
    await keyed.ended(4001)

    assert.equal((await who.call('POST', '/v1/auth/logout', {})).status, 200)
    await client.ended(4001)
  })

  test('a key that may not read ends what the session before it was read for', async () => {
    const who = await new Trader(gateway, 'meridian').onboard()
    const key = await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['trade'], name: 'dealer' })
    const client = await StreamClient.open(gateway, 'meridian')
    assert.equal((await client.auth({ token: who.token })).type, 'authenticated')
    const alerts = await client.subscribe('alerts')
    await alerts.next('snapshot')
    const timestamp = Date.now()
    const signature = createHmac('sha256', key.secret).update(`${timestamp}GET/v1/ws`).digest('hex')
    assert.equal((await client.auth({ apiKey: key.id, timestamp, signature })).type, 'authenticated')
    const ended = client.frames.find((f) => f.type === 'error')
    assert.deepEqual([ended?.channel, ended?.problem.code], ['alerts', 'forbidden'])
    await client.refused('forbidden', { op: 'subscribe', channel: 'alerts' })
    await client.close()
  })
})

describe('limits', () => {
  let gateway
  before(async () => {
    gateway = await startConfigured({
      streams: '{socketsPerAddress: 4, socketsPerAccount: 2, subscriptionsPerSocket: 3, framesPerSecond: 5, frameBurst: 20, reconnectSpreadMs: 1000}',
    })
  })
  after(() => gateway?.stop())

  test('sockets of an address, and of an account', async () => {
    const who = await new Trader(gateway, 'meridian').onboard()
    const open = []
    for (let i = 0; i < 4; i++) open.push(await StreamClient.open(gateway, 'meridian'))
    const fifth = await StreamClient.open(gateway, 'meridian')
    await fifth.ended(4008)
    assert.equal(fifth.frames.at(-1).type, 'closing')
    assert.ok(fifth.frames.at(-1).reconnectAfterMs >= 0)
    for (const client of open.slice(0, 2)) assert.equal((await client.auth({ token: who.token })).type, 'authenticated')
    assert.equal((await open[0].auth({ token: who.token })).type, 'authenticated', 'again is not one more')
    open[2].sendRaw(JSON.stringify({ op: 'auth', token: who.token }))
    await open[2].ended(4008)
    for (const client of open) await client.close()
    await until('the places are free again', async () => {
      const client = await StreamClient.open(gateway, 'meridian')
      const answer = await client.auth({ token: who.token }).catch(() => undefined)
      await client.close().catch(() => {})
      return answer?.type === 'authenticated'
    }, 60000)
  })

  test('subscriptions and frames of a socket', async () => {
    const client = await StreamClient.open(gateway, 'meridian')
    for (const symbol of ['BTC', 'ETH', 'SOL']) await client.subscribe('bbo', { symbol })
    await client.refused('rate_limited', { op: 'subscribe', channel: 'bbo', symbol: 'DOGE' })
    await client.unsubscribe(client.channelOf({ channel: 'bbo', symbol: 'BTC' }))
    await client.subscribe('bbo', { symbol: 'DOGE' })
    for (let i = 0; i < 100; i++) client.sendRaw('{"op":"ping"}')
    await client.ended(4029)
    const last = client.frames.at(-1)
    assert.deepEqual([last.type, last.code], ['closing', 4029])
    assert.ok(last.reconnectAfterMs > 0)
  })
})

describe('operations', () => {
  let gateway, who, client
  before(async () => {
    gateway = await startConfigured({ streams: '{framesPerSecond: 1000, frameBurst: 10000, operationsAtOnce: 3}' })
    await gateway.price('BTC', '60000')
    who = await new Trader(gateway, 'meridian').onboard()
    client = await StreamClient.open(gateway, 'meridian')
    assert.equal((await client.auth({ token: who.token })).type, 'authenticated')
  })
  after(async () => {
    await client?.close()
    await gateway?.stop()
  })

  const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '50000' }
  const result = async (frame, status = 200) => {
    const answer = await client.ask(frame)
    assert.equal(answer.type, 'result', JSON.stringify(answer))
    assert.equal(answer.op, frame.op)
    assert.equal(answer.status, status)
    return answer
  }

  test('answer what HTTP answers', async () => {
    const preview = await result({ op: 'order.preview', body: order })
    assert.deepEqual(Object.keys(preview.data).sort(), Object.keys(await who.preview(order)).sort())
    const placed = (await result({ op: 'order.place', body: order })).data
    const byHttp = await who.place({ ...order, price: '49000' })
    assert.deepEqual(Object.keys(placed).sort(), Object.keys(byHttp).sort())
    const id = placed.id ?? placed.orderId ?? placed.order?.id
    assert.ok(id, JSON.stringify(placed))
    const listed = await who.ok('GET', `/v1/orders/${id}`)
    assert.equal(listed.price, '50000')
    const modified = (await result({ op: 'order.modify', orderId: id, body: { price: '50100' } })).data
    assert.ok(modified)
    await result({ op: 'order.cancel', symbol: 'BTC' })
    assert.deepEqual((await who.ok('GET', '/v1/orders')).data, [])
    await result({ op: 'leverage.set', symbol: 'ETH', body: { leverage: 3, marginMode: 'isolated' } })
    await who.place({ symbol: 'BTC', side: 'buy', type: 'market', size: '0.01' })
    await result({ op: 'margin.adjust', symbol: 'BTC', body: { amount: '10' } })
  })

  test('refuse as HTTP refuses', async () => {
    const bad = { ...order, price: '50000.123456' }
    const refused = await client.refused('invalid_tick', { op: 'order.place', body: bad })
    const http = await who.call('POST', '/v1/orders', bad)
    assert.equal(refused.op, 'order.place')
    assert.equal(refused.problem.detail, http.json.detail)
    assert.deepEqual(refused.problem.fields, http.json.fields)
    await client.refused('not_found', { op: 'order.cancel', orderId: '999999999' })
    const stranger = await StreamClient.open(gateway, 'meridian')
    await stranger.refused('unauthorized', { op: 'order.place', body: order })
    await stranger.close()
  })

  test('are done once for a key, over either', async () => {
    const body = { ...order, price: '48000' }
    const first = await result({ op: 'order.place', body, idempotencyKey: 'ws-1' })
    assert.equal(first.replayed, false)
    const again = await result({ op: 'order.place', body, idempotencyKey: 'ws-1' })
    assert.equal(again.replayed, true)
    assert.deepEqual(again.data, first.data)
    const http = await who.call('POST', '/v1/orders', body, { 'Idempotency-Key': 'ws-1' })
    assert.deepEqual(http.json, first.data)
    await client.refused('idempotency_conflict', { op: 'order.place', body: { ...body, size: '0.02' }, idempotencyKey: 'ws-1' })
    await who.ok('DELETE', '/v1/orders')
  })

  test('go on when the client leaves in the middle', async () => {
    const leaver = await StreamClient.open(gateway, 'meridian')
    await leaver.auth({ token: who.token })
    const placed = () => gateway.venue.ledger().then((rows) => rows.filter((r) => r.type === 'order' && r.effect === 'applied').length)
    const was = await placed()
    await gateway.venue.fault('delay', 1, { path: 'exchange', delayMs: 1500 })
    leaver.sendRaw(JSON.stringify({ op: 'order.place', body: { ...order, price: '47000' }, idempotencyKey: 'left' }))
    await until('the venue has it', async () => (await placed()) === was + 1, 60000)
    await leaver.cut()
    const answer = await until('its end is known', async () => {
      const asked = await client.ask({ op: 'order.place', body: { ...order, price: '47000' }, idempotencyKey: 'left' })
      return asked.type === 'result' && asked
    }, 60000)
    assert.equal(answer.replayed, true)
    assert.equal(await placed(), was + 1, 'it was sent once')
    await who.ok('DELETE', '/v1/orders')
  })

  test('are bounded per socket', async () => {
    await gateway.venue.fault('delay', 4, { path: 'exchange', delayMs: 1500 })
    const from = client.frames.length
    for (let i = 0; i < 4; i++) client.sendRaw(JSON.stringify({ op: 'order.place', id: `n${i}`, body: { ...order, price: String(40000 + i * 100) } }))
    await client.until('all are answered', () => client.frames.slice(from).filter((f) => f.id?.startsWith?.('n')).length === 4)
    const refused = client.frames.slice(from).filter((f) => f.type === 'error' && f.id?.startsWith?.('n'))
    assert.deepEqual(refused.map((f) => [f.id, f.problem.code]), [['n3', 'rate_limited']])
    await gateway.venue.fault('none', 1)
    await who.ok('DELETE', '/v1/orders')
  })
})

test('what clients leave behind is nothing', async () => {
  const gateway = await startConfigured({ streams: '{socketsPerAddress: 0, framesPerSecond: 1000, frameBurst: 10000}' })
  try {
    const figures = async () => {
      const { text } = await request(gateway.admin, 'GET', '/metrics')
      return Object.fromEntries([...text.matchAll(/^perpgate_stream_(\w+) (\d+)$/gm)].map((m) => [m[1], Number(m[2])]))
    }
    const symbols = ['BTC', 'ETH', 'SOL', 'DOGE']
    const steady = await StreamClient.open(gateway, 'meridian')
    const book = await steady.subscribe('book', { symbol: 'BTC' })
    await book.next('snapshot')
    // They subscribe and leave at once, over and over, and some hang up without a word.
    const clients = await Promise.all(Array.from({ length: 60 }, () => StreamClient.open(gateway, 'meridian')))
    for (let round = 0; round < 5; round++)
      for (const [i, client] of clients.entries())
        for (const channel of ['book', 'bbo', 'trades', 'candles']) {
          const subject = { channel, symbol: symbols[(i + round) % symbols.length], ...(channel === 'candles' && { interval: ['1m', '5m'][i % 2] }) }
          client.sendRaw(JSON.stringify({ op: 'subscribe', ...subject }))
          if (i % 3) client.sendRaw(JSON.stringify({ op: 'unsubscribe', ...subject }))
        }
    await until('all is taken', async () => (await figures()).frames_received_total >= 60 * 5 * 4, 120000)
    for (const [i, client] of clients.entries()) await (i % 2 ? client.cut() : client.close())
    await gateway.venue.price('BTC', '60500')
    await book.next('update')
    await steady.close()
    const left = await until('all is as before', async () => {
      const now = await figures()
      return now.sockets + now.subscriptions + now.channels + now.ring_bytes === 0 && now
    }, 120000)
    assert.equal(left.sockets_opened_total, 61)
  } finally {
    await gateway.stop()
  }
})

test('a reload ends what is not offered any more', async () => {
  const folder = temporaryFolder()
  for (const id of ['meridian', 'harbor']) cpSync(join(REPO, 'branding', id), join(folder, 'brands', id), { recursive: true })
  const both = `[${join(folder, 'brands/meridian')}, ${join(folder, 'brands/harbor')}]`
  const gateway = await startConfigured({ brands: both }, { folder })
  try {
    const reload = async (change) => {
      const before = gateway.program.stderr.length
      change()
      gateway.program.signal('SIGHUP')
      await until('the reload', () => /msg="configuration reloaded"/.test(gateway.program.stderr.slice(before)), 60000)
    }
    const meridian = await StreamClient.open(gateway, 'meridian')
    const harbor = await StreamClient.open(gateway, 'harbor')
    const [btc, sui, markets] = [await meridian.subscribe('book', { symbol: 'BTC' }), await meridian.subscribe('book', { symbol: 'SUI' }), await meridian.subscribe('markets')]
    const offered = await markets.next('snapshot')
    assert.ok(offered.data.data.some((m) => m.symbol === 'SUI'))
    await btc.next('snapshot')
    await sui.next('snapshot')
    const yaml = join(folder, 'brands/meridian/brand.yaml')
    await reload(() => writeFileSync(yaml, readFileSync(yaml, 'utf8').replace(/LINK, SUI\]/, 'LINK]')))
    const ended = await meridian.until('the subscription ends', () => meridian.frames.find((f) => f.type === 'error'))
    assert.deepEqual([ended.channel, ended.symbol, ended.problem.code], ['book', 'SUI', 'market_not_offered'])
    const fewer = await markets.next('snapshot')
    assert.ok(!fewer.data.data.some((m) => m.symbol === 'SUI'))
    await gateway.venue.price('BTC', '61234')
    await btc.next('update')

    await reload(() => writeFileSync(gateway.file, readFileSync(gateway.file, 'utf8').replace(both, `[${join(folder, 'brands/meridian')}]`)))
    await harbor.ended(4008)
    assert.equal(meridian.closed, undefined)
    await meridian.close()
  } finally {
    await gateway.stop()
  }
})

test('a gateway that ends says when to come back, after what was begun is answered', async () => {
  const gateway = await startConfigured({ streams: '{reconnectSpreadMs: 5000}' })
  await gateway.price('BTC', '60000')
  const who = await new Trader(gateway, 'meridian').onboard()
  const clients = []
  for (let i = 0; i < 12; i++) clients.push(await StreamClient.open(gateway, 'meridian'))
  await (await clients[0].subscribe('book', { symbol: 'BTC' })).next('snapshot')
  const busy = clients.at(-1)
  await busy.auth({ token: who.token })
  await gateway.venue.fault('delay', 1, { path: 'exchange', delayMs: 2000 })
  busy.sendRaw(JSON.stringify({ op: 'order.place', id: 'last', body: { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.01', price: '50000' } }))
  await until('the venue has it', async () => (await gateway.venue.ledger()).some((r) => r.type === 'order'), 60000)
  gateway.program.signal('SIGTERM')
  for (const client of clients) await client.ended(4100)
  const after = clients.map((c) => c.frames.at(-1))
  for (const frame of after) {
    assert.deepEqual([frame.type, frame.code], ['closing', 4100])
    assert.ok(frame.reconnectAfterMs >= 500 && frame.reconnectAfterMs <= 5500, JSON.stringify(frame))
  }
  assert.ok(new Set(after.map((f) => f.reconnectAfterMs)).size > 1, 'spread')
  assert.equal(busy.frames.find((f) => f.id === 'last')?.type, 'result')
  await gateway.stop()
})
