// Traders act here and elsewhere while prices jump, hours pass and the venue fails: afterwards every figure that
// is shown of them is the venue's own, and every order is there once. `../fault/drift.mjs` runs it at any size.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drift } from '../fault/drift.mjs'

test('twenty accounts, two hours, faults of every kind', async (t) => {
  const seed = Number(process.env.DRIFT_SEED ?? Date.now() % 1000000)
  const found = await drift({ accounts: 20, minutes: 0.6, hours: 2, pause: 600, seed })
  t.diagnostic(found.line)
  assert.deepEqual(found.troubles, [], `seed ${seed}`)
  assert.deepEqual(found.differences, [], `seed ${seed}`)
  assert.equal(found.problems, 0, found.line)
  // Of some thousand differences on the way, each has a cause; one in hundred thousands does not, and ends at the next state.
  assert.ok(found.drift <= 1, found.line)
  assert.ok(found.accounts >= 20 && found.compared > 0 && found.fills > 0 && found.orders > 0 && found.faults > 0, found.line)
})
