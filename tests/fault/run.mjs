// Rounds of trading through a gateway that is ended, stopped and misled while its venue fails; judged by the journal of
// the venue. `node tests/fault --rounds N`; README.md tells the options.
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench, whyNot } from './bench.mjs'
import { Dice } from './dice.mjs'
import { Deck, FAULTS } from './faults.mjs'
import { metrics, otherTable, table } from './figures.mjs'
import { fateOf } from './fate.mjs'
import { Traders } from './traders.mjs'

const SECOND_FAULT = 0.35 // share of rounds in which the venue fails on top
const TWINS = 0.03 // share of jobs that two clients do at once, in any round
const SAMPLE = 400 // orders that are looked at one by one in the end
const SHOWN = 40 // findings that are printed
const ORDERS_EACH = 1200 // of an account: the venue remembers 2000, legs among them
const LOOK_MS = 100 // from one look at what is still open to the next

export const DEFAULTS = { rounds: 20, orders: 200, seed: 1, accounts: 0, faults: '', quiet: 60, spread: 1500, deadline: 1000, expires: 3000, pending: 1.5, verbose: false }

// --- a round ------------------------------------------------------------------------------------

function send(run, job, isTwin) {
  const { bench } = run
  run.pending.set(job.id, { job, answers: 0, wanted: isTwin ? 2 : 1 })
  for (const mark of job.marks) run.told.set(mark, { status: 'pending', job: job.id })
  run.orders += job.isMargin ? 0 : job.n
  const first = job.id % bench.clients.length
  run.outbox[first].push(job)
  if (!isTwin) return
  run.outbox[(first + 1) % bench.clients.length].push({ ...job, cancels: false, patienceMs: 8000 })
  bench.roundTwins++
}

function post(run, names) {
  const { bench, dice, traders, options } = run
  const twins = Math.max(TWINS, ...names.map((name) => FAULTS[name].twins ?? 0))
  bench.roundTwins = 0
  run.outbox = bench.clients.map(() => [])
  for (const end = run.orders + options.orders; run.orders < end; ) send(run, traders.job(), dice.chance(twins))
  bench.clients.forEach((client, i) => client.send({ jobs: run.outbox[i], sweep: i === 0 ? [dice.whole(0, traders.people.length - 1), dice.whole(0, traders.people.length - 1)] : [] }))
}

// What a client found out. Two that did the same job must have been told the same.
function take(run, result) {
  const { bench, tally } = run
  const entry = run.pending.get(result.id)
  entry.answers++
  tally.tries += result.tries
  tally.noAnswers += result.noAnswers
  tally.conflicts += result.conflicts
  for (const status of result.statuses) {
    tally.answers.set(status, (tally.answers.get(status) ?? 0) + 1)
    if (/^(500|401|403|404)/.test(status)) bench.trouble(`${entry.job.path}: ${result.last}`)
  }
  for (const code of new Set(result.orders.map((one) => one.code).filter(Boolean))) {
    const rows = tally.refusals
    const text = `${code}: ${result.last ?? 'in a batch'}`.replace(/[0-9][0-9.]*/g, 'N').slice(0, 200)
    rows.set(text, (rows.get(text) ?? 0) + 1)
  }
  entry.job.marks.forEach((mark, i) => {
    const before = run.told.get(mark)
    const now = { ...result.orders[i], last: result.last, job: entry.job.id }
    if (before.status !== 'pending' && before.id && now.id && before.id !== now.id) bench.trouble(`two clients of one key were told two ids: ${before.id} and ${now.id}`)
    if (before.status === 'pending' || before.status === 'rejected' || before.status === 'unknown') run.told.set(mark, now)
  })
  if (entry.answers === entry.wanted) run.pending.delete(result.id)
}

async function round(run, i) {
  const { bench, dice, options } = run
  const names = [run.deck.next()]
  const others = run.names.filter((name) => FAULTS[name].isVenues && name !== names[0])
  if (others.length && dice.chance(SECOND_FAULT)) names.push(dice.pick(others))
  post(run, names)
  const hits = await Promise.all(names.map((name) => FAULTS[name].run(bench, dice.named(`${i} ${name}`))))
  names.forEach((name, k) => {
    const row = run.hits.get(name)
    row.rounds++
    row.hits += hits[k]
  })
  await bench.venue.fault('none', 1)
  bench.shim.disarm()
  bench.shim.shiftClock(0)
  await bench.up()
  bench.signal('SIGCONT') // it may have got to the point at the very last
  const end = Date.now() + options.expires + 3000
  while (run.pending.size > run.limit && Date.now() < end) await delay(10)
  bench.record.read()
  if (options.verbose) progress(run, i, names, hits)
}

function progress(run, i, names, hits) {
  const seconds = Math.round((Date.now() - run.from) / 100) / 10
  console.log(`# ${i + 1}/${run.options.rounds} ${seconds} s: ${names.map((name, k) => `${name} ${hits[k]}`).join(', ')}; ${run.orders} orders, ${run.pending.size} pending, ${run.bench.record.nonceRejects.length} nonces refused`)
}

// --- the end ------------------------------------------------------------------------------------

// First the clients: each knows what became of its requests. Then the gateway: of what nobody waits for any more, such as
// orders that left before it was ended, it learns the end only when they have expired, which is later. The store tells.
async function quiet(run) {
  const { bench, options } = run
  const from = Date.now()
  while (run.pending.size && Date.now() - from < options.quiet * 1000) await delay(50)
  const end = Date.now() + options.quiet * 1000
  for (let isOver = false; !isOver; await delay(LOOK_MS)) {
    const rows = await metrics(bench.gateway)
    const isLate = Date.now() >= end
    isOver = isLate || (rows.get('perpgate_recovery_open') === 0 && bench.look().open.length === 0)
    if (isLate) run.recovery = otherTable(rows, /^perpgate_recover/)
  }
  return Date.now() - from
}

// A sample of the orders that were told of, as the gateway shows them now and as the venue has them.
async function fates(run) {
  const { bench, traders, told } = run
  const all = [...told].filter(([mark, one]) => one.id && !mark.includes(' margin '))
  const step = Math.max(1, Math.ceil(all.length / SAMPLE))
  const wrong = []
  const people = new Map(traders.people.map((person) => [person.address, person]))
  for (const [mark, { id, status: before }] of all.filter((_, i) => i % step === 0)) {
    const user = mark.split(' ')[0]
    const { host, token } = people.get(user)
    const { order, status } = (await bench.venue.info({ type: 'orderStatus', user, oid: id })).order ?? {}
    const { json } = await bench.gateway.call('GET', `/v1/orders/${id}`, { host, token })
    const there = order ? `${fateOf(status, order)} ${Number(order.sz)}` : 'rejected 0'
    // An order of a batch that was refused by itself never got into the journal.
    const shown = json?.code === 'not_found' ? 'rejected 0' : `${json?.status} ${Number(json?.remainingSize ?? 0)}`
    if (there !== shown) wrong.push(`${id}: told ${before}, shown as ${shown}, at the venue ${there} (${status})`)
  }
  return wrong
}

function judge(run, left) {
  const { bench, told, pending } = run
  bench.record.read()
  const store = bench.look()
  const verdict = bench.record.verdict(told)
  const why = new Map(left.map((one) => [one.id, one]))
  const unresolved = [...pending.values()].map(({ job }) => `${job.path} of job ${job.id}: ${JSON.stringify(why.get(job.id) ?? {})}`)
  for (const one of store.open) unresolved.push(`intent ${JSON.stringify(one)}`)
  for (const [mark, one] of told) if (one.status === 'untold') bench.trouble(`the answer of a batch leaves ${mark} out`)
  for (const [mark, one] of told) if (one.status === 'unknown' && !mark.includes(' margin ')) unresolved.push(`${mark}: told unknown, ${one.id}`)
  unresolved.push(...verdict.mistold)
  for (const mark of verdict.aliens) if (!run.setup.has(mark)) bench.trouble(`nobody asked for ${mark}`)
  const audited = bench.verifyAudit()
  if (audited) bench.trouble(`perpgatectl audit verify: ${audited}`)
  if (store.audit.broken) bench.trouble(`the audit chain breaks at ${JSON.stringify(store.audit.broken)}`)
  if (bench.record.gaps) bench.trouble(`the journal has ${bench.record.gaps} gaps`)
  return { ...verdict, unresolved, nonceRejects: bench.record.nonceRejects, store, audited }
}

function tell(run, end) {
  const { bench, tally, hits } = run
  const starts = bench.starts.slice(1).sort((a, b) => a - b)
  console.log(`\n${table([['fault', 'rounds', 'hits'], ...[...hits].filter(([, row]) => row.rounds).map(([name, row]) => [name, row.rounds, row.hits])])}`)
  console.log(`\n${table([['first answers', 'times'], ...[...tally.answers].sort((a, b) => b[1] - a[1])])}`)
  console.log(`\n${table([['refusals', 'times'], ...[...tally.refusals].sort((a, b) => b[1] - a[1])])}`)
  for (const kind of ['lost', 'duplicated', 'unresolved', 'nonceRejects']) for (const text of end[kind].slice(0, SHOWN)) console.log(`${kind}: ${text}`)
  for (const [text, times] of [...bench.troubles].slice(0, SHOWN)) console.log(`trouble, ${times} times: ${text}`)
  for (const one of bench.silences.slice(0, SHOWN)) console.log(`silent: ${JSON.stringify(one)}`)
  if (run.recovery) console.log(`still open when nobody waited any more:\n${table(run.recovery)}\nthe gateway's last words: ${bench.lastLog()}`)
  console.log(
    `\nclients: ${run.traders.nJobs} jobs, ${tally.noAnswers} requests without an answer (${bench.silences.length} for 8 seconds), ${tally.tries} tried again, ${tally.conflicts} times the first was still running` +
      `\nvenue: ${bench.record.rows} actions, ${bench.record.names.size} orders and legs placed, ${bench.record.resends} resends of the same bytes, ${bench.record.expired} came too late` +
      `\ngateway: ${bench.kills} kills; ready again after ${starts[starts.length >> 1] ?? 0} ms (median), ${starts.at(-1) ?? 0} ms (longest)` +
      `\nstore: ${end.store.intents} intents, ${end.store.open.length} open, ${end.store.audit.entries} entries of the audit log, ${end.store.audit.broken ? 'broken' : 'its chain whole'}${end.audited === null ? ', as perpgatectl finds' : ''}` +
      `\n${end.line}`,
  )
}

// --- all of it ----------------------------------------------------------------------------------

function choose(bench, wanted) {
  const names = wanted ? wanted.split(',') : Object.keys(FAULTS)
  for (const name of names) if (!FAULTS[name]) throw new Error(`no fault is called ${name}: ${Object.keys(FAULTS).join(', ')}`)
  return names.filter((name) => {
    const can = !FAULTS[name].needsDisk || bench.disk
    if (!can) console.log(`# skipped: ${name} needs a disk of its own, which this user may not mount`)
    return can
  })
}

async function open(options) {
  const bench = new Bench({ ...options, spreadMs: options.spread, deadlineMs: options.deadline, expiresMs: options.expires })
  const dice = new Dice(options.seed)
  const run = { options, bench, dice, traders: new Traders(bench, dice.named('traders')), pending: new Map(), told: new Map(), orders: 0, tally: { tries: 0, noAnswers: 0, conflicts: 0, answers: new Map(), refusals: new Map() } }
  try {
    await bench.openVenue()
    await bench.openGateway()
    await run.traders.open(options.accounts || Math.max(40, Math.ceil((options.rounds * options.orders) / ORDERS_EACH)))
    bench.record.read()
    run.setup = new Set(bench.record.placed.keys())
    bench.openClients(run.traders.people, (result) => take(run, result))
    run.names = choose(bench, options.faults)
    run.deck = new Deck(dice.named('deck'), run.names)
    run.hits = new Map(run.names.map((name) => [name, { rounds: 0, hits: 0 }]))
    run.limit = options.orders * options.pending
    run.from = Date.now()
    return run
  } catch (error) {
    bench.close()
    throw error
  }
}

// Runs it and answers what was found; every program that it starts has ended then.
export async function faults(given = {}) {
  const options = { ...DEFAULTS, ...given }
  const run = await open(options)
  const { bench } = run
  try {
    for (let i = 0; i < options.rounds; i++) await round(run, i)
    const seconds = Math.round((Date.now() - run.from) / 1000)
    const quietMs = await quiet(run)
    const left = await bench.endClients()
    const wrong = await fates(run)
    await bench.stopGateway()
    const end = judge(run, left)
    end.unresolved.push(...wrong)
    const sums = ['lost', 'duplicated', 'unresolved', 'nonceRejects'].map((kind) => [kind, end[kind].length])
    const line = `rounds ${options.rounds}, orders ${run.orders}, ${sums.map(([kind, n]) => `${kind} ${n}`).join(', ')}`
    Object.assign(end, { line: `seed ${options.seed}, ${seconds} s, quiet after ${quietMs} ms, ${bench.troubles.size} troubles\n${line}`, orders: run.orders, hits: run.hits, troubles: [...bench.troubles.keys()] })
    end.problems = sums.reduce((sum, [, n]) => sum + n, 0) + bench.troubles.size
    if (options.verbose || end.problems) tell(run, end)
    return end
  } finally {
    bench.close()
  }
}

async function main() {
  const numbers = ['rounds', 'seed', 'accounts', 'quiet', 'spread', 'deadline', 'expires', 'pending', 'orders-per-round']
  const { values } = parseArgs({ options: Object.fromEntries([...numbers, 'faults', 'keep'].map((name) => [name, { type: 'string' }])) })
  const given = {}
  for (const [name, text] of Object.entries(values)) {
    const isNumber = numbers.includes(name)
    given[name === 'orders-per-round' ? 'orders' : name] = isNumber ? Number(text) : text
    if (isNumber && !(Number(text) >= 0)) throw new Error(`--${name} takes a number`)
  }
  given.seed ??= Date.now() % 1000000
  const reason = whyNot()
  if (reason) throw new Error(reason)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130)) // and what exits takes its programs along
  console.log(`# seed ${given.seed}`)
  const end = await faults({ ...given, verbose: true })
  process.exit(end.problems ? 1 : 0)
}

// `node tests/fault` names the folder.
if ([fileURLToPath(import.meta.url), fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '')].includes(process.argv[1].replace(/\/$/, ''))) await main()
