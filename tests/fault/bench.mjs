// The programs of a run: a venue that lives throughout, a gateway that is ended and started again, clients.
import assert from 'node:assert/strict'
import { execFileSync, fork, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, statSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BUILD, Gateway, Paper, READY_MS, REPO, temporaryFolder, within, writeConfig, writeMasterKey } from '../e2e/harness.mjs'
import { Record } from './record.mjs'
import { Shim } from './shim.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const SHIM = join(BUILD, 'tests/fault_shim.so')
const DISK = '4g' // of which only what is used exists
const BRANDS = ['meridian', 'harbor']
const CLIENTS = 2
const END_MS = 60000 // of the gateway, which waits for what is under way

// Says why where a run can't be had here at all.
export function whyNot() {
  return existsSync(SHIM) ? undefined : `${SHIM} is not built`
}

// A disk of its own for the store, which can be made full; null where this process may not mount one.
function mountDisk(folder) {
  const at = join(folder, 'disk')
  mkdirSync(at)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', at], { stdio: 'ignore' })
  } catch {
    return null
  }
  return at
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

export class Bench {
  constructor(options) {
    this.options = options
    this.folder = temporaryFolder()
    this.troubles = new Map()
    this.kills = 0
    this.silences = [] // requests that nobody answered for long, over an open connection
    this.starts = []
    this.isEnding = false
    this.clients = []
    // Before the folder is removed, which the disk stands in.
    process.prependListener('exit', () => this.close())
  }

  trouble(text) {
    this.troubles.set(text, (this.troubles.get(text) ?? 0) + 1)
  }

  // --- the venue ---

  async openVenue() {
    const journal = join(this.folder, 'venue.journal')
    const args = ['--port', '0', '--still', '--ungated', '--seed', String(this.options.seed % 1000000), '--journal', journal]
    this.venueChild = spawn(join(BUILD, 'perpgate-paper'), args, { stdio: ['ignore', 'pipe', openSync(join(this.folder, 'venue.log'), 'a')] })
    this.mind(this.venueChild, 'the venue')
    const ready = JSON.parse(await this.firstLine(this.venueChild))
    this.venue = new Paper(ready.url)
    this.record = new Record(journal)
  }

  mind(child, name) {
    child.on('exit', (code, signal) => this.isEnding || this.trouble(`${name} ended: ${signal ?? code}`))
  }

  async firstLine(child) {
    const lines = createInterface({ input: child.stdout })
    const first = new Promise((done) => lines.once('line', done))
    const ended = new Promise((done, failed) => child.once('exit', (code, signal) => failed(new Error(`ended before it was ready: ${signal ?? code}`))))
    ended.catch(() => {})
    return within('the ready line', READY_MS, Promise.race([first, ended]))
  }

  // --- the gateway ---

  settings(ports) {
    return {
      listen: `{public: {port: ${ports.http}}, admin: {port: ${ports.admin}}}`,
      limits: '{maxConnectionsPerAddress: 0}',
      venue: `{baseUrl: "${this.venue.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 500, orderDeadlineMs: ${this.options.deadlineMs}, readDeadlineMs: ${this.options.deadlineMs}, expiresAfterMs: ${this.options.expiresMs}}`,
      paper: '{enabled: false}',
      store: `{dataDir: ${this.data}}`,
      log: '{level: warn}',
      brands: this.brands,
    }
  }

  async openGateway() {
    this.disk = mountDisk(this.folder)
    this.data = join(this.disk ?? this.folder, 'data')
    mkdirSync(this.data)
    this.shim = new Shim(join(this.folder, 'shim'))
    this.brands = brands(this.folder)
    this.log = join(this.folder, 'gateway.log')
    writeMasterKey(this.folder)
    this.config = writeConfig(this.folder, this.settings({ http: 0, admin: 0 }))
    const ready = await this.launch()
    this.gateway = new Gateway(null, ready, { paper: this.venue.base })
    const portOf = (url) => new URL(url).port
    writeConfig(this.folder, this.settings({ http: portOf(ready.http), admin: portOf(ready.admin) }))
  }

  async launch() {
    const from = Date.now()
    const asan = `verify_asan_link_order=0:${process.env.ASAN_OPTIONS ?? ''}`
    const env = { ...process.env, LD_PRELOAD: SHIM, FAULT_SHIM: this.shim.file, ASAN_OPTIONS: asan }
    this.child = spawn(join(BUILD, 'perpgate'), ['--config', this.config], { stdio: ['ignore', 'pipe', openSync(this.log, 'a')], env })
    const { child } = this
    this.isUp = false
    child.once('exit', (code, signal) => this.gone(child, code, signal))
    const ready = JSON.parse(await this.firstLine(child))
    this.isUp = true
    this.starts.push(Date.now() - from)
    return ready
  }

  // However it ended, it is started again: a supervisor would.
  gone(child, code, signal) {
    if (child !== this.child) return
    this.isUp = false
    if (this.isEnding) return
    if (signal === 'SIGKILL') this.kills++
    else if (this.isAsked && code === 0) this.isAsked = false
    else this.trouble(`the gateway ended: ${signal ?? code}: ${this.lastLog()}`)
    this.restarting = this.restart()
  }

  async restart() {
    await delay(this.downMs ?? 0)
    for (let tries = 0; !this.isEnding; tries++) {
      try {
        return await this.launch()
      } catch (error) {
        // gone() has seen to it already, where the program ended.
        if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
        if (tries > 20) throw error
        return undefined
      }
    }
  }

  logEnd() {
    return statSync(this.log).size
  }

  hasLogged(text, from) {
    return readFileSync(this.log).subarray(from).includes(text)
  }

  // As an upgrade does it: what is under way ends first.
  async restartCleanly() {
    const { child } = this
    this.isAsked = true
    child.kill('SIGTERM')
    await within('the end of the gateway', READY_MS, new Promise((done) => child.once('exit', done)))
    await this.up()
  }

  lastLog() {
    return readFileSync(this.log, 'utf8').slice(-600)
  }

  async up() {
    const end = Date.now() + READY_MS
    while (!this.isUp) {
      assert.ok(Date.now() < end, `the gateway does not start again: ${this.lastLog()}`)
      await delay(10)
    }
  }

  signal(name) {
    this.child.kill(name)
  }

  // --- the disk ---

  // Nothing more fits on the disk than is on it now.
  fillDisk() {
    for (let tries = 0; tries < 20; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.disk)
      try {
        execFileSync('mount', ['-o', `remount,size=${Math.max(1, blocks - bfree) * bsize}`, this.disk], { stdio: 'ignore' })
        return true
      } catch {
        // something was written meanwhile
      }
    }
    return false
  }

  freeDisk() {
    execFileSync('mount', ['-o', `remount,size=${DISK}`, this.disk])
  }

  // --- the clients ---

  openClients(people, onResult) {
    for (let i = 0; i < CLIENTS; i++) {
      const client = fork(join(here, 'load.mjs'))
      this.mind(client, 'a client')
      client.on('message', (message) => {
        if (message.left) client.emit('left', message.left)
        else if (message.silent) this.silences.push(message)
        else onResult(message, i)
      })
      client.send({ open: { base: this.gateway.http, people } })
      this.clients.push(client)
    }
  }

  // What the clients still don't know the end of.
  async endClients() {
    this.isEnding = true
    const left = await Promise.all(
      this.clients.map((client) => {
        const answer = new Promise((done) => client.once('left', done))
        client.send({ end: true })
        return answer
      }),
    )
    for (const client of this.clients) client.disconnect()
    return left.flat()
  }

  // --- the end ---

  async stopGateway() {
    this.isEnding = true
    const ended = new Promise((done) => this.child.once('exit', (code, signal) => done(signal ?? code)))
    this.signal('SIGTERM')
    const how = await within('the end of the gateway', END_MS, ended)
    if (how !== 0) this.trouble(`the gateway ended with ${how}: ${this.lastLog()}`)
  }

  // The store, read by a program that shares no code with the gateway.
  look() {
    return JSON.parse(execFileSync(join(BUILD, 'tests/store_look'), [join(this.data, 'perpgate.db')], { maxBuffer: 1 << 26 }))
  }

  // The operator's own verifier: what it says, null where it finds nothing wrong, undefined where there is none.
  verifyAudit() {
    const { status, stdout, stderr } = spawnSync(join(BUILD, 'perpgatectl'), ['audit', 'verify', '--store', join(this.data, 'perpgate.db')], { encoding: 'utf8' })
    return status === 0 ? null : status === 2 ? undefined : `${stdout}${stderr}`.slice(0, 400)
  }

  close() {
    this.isEnding = true
    if (this.isClosed) return
    this.isClosed = true
    for (const client of this.clients) client.kill('SIGKILL')
    this.child?.kill('SIGKILL')
    this.venueChild?.kill('SIGKILL')
    this.gateway?.agent.destroy()
    this.shim?.close()
    this.record?.close()
    if (this.options.keep) cpSync(this.folder, this.options.keep, { recursive: true })
    if (this.disk) execFileSync('umount', ['-l', this.disk])
  }
}
