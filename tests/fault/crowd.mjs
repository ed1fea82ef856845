// A crowd against one gateway that streams and trades: thousands of sockets that come, are cut and come back at once,
// never read, flood, subscribe and leave, talk rubbish, or hang up in the middle of an order, while the venue's own
// socket breaks. Two traders go on trading all the while. In the end the memory is where it was, no book stood
// still for long, and every order and fill that the venue knows of was told, once.
//
//   node tests/fault/crowd.mjs [--clients 5000] [--asleep 1000] [--seconds 20] [--rounds 3] [--seed N] [--only reconnect,flood]
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Trader, request, startConfigured, until } from '../e2e/harness.mjs'
import { Listener, agrees, endsAsTold } from '../e2e/listener.mjs'
import { StreamClient } from '../e2e/stream_client.mjs'

const LONG = 300000
const WebSocket = createRequire(new URL('../e2e/harness.mjs', import.meta.url))('ws')

// --- the crowd: a thread of its own, so that its work is not taken for the gateway's -----------------

const say = (socket, frame) => socket.readyState === WebSocket.OPEN && socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
const book = (symbol) => ({ channel: 'book', symbol })

class Crowd {
  constructor({ url, host }) {
    Object.assign(this, { url, host, sockets: new Set(), frames: 0, codes: {} })
  }

  open(first, options = {}) {
    return new Promise((done) => {
      const socket = new WebSocket(this.url, { headers: { Host: this.host }, perMessageDeflate: false, ...options })
      this.sockets.add(socket)
      socket.on('open', () => {
        for (const frame of first) say(socket, frame)
        done(socket)
      })
      socket.on('message', () => this.frames++)
      socket.on('close', (code) => {
        this.codes[code] = (this.codes[code] ?? 0) + 1
        this.sockets.delete(socket)
        done(socket)
      })
      socket.on('error', () => {})
    })
  }

  many(n, first, options) {
    return Promise.all(Array.from({ length: n }, () => this.open(first, options)))
  }

  async cut() {
    for (const socket of this.sockets) socket.terminate()
    while (this.sockets.size) await delay(10)
  }

  // Everybody comes, is cut, and comes back at once.
  async reconnect({ n }) {
    const first = [{ op: 'subscribe', ...book('BTC') }, { op: 'subscribe', channel: 'markets' }]
    for (let i = 0; i < 2; i++) {
      await this.many(n, first)
      await delay(1000)
      await this.cut()
    }
  }

  async asleep({ n, ms }) {
    const sockets = await this.many(n, [{ op: 'subscribe', ...book('BTC') }, { op: 'subscribe', channel: 'markets' }])
    for (const socket of sockets) socket.pause()
    for (const end = Date.now() + ms; Date.now() < end; await delay(500))
      for (const socket of sockets.slice(0, 50)) for (let i = 0; i < 5; i++) say(socket, { op: 'subscribe', channel: 'markets' })
    await this.cut()
  }

  async flood() {
    const sockets = await this.many(20, [])
    for (const socket of sockets) for (let i = 0; i < 3000; i++) say(socket, { op: 'ping' })
    for (const end = Date.now() + 20000; this.sockets.size && Date.now() < end; await delay(50));
    await this.cut()
  }

  async storm({ symbols }) {
    const sockets = await this.many(200, [])
    for (let i = 0; i < 40; i++) {
      for (const [k, socket] of sockets.entries()) {
        say(socket, { op: 'subscribe', ...book(symbols[(i + k) % symbols.length]) })
        say(socket, { op: 'unsubscribe', ...book(symbols[(i + k) % symbols.length]) })
      }
      await delay(100)
    }
    await this.cut()
  }

  async rubbish() {
    const sockets = await this.many(60, [])
    const kinds = [
      (s) => s.send('x'.repeat(1 << 20)),
      (s) => s._socket.write(Buffer.from([0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f])), // not masked
      (s) => s._socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])), // no UTF-8
      (s) => s._socket.write(Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])), // endless
      (s) => { for (let i = 0; i < 400; i++) s.send('{', { fin: false }) }, // in crumbs
      (s) => s.send('{"op":"subscribe","channel":'),
    ]
    for (const [i, socket] of sockets.entries()) if (socket.readyState === WebSocket.OPEN) kinds[i % kinds.length](socket)
    await delay(2000)
    await this.cut()
  }

  // Signs in, orders, and hangs up without waiting.
  async leave({ token, n }) {
    for (let i = 0; i < n; i++) {
      const socket = await this.open([{ op: 'auth', token }])
      await delay(100)
      say(socket, { op: 'order.place', idempotencyKey: `left-${i}-${Date.now()}`, body: { symbol: 'BTC', side: i % 2 ? 'sell' : 'buy', type: 'market', size: '0.001', leverage: 5 } })
      await delay(i % 4)
      socket.terminate()
    }
  }
}

if (!isMainThread) {
  const crowd = new Crowd(workerData)
  parentPort.on('message', async ({ what, options }) => {
    await crowd[what](options)
    parentPort.postMessage({ frames: crowd.frames, codes: crowd.codes })
  })
}

// --- those who must not notice ----------------------------------------------------------------------

const programs = (gateway) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.program.child.pid}/status`, 'utf8'))[1])
const figure = (text, name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN)
const metrics = async (gateway) => (await request(gateway.admin, 'GET', '/metrics')).text

// The longest that the book stood still although the price had moved; the wait of this thread itself apart.
class Witness {
  constructor(gateway) {
    Object.assign(this, { gateway, longest: 0, moves: 0, running: true })
  }

  async run() {
    const client = await StreamClient.open(this.gateway, 'meridian')
    const channel = await client.subscribe('book', { symbol: 'BTC' })
    await channel.next('snapshot')
    while (this.running) {
      const from = channel.frames.length
      const at = performance.now()
      await this.gateway.venue.price('BTC', String(60000 + (++this.moves % 500)))
      await until('the book moves', () => channel.frames.length > from, 60000)
      this.longest = Math.max(this.longest, performance.now() - at)
      channel.frames.splice(0, channel.frames.length - 2)
      channel.read = 0
      client.frames.length = 0
      await delay(100)
    }
    client.check()
    await client.close()
  }
}

async function trade(trader, state) {
  while (state.running) {
    const side = state.n++ % 2 ? 'sell' : 'buy'
    const rest = state.n % 5 === 0
    await trader.call('POST', '/v1/orders', { symbol: 'BTC', side, size: '0.001', leverage: 5, ...(rest ? { type: 'limit', price: side === 'buy' ? '50000' : '70000' } : { type: 'market' }) }).catch(() => {})
    await delay(250)
  }
}

export async function crowd({ clients, asleep, seconds, rounds, seed, only = '' }) {
  const gateway = await startConfigured({
    limits: '{maxConnections: 19000, maxConnectionsPerAddress: 0}',
    streams: '{socketsPerAddress: 0, socketsPerAccount: 0, socketsPerBrand: 0}',
    paper: `{enabled: true, port: 0, seed: ${seed}}`,
  })
  await gateway.price('BTC', '60000')
  const traders = []
  for (let i = 0; i < 2; i++) traders.push(await new Trader(gateway, 'meridian').onboard('100000'))
  const listeners = []
  for (const trader of traders) listeners.push(await new Listener(trader).open())
  const witness = new Witness(gateway)
  const state = { running: true, n: 0 }
  const watching = witness.run()
  const trading = traders.map((trader) => trade(trader, state))

  const url = new URL('/v1/ws', gateway.http)
  url.protocol = 'ws:'
  const worker = new Worker(new URL(import.meta.url), { workerData: { url: url.href, host: gateway.host('meridian') } })
  const step = (what, options) => new Promise((done, fail) => {
    worker.once('message', (result) => {
      worker.off('error', fail)
      done(result)
    })
    worker.once('error', fail)
    worker.postMessage({ what, options })
  })
  const say = async (name) => console.log(`# ${name}: ${programs(gateway)} kB, longest stand-still so far ${Math.round(witness.longest)} ms, ${figure(await metrics(gateway), 'perpgate_http_websockets_open')} sockets`)
  const gone = () => until('all are gone', async () => figure(await metrics(gateway), 'perpgate_http_websockets_open') <= 1 + listeners.length, LONG)
  const symbols = (await gateway.venue.info({ type: 'meta' })).universe.slice(0, 20).map((m) => m.name)
  let told
  const sizes = []
  await delay(2000)
  const before = programs(gateway)
  await say('before')
  for (let round = 0; round < rounds; round++) {
    for (const [what, options] of [['reconnect', { n: clients }], ['asleep', { n: asleep, ms: seconds * 1000 }], ['flood', {}], ['storm', { symbols }], ['rubbish', {}], ['leave', { token: traders[0].token, n: 30 }]]) {
      if (only && !only.split(',').includes(what)) continue
      told = await step(what, options)
      await say(what)
      await gateway.venue.fault('closeSocket', 1, { path: 'ws' })
    }
    await gone()
    sizes.push(programs(gateway))
    await say(`round ${round + 1}`)
  }
  state.running = witness.running = false
  await Promise.all([watching, ...trading])
  await gateway.venue.fault('none', 1)
  for (const listener of listeners) {
    await agrees(listener, { ms: LONG })
    await until('all ends are told', async () => (await endsAsTold(listener)) === '', LONG)
  }
  const fills = (await Promise.all(traders.map((t) => gateway.venue.info({ type: 'userFills', user: t.address })))).map((rows) => rows.length)
  for (const listener of listeners) listener.close()
  await worker.terminate()
  await gateway.stop()
  console.log(`# closed by code: ${JSON.stringify(told.codes)}`)
  console.log(`clients ${clients}, asleep ${asleep}, frames ${told.frames}, moves ${witness.moves}, longest stand-still ${Math.round(witness.longest)} ms, orders ${state.n}, fills ${fills.join('+')} all told once, memory after each round ${sizes.join(', ')} kB`)
    // What the allocator keeps for the next crowd is not lost: each crowd leaves less than the one before.
  if (rounds > 2) assert.ok(sizes.at(-1) - sizes.at(-2) < (sizes[0] - before) / 4, 'crowds leave less and less')
  return { longest: witness.longest, sizes }
}

if (isMainThread && process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({ options: { clients: { type: 'string', default: '5000' }, asleep: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '20' }, rounds: { type: 'string', default: '3' }, seed: { type: 'string', default: '1' }, only: { type: 'string', default: '' } } })
  await crowd(Object.fromEntries(Object.entries(values).map(([name, text]) => [name, name === 'only' ? text : Number(text)])))
}
