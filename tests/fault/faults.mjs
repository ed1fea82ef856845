// What goes wrong in a round: one row a fault. `run` makes it happen while clients trade and answers how often it
// hit. Points of the gateway's life are hit exactly (shim/fault_shim.c); when it happens is chance.
import { setTimeout as delay } from 'node:timers/promises'

const FIRE_MS = 4000 // at most, until an armed point is crossed, where the options don't tell
const HOUR_MS = 3600000

// How many crossings of a point are let pass: never more than a round has for certain.
const passes = (bench, dice, most = 40) => dice.whole(0, Math.min(most, Math.floor(bench.options.orders / 5)))

// Ends the gateway at a point; `late` actions are still on their way to the venue when it starts again.
function killAt(point, more = {}) {
  return async (bench, dice) => {
    if (more.late) await bench.venue.fault('late', dice.whole(1, 4), { path: 'exchange', delayMs: dice.whole(50, bench.options.expiresMs + 800) })
    bench.downMs = dice.chance(0.5) ? 0 : dice.whole(0, 600)
    const hits = await killed(bench, point, passes(bench, dice, more.within))
    await bench.up()
    return hits
  }
}

async function fire(bench, point, pass, signal) {
  bench.shim.arm(point, pass, signal)
  const end = Date.now() + (bench.options.fire ?? FIRE_MS)
  while (!bench.shim.hasFired() && Date.now() < end) await delay(5)
  bench.shim.disarm()
  return bench.shim.hasFired() ? 1 : 0
}

async function killed(bench, point, pass) {
  const { kills } = bench
  const hits = await fire(bench, point, pass, 'SIGKILL')
  if (hits) await gone(bench, kills)
  return hits
}

async function killRandom(bench, dice) {
  await delay(dice.between(0, bench.options.spreadMs))
  bench.downMs = dice.whole(0, 800)
  const { kills } = bench
  bench.signal('SIGKILL')
  await gone(bench, kills)
  await bench.up()
  return bench.kills - kills
}

// And again while it takes up what it was about when it ended first.
async function killTwice(bench, dice) {
  const { kills } = bench
  bench.downMs = 0
  await killed(bench, dice.pick(['beforeSend', 'afterSend', 'afterAnswer']), dice.whole(0, 20))
  await bench.up()
  for (let i = dice.whole(1, 2); i > 0; i--) {
    if (dice.chance(0.5)) {
      await delay(dice.between(0, 400))
      const before = bench.kills
      bench.signal('SIGKILL')
      await gone(bench, before)
    } else {
      await killed(bench, dice.pick(['beforeSend', 'afterSend', 'inJournal', 'beforeCommit']), dice.whole(0, 3))
    }
    await bench.up()
  }
  return bench.kills - kills
}

async function gone(bench, kills) {
  while (bench.kills === kills) await delay(2)
}

// Stopped for so long, and going on as if nothing had been: what it had signed may be too old by then.
async function stopGateway(bench, dice) {
  await delay(dice.between(0, bench.options.spreadMs / 2))
  const { child } = bench
  child.kill('SIGSTOP')
  await delay(dice.between(50, 1500))
  child.kill('SIGCONT')
  return 1
}

async function stopAt(bench, dice) {
  const hits = await fire(bench, dice.pick(['beforeSend', 'afterSend', 'afterAnswer', 'inJournal']), passes(bench, dice), 'SIGSTOP')
  await delay(dice.chance(0.3) ? bench.options.expiresMs + dice.whole(50, 600) : dice.whole(20, 1200))
  bench.signal('SIGCONT')
  return hits
}

async function stopVenue(bench, dice) {
  await delay(dice.between(0, bench.options.spreadMs / 2))
  bench.venueChild.kill('SIGSTOP')
  await delay(dice.between(100, bench.options.deadlineMs * 2.2))
  bench.venueChild.kill('SIGCONT')
  return 1
}

// The gateway's wall clock jumps, several times, and is right again in the end.
function steps(sizes) {
  return async (bench, dice) => {
    const n = dice.whole(1, 4)
    for (let i = 0; i < n; i++) {
      await delay(dice.between(0, 500))
      bench.shim.shiftClock(dice.pick(sizes) * dice.unit())
    }
    await delay(dice.between(100, 500))
    bench.shim.shiftClock(0)
    return n + 1
  }
}

// Faults of the venue: `rows` are what POST /paper/fault is asked for. They wait until they are met.
function venueDoes(...rows) {
  return async (bench, dice) => {
    const row = dice.pick(rows)
    const [kind, from, to, more = () => ({})] = row
    const before = await hitsOf(bench, kind)
    await delay(dice.between(0, bench.options.spreadMs / 2))
    await bench.venue.fault(kind, dice.whole(from, to), more(bench, dice))
    const end = Date.now() + bench.options.spreadMs
    while ((await bench.venue.control('GET', '/paper/fault')).waiting && Date.now() < end) await delay(20)
    await bench.venue.fault('none', 1) // who is refused asks less often: what is left would last
    return (await hitsOf(bench, kind)) - before
  }
}

const hitsOf = async (bench, kind) => (await bench.venue.control('GET', '/paper/fault')).hits[kind] ?? 0

async function events(bench, dice) {
  const hits = async () => (await hitsOf(bench, 'duplicateEvent')) + (await hitsOf(bench, 'reorderEvents'))
  const before = await hits()
  for (let i = dice.whole(3, 10); i > 0; i--) {
    await bench.venue.fault(dice.pick(['duplicateEvent', 'reorderEvents']), dice.whole(1, 8))
    await delay(dice.between(0, 200))
  }
  let closed = 0
  if (dice.chance(0.4)) {
    await bench.venue.fault(dice.pick(['closeSocket', 'silentSocket']), 1, { path: 'ws' })
    closed = 1
  }
  return (await hits()) - before + closed
}

async function restart(bench, dice) {
  await delay(dice.between(0, bench.options.spreadMs))
  bench.downMs = dice.whole(0, 300)
  await bench.restartCleanly()
  return 1
}

// Bytes that were written once can be written over on a full disk, so it takes a while to be hit by it; after a
// clean start there are none.
async function diskFull(bench, dice) {
  bench.downMs = 0
  if (dice.chance(0.7)) await bench.restartCleanly()
  else await delay(dice.between(0, bench.options.spreadMs / 3))
  if (!bench.fillDisk()) return 0
  const from = bench.logEnd()
  const isHit = () => bench.hasLogged('store fails', from)
  try {
    const end = Date.now() + bench.options.spreadMs + 700
    while (!isHit() && Date.now() < end) await delay(20)
    await delay(dice.between(0, 1000))
  } finally {
    bench.freeDisk()
  }
  return isHit() ? 1 : 0
}

const on = (path, more = {}) => () => ({ path, ...more })
const exchange = on('exchange')

// name -> how it comes about; isVenues: may come on top of another one.
export const FAULTS = {
  killBeforeSend: { run: killAt('beforeSend') },
  killAfterSend: { run: killAt('afterSend') },
  killLateEffect: { run: killAt('afterSend', { late: true, within: 6 }) },
  killAfterAnswer: { run: killAt('afterAnswer') },
  killBeforeCommit: { run: killAt('beforeCommit', { within: 15 }) },
  killAfterCommit: { run: killAt('afterCommit', { within: 15 }) },
  killInJournal: { run: killAt('inJournal', { within: 20 }) },
  killRandom: { run: killRandom },
  killTwice: { run: killTwice },
  restart: { run: restart },
  lostAnswer: { isVenues: true, run: venueDoes(['lostAnswer', 1, 6, exchange], ['rubbish', 1, 4, exchange]) },
  delayedAnswer: { isVenues: true, run: venueDoes(['delay', 1, 6, (b, d) => ({ path: 'exchange', delayMs: b.options.expiresMs + d.whole(100, 1500) })], ['delay', 1, 8, (b, d) => ({ path: 'exchange', delayMs: d.whole(50, b.options.expiresMs) })]) },
  lateEffect: { isVenues: true, run: venueDoes(['late', 1, 6, (b, d) => ({ path: 'exchange', delayMs: d.whole(50, b.options.expiresMs + 1500) })]) },
  noAnswer: { isVenues: true, run: venueDoes(['noAnswer', 1, 4, exchange], ['closeSocket', 1, 6, exchange], ['lostAnswer', 1, 6, on('info')], ['noAnswer', 1, 3, on('info')]) },
  burst502: { isVenues: true, run: venueDoes(['502', 5, 40], ['502', 2, 20, exchange]) },
  burst429: { isVenues: true, run: venueDoes(['429', 5, 40], ['429', 2, 20, exchange]) },
  events: { isVenues: true, run: events },
  stopGateway: { run: stopGateway },
  stopAt: { run: stopAt },
  stopVenue: { isVenues: true, run: stopVenue },
  clockBack: { run: steps([-2000, -30000, -HOUR_MS]) },
  clockForward: { run: steps([1500, 5000, 15000]) },
  diskFull: { needsDisk: true, run: diskFull },
  twins: { isVenues: true, twins: 0.6, run: async (bench) => bench.roundTwins },
}

// The faults of a run, in an order that a shuffle decides; all of them before any comes again.
export class Deck {
  constructor(dice, names) {
    this.dice = dice
    this.names = names
    this.left = []
  }

  next() {
    if (!this.left.length) {
      this.left = [...this.names]
      for (let i = this.left.length - 1; i > 0; i--) {
        const k = this.dice.whole(0, i)
        ;[this.left[i], this.left[k]] = [this.left[k], this.left[i]]
      }
    }
    return this.left.pop()
  }
}
