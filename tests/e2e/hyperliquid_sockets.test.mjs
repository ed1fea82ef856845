// /ws on a brand's host speaks the venue's own frames: the same as the venue's to the byte, shared by all who
// want them, over few subscriptions of the gateway's.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { signL1Action } from '@nktkas/hyperliquid/signing'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { WebSocket } from 'ws'
import { compatBrand, request, startConfigured, startPaper, until } from './harness.mjs'

const MS = 60000
const HOST = '127.0.0.1'

class Socket {
  constructor(base, headers = {}) {
    this.frames = []
    this.ws = new WebSocket(`${base.replace('http', 'ws')}/ws`, { headers })
    this.ws.on('message', (data) => this.frames.push(data.toString('utf8')))
    this.closed = new Promise((done) => this.ws.on('close', (code, reason) => done({ code, reason: reason.toString() })))
    this.opened = new Promise((done, failed) => {
      this.ws.on('open', () => done(this))
      this.ws.on('error', failed)
    })
    this.opened.catch(() => {})
  }

  send(message) {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  of(channel) {
    return this.frames.filter((one) => one.startsWith(`{"channel":"${channel}"`))
  }

  async next(channel, n = 1) {
    await until(`${n} of ${channel}, of ${this.frames.slice(-5)}`, () => this.of(channel).length >= n, MS)
    return JSON.parse(this.of(channel)[n - 1])
  }

  async subscribe(subscription, n = this.of('subscriptionResponse').length + 1) {
    this.send({ method: 'subscribe', subscription })
    return (await this.next('subscriptionResponse', n)).data
  }

  close() {
    this.ws.close()
    return this.closed
  }
}

describe('/ws', () => {
  let paper
  let gateway
  const open = (base = gateway.http, headers) => new Socket(base, headers).opened
  before(async () => {
    paper = await startPaper(['--ungated'])
    const { brand } = compatBrand('compat: {weightPerMinute: 1000000}')
    gateway = await startConfigured({ brands: `[${brand}]`, venue: `{network: mainnet, baseUrl: "${paper.base}", weightPerMinute: 1000000, contextsEveryMs: 200}`, paper: '{enabled: false}' })
    await paper.price('BTC', '100000')
  })
  after(async () => {
    await gateway?.stop()
    await paper?.stop()
  })

  const trader = async (amount = '10000') => {
    const wallet = privateKeyToAccount(generatePrivateKey())
    await paper.faucet(wallet.address, amount)
    return { wallet, user: wallet.address.toLowerCase() }
  }
  let last = 0
  const signed = async (wallet, action) => {
    const nonce = (last = Math.max(last + 1, Date.now()))
    return { action, nonce, signature: await signL1Action({ wallet, action, nonce, isTestnet: false }) }
  }
  const buy = { type: 'order', orders: [{ a: 0, b: true, p: '101000', s: '0.01', r: false, t: { limit: { tif: 'Ioc' } } }], grouping: 'na' }
  const bid = (px) => ({ type: 'order', orders: [{ a: 0, b: true, p: px, s: '0.01', r: false, t: { limit: { tif: 'Gtc' } } }], grouping: 'na' })

  test('what it acknowledges and refuses is what the venue would', async () => {
    const here = await open()
    const there = await open(paper.base)
    const messages = [
      '{"method":"ping"}',
      '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}',
      '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}}',
      '{"method":"unsubscribe","subscription":{"type":"trades","coin":"BTC"}}',
      '{"method":"subscribe","subscription":{"type":"l2Book","coin":"NOPE"}}',
      '{"method":"subscribe","subscription":{"type":"nope"}}',
      '{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"7m"}}',
      '{"method":"unsubscribe","subscription":{"type":"l2Book","coin":"BTC"}}',
      '{"method":"dance"}', '[]', '{', '{"method":"post","id":1}',
    ]
    const told = (socket) => socket.frames.filter((one) => /^\{"channel":"(pong|error|subscriptionResponse)"/.test(one))
    for (const [i, message] of messages.entries()) {
      for (const socket of [here, there]) {
        socket.send(message)
        await until(`an answer to ${message}: ${socket.frames.slice(-2)}`, () => told(socket).length > i, MS)
      }
      assert.equal(told(here)[i], told(there)[i], message)
    }
    await here.close()
    await there.close()
  })

  test('frames are the venue\'s, and peers share one subscription', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open()))
    const there = await open(paper.base)
    const wanted = [{ type: 'l2Book', coin: 'BTC' }, { type: 'trades', coin: 'BTC' }, { type: 'bbo', coin: 'BTC' }, { type: 'allMids' }, { type: 'activeAssetCtx', coin: 'BTC' }, { type: 'candle', coin: 'BTC', interval: '1m' }]
    for (const socket of [...sockets, there])
      for (const subscription of wanted) await socket.subscribe(subscription)
    const { wallet } = await trader()
    const { json } = await gateway.call('POST', '/exchange', { host: HOST, body: await signed(wallet, buy) })
    assert.ok(json.response.data.statuses[0].filled, JSON.stringify(json))
    await paper.price('BTC', '100100')
    const oid = json.response.data.statuses[0].filled.oid
    assert.ok(oid)
    // Each is written as the venue writes it; when a state is pushed, each connection has its own clock.
    const timeless = (frame) => frame.replace(/"time":\d+/g, '"time":0')
    for (const { type } of wanted) {
      await until(`${type} as there`, () => {
        const seen = new Set(there.of(type).map(timeless))
        return sockets.every((socket) => socket.of(type).slice(-3).some((one) => seen.has(timeless(one))))
      }, MS)
    }
    await until('six subscriptions for twenty', async () => {
      const { text } = await request(gateway.admin, 'GET', '/metrics')
      return /^perpgate_compat_channels 6$/m.test(text) && /^perpgate_compat_sockets 20$/m.test(text)
    }, MS)
    // Who comes later is told the state at once.
    const late = await open()
    await late.subscribe({ type: 'allMids' })
    await late.next('allMids')
    for (const socket of [...sockets, there, late]) await socket.close()
    await until('no channel', async () => /^perpgate_compat_channels 0$/m.test((await request(gateway.admin, 'GET', '/metrics')).text), MS)
  })

  test('a trader\'s own channels; who comes later is told all again', async () => {
    const { wallet, user } = await trader()
    const first = await open()
    for (const type of ['userFills', 'orderUpdates', 'userEvents', 'clearinghouseState', 'openOrders']) await first.subscribe({ type, user: wallet.address })
    assert.equal((await first.next('userFills')).data.isSnapshot, true)
    await gateway.call('POST', '/exchange', { host: HOST, body: await signed(wallet, buy) })
    const fill = (await first.next('userFills', 2)).data
    assert.deepEqual([fill.user, fill.fills[0].coin, fill.fills[0].sz], [user, 'BTC', '0.01'])
    await first.next('orderUpdates')
    assert.ok((await first.next('user')).data.fills)
    const late = await open()
    await late.subscribe({ type: 'userFills', user })
    await late.next('userFills', 2)
    assert.deepEqual(late.of('userFills'), first.of('userFills'))
    await first.close()
    await late.close()
  })

  test('where the venue has no room for more users, their states are asked for, and events refused', async () => {
    const socket = await open()
    const users = []
    for (let i = 0; i < 6; i++) users.push((await trader(String(1000 + i))).user)
    for (const [i, user] of users.entries()) {
      await socket.subscribe({ type: 'clearinghouseState', user })
      await until(`the state of ${i}`, () => socket.of('clearinghouseState').some((one) => {
        const { data } = JSON.parse(one)
        return data.user === user && Number(data.clearinghouseState.marginSummary.accountValue) === 1000 + i
      }), MS)
    }
    socket.send({ method: 'subscribe', subscription: { type: 'orderUpdates', user: users[5] } })
    assert.match((await socket.next('error')).data, /^Invalid subscription \{"type":"orderUpdates".*no room/)
    await socket.subscribe({ type: 'openOrders', user: users[5] })
    assert.deepEqual((await socket.next('openOrders')).data, { user: users[5], dex: '', orders: [] })
    await socket.close()
  })

  test('posts are answered as over HTTP, byte for byte', async () => {
    const { wallet, user } = await trader()
    const socket = await open()
    socket.send({ method: 'post', id: 12345678901234, request: { type: 'info', payload: { type: 'userRole', user } } })
    assert.deepEqual((await socket.next('post')).data, { id: 12345678901234, response: { type: 'info', payload: { type: 'userRole', data: { role: 'user' } } } })
    const payload = await signed(wallet, bid('90000'))
    socket.send(`{ "id" : 2 , "request":{"payload" :${JSON.stringify(payload, null, 1)} ,"type":"action"},"method":"post"}`)
    const answer = (await socket.next('post', 2)).data
    assert.equal(answer.id, 2)
    assert.ok(answer.response.payload.response.data.statuses[0].resting, JSON.stringify(answer))
    const row = (await paper.ledger()).at(-1)
    assert.deepEqual([row.signer, row.nonce], [user, payload.nonce])
    socket.send({ method: 'post', id: 3, request: { type: 'action', payload } })
    assert.match((await socket.next('post', 3)).data.response.payload.response, /duplicate nonce/)
    socket.send({ method: 'post', id: 4, request: { type: 'info', payload: { type: 'nope' } } })
    assert.deepEqual((await socket.next('post', 4)).data, { id: 4, response: { type: 'error', payload: '422: Failed to deserialize the JSON body into the target type' } })
    await socket.close()
  })

  test('an upstream that was cut off sends those home who may have missed an event', async () => {
    const socket = await open()
    const quiet = await open()
    await socket.subscribe({ type: 'trades', coin: 'BTC' })
    await quiet.subscribe({ type: 'allMids' })
    await quiet.next('allMids')
    const { wallet } = await trader()
    await gateway.call('POST', '/exchange', { host: HOST, body: await signed(wallet, buy) })
    await socket.next('trades')
    await paper.fault('closeSocket', 20)
    assert.deepEqual(await socket.closed, { code: 1012, reason: 'events may be missing' })
    const n = quiet.of('allMids').length
    await until('states again', () => quiet.of('allMids').length > n, MS)
    await quiet.close()
  })
})

test('a brand that has it switched off has no such socket; a gateway that ends says so', async () => {
  const { brand } = compatBrand('compat: {ws: false}')
  const off = await startConfigured({ brands: `[${brand}]` })
  await assert.rejects(new Socket(off.http).opened, /404/)
  await off.stop()
  const on = await startConfigured({ brands: `[${compatBrand().brand}]` })
  const socket = await new Socket(on.http).opened
  await on.stop()
  assert.equal((await socket.closed).code, 1012)
})

test('a reload that switches it off sends home who is there', async () => {
  const { brand, file } = compatBrand('compat: {ws: true}')
  const gateway = await startConfigured({ brands: `[${brand}]` })
  try {
    const socket = await new Socket(gateway.http).opened
    writeFileSync(file, readFileSync(file, 'utf8').replace('compat: {ws: true}', 'compat: {ws: false}'))
    gateway.program.signal('SIGHUP')
    assert.deepEqual(await socket.closed, { code: 1012, reason: 'not served any more' })
    await assert.rejects(new Socket(gateway.http).opened, /404/)
  } finally {
    await gateway.stop()
  }
})
