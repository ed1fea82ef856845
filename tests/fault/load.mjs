// A client of the gateway in a process of its own (forked by bench.mjs). It trades as a good bot does: what got no
// answer is asked again with the same Idempotency-Key, what is unknown is looked up by its id until it is known, and what
// was refused is left alone.
//
// From the parent: {open: {base, people}} once, {jobs: [...]} any number of times, {end: true}.
// To the parent: {id, orders: [{id, status, filledSize}], ...} for each job, once it is certain what became of it.
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from '../e2e/harness.mjs'

const FIRST_PAUSE_MS = 30
const LONGEST_PAUSE_MS = 1500
const READ_MS = 8000
const MARGIN_TRIES = 8 // after which an unknown move of margin is left to the gateway
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })

let base
let people
let isOver = false

const pauseOf = (tries) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 1.6 ** tries) * (0.7 + 0.6 * Math.random())
const idIn = (json) => /0x[0-9a-f]{32}/.exec(json?.hint ?? '')?.[0]

// The answer, or null where there was none: refused, reset, too late.
async function ask(job, method, path, body, headers = {}) {
  const { host, token } = people[job.who]
  const ms = method === 'POST' ? job.patienceMs : READ_MS
  const from = Date.now()
  try {
    return await request(base, method, path, { host, token, body, headers, agent, ms })
  } catch (error) {
    job.noAnswers++
    job.lastError = error.code ?? error.message
    // A connection that stayed open for so long with nothing said.
    if (Date.now() - from >= READ_MS) process.send({ silent: `${method} ${path.replace(/0x[0-9a-f]+/, 'ID')}`, key: job.key, at: from })
    return null
  }
}

// What is known of an order; undefined while nothing is, null where there is none of this name.
async function look(job, id) {
  const answer = await ask(job, 'GET', `/v1/orders/${id}`)
  if (answer) job.last = `GET ${answer.status} ${answer.json?.code ?? answer.json?.status}`
  if (answer?.status === 404) return null
  if (answer?.status !== 200 || answer.json.status === 'unknown') return undefined
  return { id, status: answer.json.status, filledSize: answer.json.filledSize, isFound: true }
}

// The same, asked until it is known; where there is none, the request itself has to be asked again.
async function findOut(job, id) {
  for (let tries = 0; !isOver; tries++) {
    const found = await look(job, id)
    if (found !== undefined) return found
    await delay(pauseOf(tries))
  }
  return { id, status: 'unknown' }
}

// Each result where its order stood in the request.
function placed(job, results, orders) {
  const at = Array.from({ length: job.n }, () => ({ id: null, status: 'untold' }))
  orders.forEach((one, i) => (at[results[i].index ?? i] = one))
  return at
}

async function settle(job, results) {
  const orders = results.map(({ id, status, filledSize, error }) => ({ id, status, filledSize, code: error?.code }))
  const found = await Promise.all(placed(job, results, orders).map((one) => (one.status === 'unknown' && one.id ? findOut(job, one.id) : one)))
  return found.includes(null) ? undefined : found
}

// A problem document that says what became of the request, or undefined where the same has to be asked again.
async function judge(job, { status, json, headers, text }) {
  const code = json?.code
  job.last = `${status} ${code} ${json?.venueMessage ?? json?.detail ?? text.slice(0, 80)}`
  // A plan that ended before its order was sent: whatever else is unknown, the order is not.
  const step = json?.plan?.find((s) => s.action === 'order')
  if (code === 'outcome_unknown' && step?.status === 'skipped') return [{ id: null, status: 'rejected', code }]
  if (code === 'outcome_unknown') {
    const id = idIn(json)
    const found = id && (await findOut(job, id))
    if (found) return [found]
    return job.isMargin && ++job.unknowns > MARGIN_TRIES ? [{ status: 'unknown' }] : undefined
  }
  // Until the first request with this key has an answer, its order can be asked for.
  if (status === 409 && (code === 'in_progress' || /no answer yet/.test(json.detail))) {
    job.conflicts++
    const id = idIn(json)
    const found = id && job.n === 1 && job.conflicts > 3 && !job.isMargin && (await look(job, id))
    return found ? [found] : undefined
  }
  const isFinal = headers['idempotent-replayed'] === 'true' || !(json?.retryable || status >= 500 || status === 429)
  if (!isFinal) return undefined
  return Array.from({ length: job.n }, () => ({ id: null, status: 'rejected', code }))
}

async function work(job) {
  Object.assign(job, { noAnswers: 0, conflicts: 0, unknowns: 0, statuses: {} })
  await delay(job.at)
  for (let tries = 0; !isOver; tries++) {
    const answer = await ask(job, job.method, job.path, job.body, { 'Idempotency-Key': job.key })
    if (answer) job.statuses[`${answer.status} ${answer.json?.code ?? ''}`.trim()] = 1
    const results = answer && answer.status < 300 ? await settle(job, answer.json.results ?? [answer.json]) : answer && (await judge(job, answer))
    if (results && !results.some((one) => one.status === 'unknown' && isOver)) return tell(job, results, tries)
    await delay(pauseOf(tries))
  }
}

function tell(job, orders, tries) {
  const { id, noAnswers, conflicts, statuses, last } = job
  process.send({ id, orders, tries, noAnswers, conflicts, statuses: Object.keys(statuses), last })
  const rests = orders.find((one) => one.status === 'resting')
  if (rests && job.cancels) ask(job, 'DELETE', `/v1/orders/${rests.id}`)
}

const open = new Map()

process.on('message', (message) => {
  if (message.open) ({ base, people } = message.open)
  for (const job of message.jobs ?? []) {
    open.set(job.id, job)
    work(job).finally(() => open.delete(job.id))
  }
  for (const who of message.sweep ?? []) ask({ who, patienceMs: 5000 }, 'DELETE', '/v1/orders')
  if (message.end) {
    isOver = true
    process.send({ left: [...open.values()].map(({ id, last, lastError, conflicts }) => ({ id, last, lastError, conflicts })) })
  }
})
process.on('disconnect', () => process.exit(0))
