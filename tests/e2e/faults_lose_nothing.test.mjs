// Clients trade and retry while the gateway is killed at the points that matter, stopped and misled, and its venue
// loses and delays answers: nothing is lost, nothing is done twice, everything ends, and no nonce is refused.
// `../fault` runs it at any length.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyNot } from '../fault/bench.mjs'
import { faults } from '../fault/run.mjs'

const KINDS = 'killBeforeSend,killAfterSend,killLateEffect,killAfterAnswer,killAfterCommit,lostAnswer,stopAt,clockBack,events,twins'

const SEED = Number(process.env.SEED ?? 20261)

test('a round of each of ten faults', { skip: whyNot() }, async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const found = await faults({ rounds: 10, orders: 30, accounts: 6, seed: SEED, faults: KINDS, spread: 300, expires: 1500, quiet: 120, fire: 30000 })
  t.diagnostic(found.line)
  for (const kind of ['lost', 'duplicated', 'unresolved', 'nonceRejects', 'troubles']) assert.deepEqual(found[kind], [], kind)
  assert.ok(found.orders >= 300 && found.hits.size === 10, found.line)
  for (const [name, { hits }] of found.hits) if (name.startsWith('kill')) assert.ok(hits > 0, `${name} never hit`)
})
