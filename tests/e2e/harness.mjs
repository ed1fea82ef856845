// What every test stands on: programs started on free loopback ports and ended by their process id,
// requests under a brand's Host, a wallet, and the paper venue's control routes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const here = dirname(fileURLToPath(import.meta.url))
export const REPO = resolve(here, '../..')
export const BUILD = resolve(process.env.PERPGATE_BUILD ?? join(REPO, 'build'))
export const READY_MS = 20000
const POLL_MS = 15

// --- waiting ------------------------------------------------------------------------------------

// Asks until look() answers something true, at most ms; what names it in the failure.
export async function until(what, look, ms = 5000) {
  const end = Date.now() + ms
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > end) assert.fail(`not within ${ms} ms: ${what}`)
    await delay(POLL_MS)
  }
}

export async function within(what, ms, promise) {
  const abort = new AbortController()
  const late = delay(ms, undefined, { signal: abort.signal }).then(() => assert.fail(`not within ${ms} ms: ${what}`))
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    abort.abort()
  }
}

// --- programs -----------------------------------------------------------------------------------

const running = new Set()

process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL')
})

export class Program {
  constructor(name, args, env = {}) {
    this.stdout = []
    this.stderr = ''
    this.child = spawn(join(BUILD, name), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    running.add(this.child)
    this.ended = new Promise((done) => {
      this.child.on('error', (error) => done({ error }))
      this.child.on('close', (code, signal) => {
        running.delete(this.child)
        done({ code, signal })
      })
    })
    this.lines = createInterface({ input: this.child.stdout })
    this.lines.on('line', (line) => this.stdout.push(line))
    this.child.stderr.setEncoding('utf8')
    this.child.stderr.on('data', (text) => (this.stderr += text))
  }

  async firstLine() {
    const first = new Promise((done) => this.lines.once('line', done))
    const ended = this.ended.then((how) => {
      assert.fail(`ended before it was ready: ${JSON.stringify(how)}\n${this.stderr}`)
    })
    ended.catch(() => {})
    return within(`the ready line (${this.stderr})`, READY_MS, Promise.race([first, ended]))
  }

  signal(name) {
    this.child.kill(name)
  }

  // Ends the program and tells how it ended; kills it when it does not.
  async stop(signal = 'SIGTERM', ms = 20000) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.signal(signal)
    try {
      return await within('the end of the program', ms, this.ended)
    } finally {
      if (running.has(this.child)) this.child.kill('SIGKILL')
    }
  }
}

// Runs a program to its end.
export async function run(name, args, env = {}) {
  const program = new Program(name, args, env)
  const how = await within(`${name} ${args.join(' ')}`, READY_MS, program.ended)
  return { ...how, stdout: program.stdout.join('\n'), stderr: program.stderr }
}

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'perpgate-e2e-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

// --- HTTP ---------------------------------------------------------------------------------------

// One request; body is sent as it is when it is a string or a Buffer, else as JSON.
export function request(base, method, path, { host, token, body, headers = {}, agent, ms = 25000 } = {}) {
  const url = new URL(base)
  const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
  const bytes = body === undefined ? undefined : Buffer.from(raw ? body : JSON.stringify(body))
  const all = { ...headers }
  if (host) all.Host = host
  if (token) all.Authorization = `Bearer ${token}`
  if (bytes && !all['Content-Type']) all['Content-Type'] = 'application/json'
  if (bytes) all['Content-Length'] = bytes.length
  else if (method !== 'GET' && method !== 'HEAD' && method !== 'DELETE' && method !== 'OPTIONS') all['Content-Length'] = 0
  return new Promise((done, failed) => {
    const outgoing = http.request(
      { host: url.hostname, port: url.port, method, path, headers: all, agent: agent ?? false, timeout: ms },
      (incoming) => {
        const parts = []
        incoming.on('data', (part) => parts.push(part))
        incoming.on('error', failed)
        incoming.on('end', () => {
          // A venue with faults may answer what is no JSON: that fails this request, not the program.
          try {
            done(answerOf(incoming, Buffer.concat(parts)))
          } catch (error) {
            failed(error)
          }
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within ${ms} ms`)))
    outgoing.on('error', failed)
    outgoing.end(bytes)
  })
}

function answerOf(incoming, bytes) {
  const text = bytes.toString('utf8')
  const type = incoming.headers['content-type'] ?? ''
  let json
  if (type.includes('json') && text) json = JSON.parse(text)
  return { status: incoming.statusCode, headers: incoming.headers, type, text, bytes, json }
}

// Bytes as they are on a socket of their own; what came back until the peer closed, or until enough()
// is satisfied. Fails when neither happens within ms.
export async function rawExchange(base, bytes, { ms = 8000, enough = () => false, half = false } = {}) {
  const url = new URL(base)
  const socket = net.connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
  let text = ''
  try {
    return await within(
      `an end of the connection after ${JSON.stringify(String(bytes).slice(0, 60))}, got ${JSON.stringify(text)}`,
      ms,
      new Promise((done) => {
        socket.setEncoding('latin1')
        socket.on('data', (part) => {
          text += part
          if (enough(text)) done(text)
        })
        socket.on('end', () => done(text))
        socket.on('error', () => done(text))
        socket.on('close', () => done(text))
        if (half) socket.end(bytes)
        else socket.write(bytes)
      }),
    )
  } finally {
    socket.destroy()
  }
}

// The status line's number and the problem document's code of a raw answer.
export function rawAnswer(text) {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1]
  return { status, code }
}

// --- a gateway and its paper venue --------------------------------------------------------------

export class Gateway {
  constructor(program, ready, extra = {}) {
    Object.assign(this, ready, extra)
    this.program = program
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  }

  brand(id) {
    const found = this.brands.find((b) => b.id === id)
    assert.ok(found, `the brand ${id} is served`)
    return found
  }

  host(id) {
    return this.brand(id).host
  }

  call(method, path, options = {}) {
    return request(this.http, method, path, { agent: this.agent, ...options })
  }

  get venue() {
    return (this.paperVenue ??= new Paper(this.paper))
  }

  async healthy() {
    const answer = await request(this.http, 'GET', '/healthz', { host: this.brands[0].host })
    assert.equal(answer.status, 200)
    assert.equal(answer.json.status, 'ok')
  }

  // Moves the venue's price, and waits until this gateway has seen it.
  async price(coin, price) {
    await this.venue.price(coin, price)
    const host = this.brands.at(-1).host
    await until(`${coin} at ${price}`, async () => {
      const { json } = await this.call('GET', `/v1/markets/${coin}`, { host })
      return json.mark === price && json.oracle === price
    })
  }

  // Every gateway drains and ends well, also the one that a test has maltreated.
  async stop() {
    this.agent.destroy()
    const how = await this.program.stop()
    assert.deepEqual(how, { code: 0, signal: null }, this.program.stderr.slice(-4000))
    return how
  }
}

export async function startDemo({ args = [], env } = {}) {
  const program = new Program('perpgate', ['demo', '--http', '0', '--paper', '0', ...args], env)
  return new Gateway(program, JSON.parse(await program.firstLine()))
}

// A gateway on a configuration of its own, on the embedded paper venue. settings are lines of YAML
// by section, put in place of the section's own.
export function writeConfig(folder, settings = {}) {
  const sections = {
    listen: '{public: {port: 0}, admin: {port: 0}}',
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200}',
    mirror: '{showMaxAgeMs: 0, pollWeightPerMinute: 100000}',
    paper: '{enabled: true, port: 0}',
    store: `{dataDir: ${folder}}`,
    keys: `{masterKeyFile: ${join(folder, 'master.key')}}`,
    brands: `[${join(REPO, 'branding/meridian')}, ${join(REPO, 'branding/harbor')}]`,
    ...settings,
  }
  const file = join(folder, 'gateway.yaml')
  const text = Object.entries(sections).map(([name, value]) => `${name}: ${value}\n`)
  writeFileSync(file, text.join(''))
  return file
}

export function writeMasterKey(folder, mode = 0o600) {
  const file = join(folder, 'master.key')
  const key = generatePrivateKey().slice(2)
  writeFileSync(file, `${key}\n`, { mode })
  chmodSync(file, mode)
  return key
}

export async function startConfigured(settings = {}, { folder = temporaryFolder(), env, keepsKey = false } = {}) {
  const masterKey = keepsKey ? undefined : writeMasterKey(folder)
  const file = writeConfig(folder, settings)
  const program = new Program('perpgate', ['--config', file], env)
  return new Gateway(program, JSON.parse(await program.firstLine()), { folder, file, masterKey })
}

// --- the paper venue ----------------------------------------------------------------------------

export class Paper {
  constructor(base) {
    this.base = base
  }

  async control(method, path, body) {
    const answer = await request(this.base, method, path, { body })
    assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    return answer.json
  }

  async info(body) {
    const answer = await request(this.base, 'POST', '/info', { body })
    assert.equal(answer.status, 200, `${body.type}: ${answer.text}`)
    return answer.json
  }

  faucet(user, amount) {
    return this.control('POST', '/paper/faucet', { user, amount })
  }

  price(coin, price) {
    return this.control('POST', '/paper/price', { coin, price })
  }

  clock(advanceMs) {
    return this.control('POST', '/paper/clock', { advanceMs })
  }

  fault(kind, count, more = {}) {
    return this.control('POST', '/paper/fault', { kind, count, ...more })
  }

  async ledger() {
    const rows = await this.control('GET', '/paper/ledger')
    return Array.isArray(rows) ? rows : rows.actions
  }

  async stop() {
    assert.deepEqual(await this.program.stop(), { code: 0, signal: null }, this.program.stderr.slice(-4000))
  }

  async position(user, coin) {
    const state = await this.info({ type: 'clearinghouseState', user })
    return state.assetPositions.map((row) => row.position).find((p) => p.coin === coin)
  }
}

export async function startPaper(args = []) {
  const program = new Program('perpgate-paper', ['--port', '0', ...args])
  const ready = JSON.parse(await program.firstLine())
  const paper = new Paper(ready.url)
  paper.program = program
  paper.ready = ready
  return paper
}

// --- what published clients are pointed at --------------------------------------------------------

// The paper venue itself; or a gateway in front of one, where a test file has said so before it imports
// another: `client` is the address for the client, `base` the venue's own.
export const pointed = { start: startPaper }

// A folder with the brand harbor, for the host 127.0.0.1; more is YAML at its end.
export function compatBrand(more = 'compat: {weightPerMinute: 1000000}') {
  const brand = join(temporaryFolder(), 'harbor')
  cpSync(join(REPO, 'branding/harbor'), brand, { recursive: true })
  const file = join(brand, 'brand.yaml')
  writeFileSync(file, `${readFileSync(file, 'utf8').replace(/^hosts: .*$/m, 'hosts: [127.0.0.1, harbor.localhost]')}\n${more}\n`)
  return { brand, file }
}

export async function startFronted(args = []) {
  const { brand } = compatBrand()
  const paper = await startPaper(args)
  const venue = `{network: mainnet, baseUrl: "${paper.base}", weightPerMinute: 1000000, contextsEveryMs: 200}`
  const gateway = await startConfigured({ brands: `[${brand}]`, venue, paper: '{enabled: false}' })
  const move = paper.price.bind(paper)
  paper.gateway = gateway
  paper.client = gateway.http
  // The gateway serves what others asked a moment ago: a price has moved when it is told here too.
  paper.price = async (coin, price) => {
    await move(coin, price)
    const told = async (type) => (await gateway.call('POST', '/info', { host: '127.0.0.1', body: { type } })).json
    const want = await paper.info({ type: 'allMids' })
    await until(`${coin} at ${price} on /info`, async () => {
      const [meta, contexts] = await told('metaAndAssetCtxs')
      const at = meta.universe.findIndex((one) => one.name === coin)
      return Number(contexts[at].markPx) === Number(price) && (await told('allMids'))[coin] === want[coin]
    }, 60000)
  }
  const end = paper.stop.bind(paper)
  paper.stop = async () => {
    await gateway.stop()
    await end()
  }
  return paper
}

// --- a trader -----------------------------------------------------------------------------------

// What a wallet does with eth_signTypedData_v4: everything it needs is in the document.
export function signTypedData(account, typed) {
  const { EIP712Domain, ...types } = typed.types
  const named = EIP712Domain.map((field) => field.name).sort()
  assert.deepEqual(Object.keys(typed.domain).sort(), named, 'the domain has the fields that its type names')
  for (const field of types[typed.primaryType])
    assert.ok(field.name in typed.message, `the message has ${field.name}`)
  return account.signTypedData({
    domain: typed.domain,
    types,
    primaryType: typed.primaryType,
    message: typed.message,
  })
}

export class Trader {
  constructor(gateway, brand, key = generatePrivateKey()) {
    this.gateway = gateway
    this.host = gateway.host(brand)
    this.account = privateKeyToAccount(key)
    this.address = this.account.address.toLowerCase()
  }

  call(method, path, body, headers = {}) {
    return this.gateway.call(method, path, { host: this.host, token: this.token, body, headers })
  }

  async ok(method, path, body, headers) {
    const answer = await this.call(method, path, body, headers)
    assert.equal(answer.status, 200, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`)
    return answer.json
  }

  async refused(status, code, method, path, body, headers) {
    return problem(await this.call(method, path, body, headers), status, code)
  }

  challenge(more = {}) {
    return this.ok('POST', '/v1/auth/challenge', { address: this.account.address, ...more })
  }

  async signIn() {
    const { message } = await this.challenge()
    const signature = await this.account.signMessage({ message })
    const login = await this.ok('POST', '/v1/auth/login', { message, signature })
    this.token = login.token
    return login
  }

  async approve(path) {
    const asked = await this.ok('POST', path, {})
    const signature = await signTypedData(this.account, asked.typedData)
    await this.ok('POST', `${path}/approve`, { signature })
    return asked
  }

  // Signed in, with money, an agent and, where the brand charges one, the builder's fee approved.
  async onboard(amount = '10000') {
    await this.gateway.venue.faucet(this.address, amount)
    await this.signIn()
    this.agent = (await this.approve('/v1/agent')).agentAddress
    const { steps } = await this.ok('GET', '/v1/onboarding')
    if (steps.some((s) => s.step === 'builderFee')) await this.approve('/v1/builder-fee')
    return this
  }

  preview(order) {
    return this.ok('POST', '/v1/orders/preview', order)
  }

  place(order, headers) {
    return this.ok('POST', '/v1/orders', order, headers)
  }

  position(symbol) {
    return this.ok('GET', `/v1/positions/${symbol}`)
  }

  venuePosition(symbol) {
    return this.gateway.venue.position(this.address, symbol)
  }
}

// --- what every refusal is ----------------------------------------------------------------------

// A problem document (RFC 9457) with this status and code; answers it.
export function problem(answer, status, code) {
  assert.equal(answer.json?.code, code, `${answer.status} ${answer.text}`)
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.type, 'application/problem+json')
  assert.equal(answer.json.status, status)
  assert.equal(typeof answer.json.retryable, 'boolean')
  assert.ok(answer.json.title.length > 0 && answer.json.detail.length > 0)
  assert.equal(answer.json.requestId, answer.headers['x-request-id'])
  return answer.json
}

// Runs what must not reach the venue: the ledger is as long after as before, and the gateway lives.
export async function signsNothing(gateway, attempt) {
  const before = (await gateway.venue.ledger()).length
  await attempt()
  const after = await gateway.venue.ledger()
  assert.equal(after.length, before, `reached the venue: ${JSON.stringify(after.slice(before))}`)
  await gateway.healthy()
}

export const decimal = /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/
