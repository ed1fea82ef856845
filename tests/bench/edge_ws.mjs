// The least server that broadcasts with the npm package ws, obeying edge_server.h's orders on a socket it inherits.
// Usage: node edge_ws.mjs FOLDER_OF_WS DESCRIPTOR
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { resolve } from 'node:path'

const FRAME_BYTES = 1024
const COMMAND_BYTES = 8
const REPORT_BYTES = 32
const REPORT = 0
const PUBLISH = 1

const { WebSocketServer } = createRequire(import.meta.url)(resolve(process.argv[2]))
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/ws', perMessageDeflate: false })
const control = new Socket({ fd: Number(process.argv[3]), readable: true, writable: true })
let published = 0
let waiting = Buffer.alloc(0)

function report() {
  const out = Buffer.alloc(REPORT_BYTES)
  const { user, system } = process.cpuUsage() // getrusage, as the others
  const { rss, heapUsed } = process.memoryUsage()
  out.writeBigInt64LE(BigInt(user + system) * 1000n, 0)
  out.writeBigInt64LE(BigInt(heapUsed), 8)
  out.writeBigInt64LE(BigInt(rss), 16)
  out.writeUInt32LE(server.clients.size, 24)
  out.writeUInt16LE(server.address().port, 28)
  control.write(out)
}

function publish(frames) {
  for (let i = 0; i < frames; i++) {
    const frame = Buffer.from(String(published++).padEnd(FRAME_BYTES, '{"px":"60000.1","sz":"0.00001"},'))
    for (const client of server.clients) client.send(frame, { binary: false })
  }
}

function obey(order, n) {
  if (order === REPORT) report()
  else if (order === PUBLISH) publish(n)
  else process.exit(0)
}

server.on('listening', () => {
  control.on('data', (bytes) => {
    waiting = Buffer.concat([waiting, bytes])
    for (; waiting.length >= COMMAND_BYTES; waiting = waiting.subarray(COMMAND_BYTES)) obey(waiting.readUInt32LE(0), waiting.readUInt32LE(4))
  })
})
control.on('close', () => process.exit(1)) // the bench has ended
