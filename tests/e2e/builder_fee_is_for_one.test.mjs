// A builder fee is approved for one builder: where the brand changes to another, nothing is charged until
// the trader has approved that one.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { REPO, Trader, signTypedData, startConfigured, temporaryFolder, until } from './harness.mjs'

const OTHER = `0x${'4d'.repeat(20)}`
const order = { symbol: 'BTC', side: 'buy', type: 'limit', size: '0.001', price: '50000', leverage: 2 }

let gateway
let file
let first

before(async () => {
  const folder = temporaryFolder()
  const brand = join(folder, 'meridian')
  cpSync(join(REPO, 'branding/meridian'), brand, { recursive: true })
  file = join(brand, 'brand.yaml')
  first = /address: "(0x[0-9a-f]{40})"/.exec(readFileSync(file, 'utf8'))[1]
  gateway = await startConfigured({ brands: `[${brand}]` }, { folder })
})
after(() => gateway?.stop())

async function changeBuilder(from, to) {
  const before = gateway.program.stderr.length
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))
  gateway.program.signal('SIGHUP')
  await until('the reload', () => /msg="configuration reloaded"/.test(gateway.program.stderr.slice(before)))
}

const builderOf = async (who) => (await who.preview(order)).plan.at(-1).builder
const status = async (who) => (await who.ok('GET', '/v1/onboarding')).steps.find((s) => s.step === 'builderFee').status

test('a fee approved for one builder is not charged for another', async () => {
  const who = await new Trader(gateway, 'meridian').onboard()
  assert.equal(await builderOf(who), first)
  await changeBuilder(first, OTHER)
  assert.equal(await builderOf(who), undefined, 'not approved for it')
  await who.place(order)
  const placed = (await gateway.venue.ledger()).filter((r) => r.account?.toLowerCase() === who.address).at(-1)
  assert.equal(placed.action.builder, undefined)
  assert.equal(await status(who), 'todo')
  await gateway.venue.faucet(OTHER, '1000') // who may be approved has something at the venue
  const asked = await who.ok('POST', '/v1/builder-fee', {})
  assert.equal(asked.builder, OTHER)
  const approved = await who.ok('POST', '/v1/builder-fee/approve', { signature: await signTypedData(who.account, asked.typedData) })
  assert.equal(approved.builder, OTHER)
  assert.equal(await builderOf(who), OTHER)
  assert.equal(await status(who), 'done')
  // The first is approved at the venue still: to look at what is left to do is enough to know.
  await changeBuilder(OTHER, first)
  assert.equal(await builderOf(who), undefined)
  assert.equal(await status(who), 'done')
  assert.equal(await builderOf(who), first)
})
