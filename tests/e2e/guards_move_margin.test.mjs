// A margin guard adds what it may, never more, never twice for one cause; takes back what it added; and ends
// with the position that it was set for.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { REPO, Trader, problem, request, signsNothing, startConfigured, startPaper, temporaryFolder, until } from './harness.mjs'

const LOOKS = 15000 // a guard looks once a second
const LATER = 60000 // what is not known is found out when the action has expired, and a quarter of a minute more
const MIRROR = '{showMaxAgeMs: 0, pollWeightPerMinute: 100000, pollsAtOnce: 16}'
const VENUE = 'weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700, expiresAfterMs: 3000'

// A long of 1000 dollars at 100000 with 100 behind it: ten more move its liquidation price by about 1012.
const long = { symbol: 'BTC', side: 'buy', type: 'market', size: '0.01', marginMode: 'isolated', leverage: 10 }
const rule = { minDistance: '0.05', topUp: '10', maxTotal: '30' }
const BTC = '/v1/positions/BTC/guard'

let gateway
let who

// Harbor, and the same without keys, with room for those who look often.
function brandsIn(folder) {
  const copy = (name, more) => {
    cpSync(join(REPO, 'branding/harbor'), join(folder, name), { recursive: true })
    const file = join(folder, name, 'brand.yaml')
    const yaml = readFileSync(file, 'utf8').replaceAll('harbor.localhost', `${name}.localhost`)
    writeFileSync(file, yaml.replace(/requestsPerMinute: .*/, `requestsPerMinute: 100000${more}`))
    return join(folder, name)
  }
  return `[${copy('harbor', '')}, ${join(REPO, 'branding/meridian')}, ${copy('keyless', '\nkeys: none')}]`
}

before(async () => {
  const folder = temporaryFolder()
  gateway = await startConfigured({ mirror: MIRROR, venue: `{${VENUE}, dexes: [xyz]}`, brands: brandsIn(folder) }, { folder })
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  await gateway.price('BTC', '100000')
  who = await new Trader(gateway, 'harbor').onboard('10000')
})

const isMove = (row) => row.type === 'updateIsolatedMargin'
async function movesOf(trader = who) {
  const rows = await trader.gateway.venue.ledger()
  return rows.filter((row) => row.account?.toLowerCase() === trader.address && isMove(row)).map((row) => row.action.ntli / 1e6)
}

async function opened(order = long, trader = who) {
  assert.equal((await trader.place(order)).status, 'filled')
  return trader.position(order.symbol)
}

const set = (more = {}, trader = who) => trader.ok('PUT', BTC, { ...rule, ...more })
const guardOf = async (trader = who, symbol = 'BTC') => (await trader.position(symbol)).guard
const told = async (trader = who) => (await trader.ok('GET', '/v1/alerts?kind=guardActed')).data.map((a) => a.detail)
const toldOf = async (move, trader = who) => (await told(trader)).filter((d) => d.move === move)

async function reaches(added, { trader = who, ms = LOOKS } = {}) {
  return until(`the guard has ${added} in the position`, async () => {
    const guard = await guardOf(trader)
    return guard?.added === added && !guard.moving && guard
  }, ms)
}

// So many looks of every guard have gone by: a guard set beside it has acted as often.
async function looksPass(n = 2) {
  for (let i = 0; i < n; i++) {
    const other = await new Trader(gateway, 'harbor').onboard('1000')
    await opened({ ...long, symbol: 'SOL', size: '10' }, other)
    await other.ok('PUT', '/v1/positions/SOL/guard', { minDistance: '0.3', topUp: '1', maxTotal: '1' })
    await until('a guard that has to act at once', async () => (await guardOf(other, 'SOL')).added === '1', LOOKS)
    await other.ok('DELETE', '/v1/positions/SOL')
  }
}

describe('a guard', () => {
  test('adds topUp at a time, never more than maxTotal in all, and says once that it is exhausted', async () => {
    const start = await opened()
    assert.equal(start.guard, null)
    const answer = await set()
    assert.deepEqual({ ...answer.guard, setAt: 0 }, { ...rule, takeBackAbove: null, added: '0', moving: false, setAt: 0 })
    assert.equal(answer.symbol, 'BTC')
    await gateway.price('BTC', '95000')
    await reaches('10')
    assert.deepEqual(await movesOf(), [10])
    const position = await who.position('BTC')
    assert.equal(position.liquidationPrice, (await who.venuePosition('BTC')).liquidationPx)
    assert.ok(Number(position.liquidationDistance) > 0.05)
    await gateway.price('BTC', '93000')
    await reaches('30')
    assert.deepEqual(await movesOf(), [10, 10, 10])
    await gateway.price('BTC', '90000')
    await until('it says that there is no more', async () => (await toldOf('exhausted')).length, LOOKS)
    await looksPass()
    assert.deepEqual(await movesOf(), [10, 10, 10])
    assert.deepEqual((await told()).map((d) => d.move), ['exhausted', 'added', 'added', 'added'])
    const [, last, , first] = await told()
    assert.deepEqual([first.amount, first.added, last.added, last.maxTotal], ['10', '10', '30', '30'])
    assert.ok(Number(first.distance) < 0.05)
    assert.equal(first.markPrice, '95000')
  })

  test('adds what is left of maxTotal, and what the account has', async () => {
    await opened()
    await set({ maxTotal: '15' })
    await gateway.price('BTC', '92000')
    await reaches('15')
    assert.deepEqual(await movesOf(), [10, 5])
    const poor = await new Trader(gateway, 'harbor').onboard('104')
    await gateway.price('BTC', '100000')
    await opened(long, poor)
    await set({ topUp: '20', maxTotal: '100' }, poor)
    await gateway.price('BTC', '93000')
    await until('it says that there is no money', async () => (await toldOf('noMoney', poor)).length, LOOKS)
    const { added } = await guardOf(poor)
    assert.ok(Number(added) > 0 && Number(added) < 4, added)
    assert.deepEqual((await movesOf(poor)).map(String), [added])
  })

  test('of a short adds when the price rises', async () => {
    await opened({ ...long, side: 'sell' })
    await set()
    await gateway.price('BTC', '105500')
    await reaches('10')
    assert.deepEqual(await movesOf(), [10])
  })

  test('takes back what it added, not more, when the price has come back', async () => {
    await opened()
    await set({ takeBackAbove: '0.1' })
    await gateway.price('BTC', '93000')
    await reaches('30')
    await gateway.price('BTC', '104000')
    await reaches('0')
    const moves = await movesOf()
    assert.equal(moves.reduce((a, b) => a + b), 0)
    assert.ok(moves.slice(3).every((m) => m <= -10 || m === moves.at(-1)))
    const position = await who.position('BTC')
    assert.ok(Number(position.liquidationDistance) >= 0.1, position.liquidationDistance)
    await looksPass()
    assert.deepEqual(await movesOf(), moves)
    // What was taken back may be added again.
    await gateway.price('BTC', '95000')
    await reaches('10')
  })

  for (const [how, order] of [['closed', null], ['turned round', { ...long, side: 'sell', size: '0.02' }]])
    test(`ends with a position that is ${how}`, async () => {
      await opened()
      await set()
      if (order) await who.place(order)
      else await who.ok('DELETE', '/v1/positions/BTC')
      await until('it says that it ended', async () => (await toldOf('ended')).length, LOOKS)
      if (order) assert.equal(await guardOf(), null)
      await who.refused(404, 'not_found', 'DELETE', BTC)
      if (!order) await opened()
      await gateway.price('BTC', order ? '105500' : '95000')
      await looksPass()
      assert.deepEqual(await movesOf(), [])
      assert.equal((await toldOf('ended')).length, 1)
    })

  test('is ended by its trader, and what it added stays', async () => {
    await opened()
    await set()
    await gateway.price('BTC', '95000')
    await reaches('10')
    assert.deepEqual(await who.ok('DELETE', BTC), { symbol: 'BTC', added: '10', status: 'ended' })
    assert.equal(await guardOf(), null)
    await who.refused(404, 'not_found', 'DELETE', BTC)
    await gateway.price('BTC', '93000')
    await looksPass()
    assert.deepEqual(await movesOf(), [10])
  })

  test('with another rule still counts what it added', async () => {
    await opened()
    await set()
    await gateway.price('BTC', '95000')
    await reaches('10')
    const { guard } = await set({ maxTotal: '15', minDistance: '0.06' })
    assert.deepEqual([guard.added, guard.maxTotal], ['10', '15'])
    await reaches('15')
    assert.deepEqual(await movesOf(), [10, 5])
    assert.equal((await set({ topUp: '5', maxTotal: '5', minDistance: '0.2' })).guard.added, '15')
    await until('it says that there is no more', async () => (await toldOf('exhausted')).length, LOOKS)
    await looksPass()
    assert.deepEqual(await movesOf(), [10, 5])
  })
})

describe('a guard that is not set', () => {
  test('names what is wrong, and signs nothing', async () => {
    await opened()
    await signsNothing(gateway, async () => {
      for (const [body, ...fields] of [
        [{}, 'minDistance', 'topUp', 'maxTotal'],
        [{ ...rule, minDistance: '0' }, 'minDistance'],
        [{ ...rule, minDistance: '1' }, 'minDistance'],
        [{ ...rule, minDistance: '-0.1' }, 'minDistance'],
        [{ ...rule, minDistance: 'much' }, 'minDistance'],
        [{ ...rule, topUp: '0' }, 'topUp'],
        [{ ...rule, topUp: '0.009999' }, 'topUp'],
        [{ ...rule, topUp: '10.0000001' }, 'topUp'],
        [{ ...rule, topUp: '31' }, 'maxTotal'],
        [{ ...rule, maxTotal: '30.00000001' }, 'maxTotal'],
        [{ ...rule, maxTotal: '99999999999999999999' }, 'maxTotal'],
        [{ ...rule, takeBackAbove: '0.05' }, 'takeBackAbove'],
        [{ ...rule, takeBackAbove: '1' }, 'takeBackAbove'],
        [{ ...rule, minDistance: '2', topUp: '-1', maxTotal: 'x' }, 'minDistance', 'topUp', 'maxTotal'],
        [{ ...rule, also: '1' }, 'also'],
      ]) {
        const answer = problem(await who.call('PUT', BTC, body), 400, 'invalid_request')
        for (const field of fields) assert.ok(answer.fields.some((e) => e.field === field), `${JSON.stringify(body)}: ${JSON.stringify(answer.fields)}`)
      }
      for (const body of ['', '[]', '{', '"x"', 'null']) problem(await who.call('PUT', BTC, body), 400, 'invalid_request')
    })
    assert.equal(await guardOf(), null)
  })

  test('where there is nothing to guard', async () => {
    await who.refused(404, 'not_found', 'PUT', BTC, rule)
    await who.refused(404, 'not_found', 'DELETE', BTC)
    await who.refused(404, 'market_not_offered', 'PUT', '/v1/positions/NOSUCH/guard', rule)
    await who.refused(404, 'not_found', 'DELETE', `/v1/positions/${'N'.repeat(60)}/guard`)
    await opened({ ...long, marginMode: 'cross' })
    await who.refused(400, 'invalid_request', 'PUT', BTC, rule)
    const answer = await gateway.call('PUT', BTC, { host: who.host, body: rule })
    problem(answer, 401, 'unauthorized')
  })

  test('at a brand that keeps no keys', async () => {
    const own = new Trader(gateway, 'keyless')
    await gateway.venue.faucet(own.address, '1000')
    await own.signIn()
    await own.refused(403, 'agent_not_approved', 'PUT', BTC, rule)
  })

  test('to take back from a market that gives nothing back', async () => {
    await gateway.price('xyz:TSLA', '400')
    await gateway.venue.control('POST', '/paper/faucet', { user: who.address, amount: '1000', dex: 'xyz' })
    const symbol = 'xyz:TSLA'
    await opened({ symbol, side: 'buy', type: 'market', notional: '500', leverage: 5 })
    const path = `/v1/positions/${encodeURIComponent(symbol)}/guard`
    const answer = await who.call('PUT', path, { ...rule, takeBackAbove: '0.3' })
    assert.equal(answer.json.code, 'margin_not_removable', answer.text)
    assert.equal(answer.json.fields[0].field, 'takeBackAbove')
    await who.ok('PUT', path, { ...rule, minDistance: '0.1' })
    await gateway.price(symbol, '350')
    await until('margin was added on the dex', async () => Number((await guardOf(who, encodeURIComponent(symbol))).added) > 0, LOOKS)
  })
})

test("is its trader's own: another brand's trader, and another wallet, see nothing of it", async () => {
  await opened()
  await set()
  const twin = new Trader(gateway, 'meridian')
  Object.assign(twin, { account: who.account, address: who.address })
  await twin.signIn()
  assert.equal(await guardOf(twin), null)
  await twin.refused(404, 'not_found', 'DELETE', BTC)
  const other = await new Trader(gateway, 'harbor').onboard('1000')
  await other.refused(404, 'not_found', 'DELETE', BTC)
  assert.notEqual(await guardOf(), null)
})

// --- a venue that can be cut off ------------------------------------------------------------------

// Requests go through to the paper venue, or as front says: `exchange` of a margin move "lost" (it takes effect,
// the answer does not come), "dropped" (it does not arrive); `info` "gone" (nothing can be read), or "blind" (prices
// alone); in both the sockets are closed.
async function fronted(paper) {
  const front = { exchange: '', info: '', moves: 0, sockets: new Set() }
  front.cut = (how) => {
    front.info = how
    for (const socket of front.sockets) socket.destroy()
  }
  const isShut = (url, body) => url !== '/exchange' && (front.info === 'gone' || (front.info === 'blind' && 'user' in JSON.parse(body)))
  const server = http.createServer(async (incoming, outgoing) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const body = Buffer.concat(parts)
    const isExchange = incoming.url === '/exchange'
    const isMargin = isExchange && JSON.parse(body).action?.type === 'updateIsolatedMargin'
    front.moves += isMargin
    if (isShut(incoming.url, body)) return void incoming.socket.destroy()
    if (isMargin && front.exchange === 'dropped') return void incoming.socket.destroy()
    const answer = await request(paper.base, incoming.method, incoming.url, { body })
    if (isMargin && front.exchange === 'lost') return void (front.then?.(), incoming.socket.destroy())
    outgoing.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.bytes)
  })
  server.on('upgrade', (incoming, socket, head) => {
    if (front.info) return void socket.destroy()
    const peer = net.connect(new URL(paper.base).port, '127.0.0.1')
    const lines = incoming.rawHeaders.flatMap((word, i, all) => (i % 2 ? [] : [`${word}: ${all[i + 1]}`]))
    peer.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    peer.write(head)
    for (const [one, other] of [[socket, peer], [peer, socket]]) {
      front.sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => (front.sockets.delete(one), other.destroy()))
      one.pipe(other)
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  front.base = `http://127.0.0.1:${server.address().port}`
  front.close = () => (front.cut('gone'), server.closeAllConnections(), server.close())
  return front
}

describe('what is not known', () => {
  let paper
  let front
  let folder
  let alone
  const settings = () => ({
    mirror: MIRROR,
    venue: `{baseUrl: "${front.base}", network: mainnet, ${VENUE}}`,
    paper: '{enabled: false}',
    brands: brandsIn(folder),
  })
  const start = async (keepsKey) => {
    alone = await startConfigured(settings(), { folder, keepsKey })
    alone.paperVenue = paper
  }
  const restart = async (signal) => {
    alone.agent.destroy()
    await alone.program.stop(signal)
    await start(true)
    who.gateway = alone
  }

  before(async () => {
    paper = await startPaper(['--still'])
    front = await fronted(paper)
    folder = temporaryFolder()
    await paper.price('BTC', '100000')
    await start(false)
  })
  after(async () => {
    alone?.agent.destroy()
    await alone?.program.stop()
    front?.close()
    await paper?.stop()
  })
  beforeEach(async () => {
    Object.assign(front, { exchange: '', info: '', then: undefined })
    await alone.price('BTC', '100000')
    who = await new Trader(alone, 'harbor').onboard('10000')
    await opened()
  })

  test('an answer that is lost: found out by reading, and margin is added once', async () => {
    await set({ maxTotal: '10' })
    front.exchange = 'lost'
    await alone.price('BTC', '95000')
    await until('a move was sent', async () => (await movesOf()).length, LOOKS)
    await reaches('10', { ms: LATER })
    assert.deepEqual(await movesOf(), [10])
    await until('it was told', async () => (await toldOf('added')).length, LOOKS)
    assert.equal((await toldOf('added')).length, 1)
  })

  test('an answer that is lost while nothing can be read: found out when it can be', async () => {
    await set()
    Object.assign(front, { exchange: 'lost', then: () => front.cut('gone') })
    await paper.price('BTC', '95000')
    await until('a move was sent', async () => (await movesOf()).length, LOOKS)
    assert.deepEqual(await movesOf(), [10])
    const { moves } = front
    Object.assign(front, { exchange: '', then: undefined, info: '' })
    await until('the guard knows', async () => (await guardOf())?.added === '10', LATER)
    assert.deepEqual(await movesOf(), [10])
    assert.equal(front.moves, moves)
  })

  test('a move that never arrived is not counted, and is made later under a name of its own', async () => {
    await set({ maxTotal: '10' })
    front.exchange = 'dropped'
    await alone.price('BTC', '95000')
    await until('it was found out', async () => (await toldOf('refused')).length, LATER)
    assert.equal((await guardOf()).added, '0')
    assert.deepEqual(await movesOf(), [])
  })

  test('what a gateway was doing when it was killed is found out by the next, and not done again', async () => {
    await set()
    const killed = new Promise((done) => {
      Object.assign(front, { exchange: 'lost', then: () => done(alone.program.signal('SIGKILL')) })
    })
    await paper.price('BTC', '95000')
    await killed
    await alone.program.ended
    Object.assign(front, { exchange: '', then: undefined })
    assert.deepEqual(await movesOf(), [10])
    await restart('SIGKILL')
    assert.equal((await guardOf()).moving, true)
    await until('the guard knows', async () => (await guardOf()).added === '10', LATER)
    assert.deepEqual(await movesOf(), [10])
    // And it goes on.
    await alone.price('BTC', '93000')
    await reaches('30')
    assert.deepEqual(await movesOf(), [10, 10, 10])
  })

  test('a guard is there again after a restart, with its count', async () => {
    await set()
    await alone.price('BTC', '95000')
    await reaches('10')
    const guard = await guardOf()
    await restart('SIGTERM')
    assert.deepEqual(await guardOf(), guard)
    await alone.price('BTC', '93000')
    await reaches('30')
    assert.deepEqual(await movesOf(), [10, 10, 10])
  })

  test('nothing is done while the position can only be guessed, whatever the price is', async () => {
    await set()
    front.cut('blind')
    const { moves } = front
    await alone.price('BTC', '93000')
    const failed = async () => {
      const metrics = await request(alone.admin, 'GET', '/metrics')
      return Number(/^perpgate_mirror_reads_total\{result="failed"\} (\d+)/m.exec(metrics.text)?.[1])
    }
    const start = await failed()
    await until('the account could not be read, again and again', async () => (await failed()) > start + 3, LATER)
    assert.equal(front.moves, moves)
    front.info = ''
    await reaches('30')
    assert.deepEqual(await movesOf(), [10, 10, 10])
  })
})
