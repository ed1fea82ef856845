// Many accounts trade for a while, here and elsewhere, on a paper venue that fails; afterwards every figure
// that the gateway shows of them must be the venue's, and every order be there once.
//
//   node tests/fault/drift.mjs [--accounts 200] [--minutes 10] [--hours 6] [--seed N] [--pause 1500] [--weight N] [--quiet 120] [--faults lostAnswer,delay]
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Elsewhere } from '../e2e/elsewhere.mjs'
import { REPO, Trader, startConfigured, temporaryFolder } from '../e2e/harness.mjs'
import { compare } from './compare.mjs'
import { Dice } from './dice.mjs'
import { causeTable, driftTable, hasMirror, metrics, otherTable, sum, table } from './figures.mjs'
import { Hands } from './hands.mjs'
import { Ledger } from './ledger.mjs'
import { Tally } from './tally.mjs'
import { DEXES, World, priceText, sizeText } from './world.mjs'

const BRANDS = ['meridian', 'harbor']
const FATES = 400 // orders whose end is asked for
const TOGETHER = 8 // accounts that are opened or compared at a time

async function eachOf(list, run) {
  const queue = [...list.entries()]
  const worker = async () => {
    for (let next; (next = queue.shift()); ) await run(next[1], next[0])
  }
  await Promise.all(Array.from({ length: TOGETHER }, worker))
}

// --- the start ----------------------------------------------------------------------------------

// Somebody at an address of his own, as a proxy tells.
class Visitor extends Trader {
  constructor(gateway, brand, i) {
    super(gateway, brand)
    this.from = { 'X-Forwarded-For': `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` }
  }

  call(method, path, body, headers) {
    return super.call(method, path, body, { ...this.from, ...headers })
  }
}

// The sample brands, without their bound on requests.
function brands(folder) {
  const copies = BRANDS.map((brand) => {
    const copy = join(folder, brand)
    cpSync(join(REPO, 'branding', brand), copy, { recursive: true })
    const file = join(copy, 'brand.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/requestsPerMinute: \d+/, 'requestsPerMinute: 1000000'))
    return copy
  })
  return `[${copies.join(', ')}]`
}

async function start(options) {
  const folder = temporaryFolder()
  return startConfigured(
    {
      listen: '{public: {port: 0}, admin: {port: 0}, trustedProxies: ["127.0.0.1"]}',
      limits: '{maxConnectionsPerAddress: 0}',
      venue: `{weightPerMinute: ${options.weight}, contextsEveryMs: 200, dexes: [xyz], orderDeadlineMs: 3000, readDeadlineMs: 3000, expiresAfterMs: 0}`,
      paper: `{enabled: true, port: 0, seed: ${options.seed % 1000000}}`,
      brands: brands(folder),
    },
    { folder },
  )
}

async function symbolsOf(gateway, world, brand) {
  const { json } = await gateway.call('GET', '/v1/markets', { host: gateway.host(brand) })
  const offered = new Set(json.data.map((m) => m.symbol))
  return world.traded.map((m) => m.symbol).filter((symbol) => offered.has(symbol))
}

// A sub-account with a part of the money, where the gateway has them.
async function openSub(run, hands, dice) {
  const made = await hands.call('POST', '/v1/sub-accounts', { name: 'second' })
  if (made.status !== 200) return
  const { address } = made.json
  await hands.call('POST', `/v1/sub-accounts/${address}/transfer`, { amount: '600', direction: 'deposit' })
  run.hands.push(new Hands(hands.trader, { ...run, dice: dice.named(`${address} sub`), symbols: run.symbols.get(hands.brand), sub: address }))
}

async function openAccount(run, i) {
  const { gateway, world, tally, options } = run
  const brand = BRANDS[i % BRANDS.length]
  const dice = run.dice.named(`account ${i}`)
  const trader = await new Visitor(gateway, brand, i).onboard(String(dice.whole(300, 6000)))
  const symbols = run.symbols.get(brand)
  await gateway.venue.control('POST', '/paper/faucet', { user: trader.address, amount: String(dice.whole(300, 3000)), dex: 'xyz' })
  const hands = new Hands(trader, { ...run, dice, symbols })
  hands.brand = brand
  run.hands.push(hands)
  run.users.push(trader.address)
  if (i % 5 === 0) await openSub(run, hands, dice)
  if (i % 3 === 0)
    run.elsewhere.push(new Elsewhere(trader.account, { world, tally, dice: run.dice.named(`elsewhere ${i}`), markets: world.traded, price: priceText, size: sizeText, others: run.users }))
  if (options.verbose && i % 20 === 0) console.log(`# opened ${i}`)
}

// --- the hour -----------------------------------------------------------------------------------

async function repeat(isOver, everyMs, step) {
  while (!isOver()) {
    await delay(everyMs())
    if (!isOver()) await step()
  }
}

async function progress(run, end) {
  const rows = await metrics(run.gateway)
  const drift = (is) => sum(rows, 'perpgate_mirror_drift_total', `explained="${is}"`)
  const resident = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${run.gateway.program.child.pid}/status`, 'utf8'))?.[1])
  const memory = `${Math.round(resident / 1024)} MB there, ${Math.round(process.memoryUsage.rss() / 1048576)} MB here`
  return `# ${Math.round((end - Date.now()) / 1000)} s left, ${run.tally.n} actions, ${run.ledger.sent} orders, drift explained ${drift('yes')} unexplained ${drift('no')}, suspicions ${rows.get('perpgate_mirror_suspicions')}, ${memory}`
}

async function trade(run) {
  const { world, options, dice } = run
  const ms = options.minutes * 60000
  const end = Date.now() + ms
  const isOver = () => Date.now() >= end
  const hour = ms / (options.hours + 1)
  await Promise.all([
    ...run.hands.map((one) => one.trade(isOver, options.pause)),
    ...run.elsewhere.map((one) => one.trade(isOver, options.pause * 3)),
    repeat(isOver, () => dice.between(80, 400), () => world.movePrice()),
    repeat(isOver, () => hour, () => world.passHour()),
    repeat(isOver, () => dice.between(200, 1200), () => world.fail()),
    repeat(isOver, () => 2000, () => run.ledger.read()),
    repeat(isOver, () => 30000, async () => options.verbose && console.log(await progress(run, end))),
  ])
}

// --- the end ------------------------------------------------------------------------------------

// Nothing is in doubt, and nobody is to be read for a reason.
async function isConfirmed(gateway) {
  const rows = await metrics(gateway)
  if (!hasMirror(rows)) return true
  if (rows.get('perpgate_mirror_suspicions') > 0) return false
  const due = ['waiting', 'verify', 'gap'].reduce((total, rank) => total + (rows.get(`perpgate_mirror_needs{rank="${rank}"}`) ?? 0), 0)
  return due === 0 && (rows.get('perpgate_mirror_drifted') ?? 0) === 0
}

async function settle(run) {
  const { gateway, world, options } = run
  await world.venue.fault('none', 1)
  for (const one of run.elsewhere) await one.rest()
  await world.rest()
  const from = Date.now()
  // Twice in a row: what is due at this moment may just have been taken up.
  for (let calm = 0; calm < 2 && Date.now() - from < options.quiet * 1000; await delay(500)) calm = (await isConfirmed(gateway)) ? calm + 1 : 0
  return Date.now() - from
}

// What was unknown when it was asked for is known by now: as the ledger has it.
async function unresolved(run) {
  const open = []
  for (const [id, hands] of run.ledger.unknown) {
    const took = run.ledger.effects.get(id) ?? 0
    const { status, json } = await hands.call('GET', `/v1/orders/${id}`)
    const isThere = status === 200 && json.status !== 'unknown' && json.status !== 'rejected'
    if (isThere !== took > 0) open.push({ id, took, told: json?.status ?? status })
  }
  return open
}

const fateOf = (status, order) => {
  if (status === 'open' || status === 'triggered') return order.isTrigger && status === 'open' ? 'triggerPending' : order.sz === order.origSz ? 'resting' : 'partiallyFilled'
  return status === 'filled' ? 'filled' : /[rR]ejected$/.test(status) ? 'rejected' : 'cancelled'
}

// What became of a sample of the acknowledged orders, as the gateway tells and as the venue does.
async function fates(run) {
  const wrong = []
  const all = [...run.ledger.acknowledged]
  const step = Math.max(1, Math.ceil(all.length / FATES))
  await eachOf(all.filter((_, i) => i % step === 0), async ([id, { hands }]) => {
    const { order, status } = (await run.world.info({ type: 'orderStatus', user: hands.user, oid: id })).order ?? {}
    const { json } = await hands.call('GET', `/v1/orders/${id}`)
    const there = order && `${fateOf(status, order)} ${Number(order.sz)}`
    const told = json && `${json.status} ${Number(json.remainingSize)}`
    if (there !== told) wrong.push({ id, venue: `${status} ${order?.sz}`, told })
  })
  return wrong
}

async function history(run) {
  const seen = { fills: 0, liquidations: 0, funding: 0 }
  await eachOf(run.hands, async ({ user }) => {
    const [fills, payments] = [await run.world.info({ type: 'userFills', user }), await run.world.info({ type: 'userFunding', user, startTime: 0 })]
    seen.fills += fills.length
    seen.liquidations += new Set(fills.filter((f) => f.liquidation?.liquidatedUser === user).map((f) => `${f.coin} ${f.oid}`)).size
    seen.funding += payments.length
  })
  return seen
}

// Each account is looked at until it is right, at most as long as the quiet may last: what was done elsewhere and
// pushed by nobody is known once the account is read again. Told is what was wrong at first, and what at last.
async function judge(run) {
  const result = { accounts: 0, positions: 0, orders: 0, compared: 0, estimates: 0, differences: [], late: 0, lateMs: 0, first: new Map(), sure: 0 }
  const dexes = run.hasDexes ? DEXES : ['']
  const from = Date.now()
  const end = from + run.options.quiet * 1000
  let wrong = run.hands
  for (let round = 0; wrong.length; round++) {
    const still = []
    result.differences = []
    await eachOf(wrong, async (hands) => {
      const one = await compare(run.world, hands, dexes)
      if (!one.found.length) return take(result, one, round && Date.now() - from)
      still.push(hands)
      for (const difference of one.found) result.differences.push({ user: one.user, ...difference })
      if (round === 0) firstLook(result, one)
    })
    wrong = still
    if (Date.now() > end) break
    await delay(wrong.length ? 500 : 0)
  }
  result.accounts += wrong.length
  return result
}

function take(result, one, lateMs) {
  result.accounts++
  for (const key of ['positions', 'orders', 'compared', 'estimates']) result[key] += one[key]
  if (!lateMs) return
  result.late++
  result.lateMs = Math.max(result.lateMs, lateMs)
}

function firstLook(result, one) {
  result.sure += one.found.some((d) => d.source !== 'estimate') ? 1 : 0
  for (const { place, field } of one.found) {
    const name = `${place.split(' ')[0]} ${field || 'there or not'}`
    result.first.set(name, (result.first.get(name) ?? 0) + 1)
  }
}

// --- all of it ----------------------------------------------------------------------------------

const sorted = (map) => [...map].sort((a, b) => b[1] - a[1])

function tell(run, end) {
  const { tally, ledger } = run
  if (run.options.verbose) {
    console.log(`\n${table([['action', 'times'], ...sorted(tally.actions)])}`)
    console.log(`\n${table([['answer', 'times'], ...sorted(tally.answers)])}`)
  }
  const { before, after } = end
  if (hasMirror(after)) {
    console.log(`\nDrift, field by field, each time that the venue's state arrived:\n${table(driftTable(before))}`)
    console.log(`\nThe same by cause ("none" has none):\n${table(causeTable(before))}`)
    console.log(`\nTimes that an account was found wrong beyond the threshold without a reason: ${before.get('perpgate_mirror_drifted_ever_total')}; wrong without saying so for at most ${before.get('perpgate_mirror_wrong_ms_max')} ms; suspicions still open: ${before.get('perpgate_mirror_suspicions')}`)
    console.log(`\nOther figures of the gateway:\n${table(otherTable(before))}`)
  }
  for (const [text, times] of sorted(tally.troubles)) console.log(`trouble, ${times} times: ${text}`)
  for (const one of end.lost) console.log(`lost: ${one.join(' ')}`)
  for (const one of end.doubled) console.log(`doubled: ${one.join(' ')}`)
  for (const one of end.open) console.log(`unresolved: ${JSON.stringify(one)}`)
  for (const one of end.judged.differences.slice(0, 60)) console.log(`difference: ${JSON.stringify(one)}`)
  const { judged, seen } = end
  if (judged.first.size) console.log(`\nDifferent when first looked at (${judged.sure} accounts without saying that it is an estimate):\n${table([['what', 'times'], ...sorted(judged.first)])}`)
  console.log(
    `\ncompared ${judged.accounts} accounts, ${judged.positions} positions, ${judged.orders} open orders, ${judged.compared} fields, ${judged.estimates} estimates, after ${end.quietMs} ms of quiet; ${judged.late} accounts right later, the last after ${judged.lateMs} ms more` +
      `\nledger: ${ledger.rows} actions, ${ledger.acknowledged.size} orders acknowledged, ${ledger.unknown.size} unknown at first, ${ledger.nonceRejects} nonces refused, ${ledger.gaps} gaps` +
      `\nworld: ${run.world.hours} hours passed, ${seen.funding} funding payments, ${run.world.jumps} jumps of price, ${tally.refusedElsewhere} refusals or lost answers elsewhere`,
  )
  console.log(end.line)
}

function sumUp(run, end) {
  const { judged, seen } = end
  const drift = hasMirror(end.before) ? sum(end.before, 'perpgate_mirror_drift_total', 'explained="no"') : 0
  const problems = end.lost.length + end.doubled.length + end.open.length + run.tally.troubles.size + run.ledger.nonceRejects + run.ledger.gaps
  end.line =
    `seed ${run.options.seed}: ${run.hands.length} accounts, ${run.tally.n} actions, ${run.ledger.sent} orders, ${seen.fills} fills, ${seen.liquidations} liquidations, ` +
    `${run.world.faults} faults, ${drift} unexplained drift, ${end.lost.length} lost, ${end.doubled.length} doubled, ${end.open.length} unresolved, ${run.tally.troubles.size} troubles, ${judged.differences.length} differences`
  return { line: end.line, drift, problems, ...judged, ...seen, orders: run.ledger.sent, faults: run.world.faults, troubles: [...run.tally.troubles.keys()] }
}

export const DEFAULTS = { accounts: 200, minutes: 10, hours: 6, seed: 1, pause: 1500, weight: 1000000, quiet: 120, faults: '', verbose: false }

// Runs it and answers what was found; every program that it starts has ended then.
export async function drift(given = {}) {
  const options = { ...DEFAULTS, ...given }
  const gateway = await start(options)
  try {
    const dice = new Dice(options.seed)
    const world = new World(gateway, dice.named('world'), options.faults)
    await world.open()
    const run = { options, gateway, world, dice, ledger: new Ledger(gateway.venue), tally: new Tally(), hands: [], elsewhere: [], users: [], symbols: new Map() }
    for (const brand of BRANDS) run.symbols.set(brand, await symbolsOf(gateway, world, brand))
    run.hasDexes = [...run.symbols.values()].flat().some((symbol) => symbol.includes(':'))
    await eachOf(Array.from({ length: options.accounts }), (_, i) => openAccount(run, i))
    await trade(run)
    const end = { quietMs: await settle(run) }
    end.before = await metrics(gateway)
    end.judged = await judge(run)
    await run.ledger.read()
    end.open = [...(await unresolved(run)), ...(await fates(run))]
    Object.assign(end, run.ledger.verdict())
    end.seen = await history(run)
    end.after = await metrics(gateway)
    const found = sumUp(run, end)
    if (options.verbose || found.drift || found.problems || found.differences.length) tell(run, end)
    return found
  } finally {
    await gateway.stop()
  }
}

async function main() {
  const numbers = ['accounts', 'minutes', 'hours', 'seed', 'pause', 'weight', 'quiet']
  const { values } = parseArgs({ options: Object.fromEntries([...numbers, 'faults'].map((name) => [name, { type: 'string' }])) })
  const given = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, name === 'faults' ? text : Number(text)]))
  for (const [name, value] of Object.entries(given)) if (name !== 'faults' && (!Number.isFinite(value) || value < 0)) throw new Error(`--${name} takes a number`)
  given.seed ??= Date.now() % 1000000
  console.log(`# seed ${given.seed}`)
  const found = await drift({ ...given, verbose: true })
  process.exitCode = found.drift + found.problems + found.differences.length > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
