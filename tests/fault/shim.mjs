// The file through which tests/fault/shim/fault_shim.c is told what to do; that file says what its numbers mean.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const CELLS = 64
const SIGNALS = { SIGKILL: 9n, SIGSTOP: 19n }
export const POINTS = { beforeSend: 1, afterSend: 2, afterAnswer: 3, beforeCommit: 4, afterCommit: 5, inJournal: 6 }

export class Shim {
  constructor(file) {
    this.file = file
    this.fd = openSync(file, 'w+')
    writeSync(this.fd, Buffer.alloc(CELLS * 8), 0, CELLS * 8, 0)
  }

  get(i) {
    const cell = Buffer.alloc(8)
    readSync(this.fd, cell, 0, 8, i * 8)
    return Number(cell.readBigInt64LE())
  }

  set(i, value) {
    const cell = Buffer.alloc(8)
    cell.writeBigInt64LE(BigInt(value))
    writeSync(this.fd, cell, 0, 8, i * 8)
  }

  // At the crossing of the point that follows `pass` others, the program gets the signal.
  arm(point, pass, signal) {
    this.set(4, 0)
    this.set(2, pass)
    this.set(3, SIGNALS[signal])
    this.set(1, POINTS[point])
  }

  disarm() {
    this.set(1, 0)
  }

  hasFired() {
    return this.get(4) !== 0
  }

  shiftClock(ms) {
    this.set(0, Math.round(ms))
  }

  crossings(point) {
    return this.get(8 + POINTS[point])
  }

  close() {
    closeSync(this.fd)
  }
}
