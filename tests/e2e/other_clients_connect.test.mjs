// WebSockets of the edge with a client of another make: plain and under TLS, compressed and not, read at once or
// late.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { BUILD, until, within } from './harness.mjs'

const LONG_MS = 90000
const folder = mkdtempSync(join(tmpdir(), 'pg-edge-'))
const certificate = join(folder, 'cert.pem')
const key = join(folder, 'key.pem')

function certify() {
  const of = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...of, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
}

async function serve(t, args) {
  const child = spawn(join(BUILD, 'tests/edge_echo'), args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
  const port = await within('edge_echo listens', LONG_MS, new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)))
  t.after(async () => {
    child.stdin.end()
    assert.equal(await within('edge_echo ends', LONG_MS, ended), 0)
  })
  return port
}

// A peer that keeps what it hears.
async function connect(url, perMessageDeflate) {
  const ws = new WebSocket(url, { perMessageDeflate, rejectUnauthorized: false })
  const peer = { ws, heard: [], pongs: [], closed: null }
  ws.on('message', (data) => peer.heard.push(data.toString()))
  ws.on('pong', (data) => peer.pongs.push(data.toString()))
  ws.on('close', (code, reason) => (peer.closed = { code, reason: reason.toString() }))
  ws.on('error', (error) => (peer.error = error))
  await until(`${url} opens`, () => ws.readyState === WebSocket.OPEN || peer.error, LONG_MS)
  assert.equal(peer.error, undefined)
  assert.equal(ws.extensions, perMessageDeflate ? 'permessage-deflate' : '')
  return peer
}

const heard = (peer, n) => until(`${n} messages`, () => peer.heard.length >= n, LONG_MS)

async function closes(peer) {
  peer.ws.close(4000, 'enough')
  await until('the close', () => peer.closed, LONG_MS)
  assert.equal(peer.closed.code, 4000)
}

function expected(number, bytes) {
  const head = `${number}:`
  const text = Buffer.alloc(bytes)
  text.write(head)
  for (let i = head.length; i < bytes; i++) text[i] = 48 + ((i * i + number) % 10)
  return text.toString()
}

certify()
test.after(() => rmSync(folder, { recursive: true }))

for (const [name, scheme, args] of [
  ['plain', 'ws', []],
  ['TLS', 'wss', [certificate, key]],
]) {
  for (const deflate of [false, true]) {
    const how = `${name}, ${deflate ? 'compressed' : 'not compressed'}`

    test(`messages of all sizes come back: ${how}`, async (t) => {
      const url = `${scheme}://127.0.0.1:${await serve(t, args)}/ws`
      const peer = await connect(url, deflate)
      const texts = [0, 1, 125, 126, 255, 256, 1000, 16383, 16384, 65535, 65536, 99990].map((n) => 'é€😀'.repeat(n / 9) + 'x'.repeat(n % 9))
      for (const text of texts) peer.ws.send(text)
      await heard(peer, texts.length)
      assert.deepEqual(peer.heard, texts)
      await closes(peer)
    })

    test(`a message in pieces is one: ${how}`, async (t) => {
      const url = `${scheme}://127.0.0.1:${await serve(t, args)}/ws`
      const peer = await connect(url, deflate)
      for (let i = 0; i < 20; i++) peer.ws.send(expected(i, 2000), { fin: i === 19, compress: deflate })
      await heard(peer, 1)
      assert.equal(peer.heard[0], Array.from({ length: 20 }, (_, i) => expected(i, 2000)).join(''))
      await closes(peer)
    })

    test(`who reads late gets everything, in order: ${how}`, async (t) => {
      const url = `${scheme}://127.0.0.1:${await serve(t, args)}/ws`
      const peer = await connect(url, deflate)
      const n = deflate ? 6000 : 2000
      peer.ws.send(`send ${n} 5000`)
      await heard(peer, 1)
      peer.ws._socket.pause() // what the kernel takes meanwhile is less than all
      for (let i = 0; i < 50; i++) {
        peer.ws.ping(`ping ${i}`) // answers go between frames, wherever the writing stopped
        await new Promise((resolve) => setImmediate(resolve))
      }
      peer.ws._socket.resume()
      await heard(peer, n)
      await until('the last answer', () => peer.pongs.includes('ping 49'), LONG_MS)
      assert.equal(peer.heard.length, n)
      for (let i = 0; i < n; i++) assert.ok(peer.heard[i] === expected(i, 5000), `message ${i} is not what was sent`)
      await closes(peer)
    })

    test(`the server closes with its code: ${how}`, async (t) => {
      const url = `${scheme}://127.0.0.1:${await serve(t, args)}/ws`
      const peer = await connect(url, deflate)
      peer.ws.send('close 4321')
      await until('the close', () => peer.closed, LONG_MS)
      assert.deepEqual(peer.closed, { code: 4321, reason: 'as you wish' })
      const again = await connect(url, deflate)
      await closes(again)
    })
  }
}
