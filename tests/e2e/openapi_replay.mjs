// Replays the examples of the API's description against a running gateway. What only a trader of the
// moment can know (ids, signatures) is put in place of the example's; all else is sent as documented.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { REPO, Trader, signTypedData, startConfigured, temporaryFolder, until } from './harness.mjs'

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

// A gateway with a brand that keeps keys, and one that keeps none.
export async function startDocumented() {
  const folder = temporaryFolder()
  // Every example within one minute, on a fast machine, too.
  const copy = (name, from, edit) => {
    cpSync(join(REPO, 'branding', from), join(folder, name), { recursive: true })
    const file = join(folder, name, 'brand.yaml')
    writeFileSync(file, edit(readFileSync(file, 'utf8').replace(/^requestsPerMinute: .*$/m, 'requestsPerMinute: 100000')))
    return join(folder, name)
  }
  const brands = [
    copy('meridian', 'meridian', (yaml) => yaml),
    copy('keyless', 'harbor', (yaml) => `${yaml.replaceAll('harbor.localhost', 'keyless.localhost')}\nkeys: none\n`),
  ]
  const gateway = await startConfigured(
    { brands: `[${brands}]`, venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, dexes: [xyz]}' },
    { folder },
  )
  for (const [coin, price] of [['BTC', '100000'], ['ETH', '3000'], ['SOL', '60'], ['XRP', '2']]) await gateway.price(coin, price)
  return gateway
}

export async function readDocument(gateway, brand = 'meridian') {
  const answer = await gateway.call('GET', '/v1/openapi.json', { host: gateway.host(brand) })
  assert.equal(answer.status, 200)
  return answer.json
}

export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((m) => item[m]).map((method) => ({ path, method, ...item[method] })),
  )
}

const media = (response) => Object.entries(response.content)[0]

// Every example of an operation: its path and query, its body, the status that its answer is under.
export function examplesOf(operation) {
  const found = new Map()
  const at = (name) => found.get(name) ?? found.set(name, { name, path: {}, query: {} }).get(name)
  for (const p of operation.parameters ?? [])
    for (const [name, e] of Object.entries(p.examples ?? {})) at(name)[p.in][p.name] = e.value
  const body = operation.requestBody?.content['application/json']
  for (const [name, e] of Object.entries(body?.examples ?? {})) at(name).body = e.value
  for (const [status, response] of Object.entries(operation.responses))
    for (const [name, e] of Object.entries(media(response)[1].examples ?? {}))
      Object.assign(at(name), { status: Number(status), answer: e.value })
  return [...found.values()]
}

// --- what only the trader of the moment can know ------------------------------------------------

const bid = { symbol: 'SOL', side: 'buy', type: 'limit', size: '1', price: '50', leverage: 2 }
const buy = { symbol: 'ETH', side: 'buy', type: 'market', notional: '200', marginMode: 'isolated', leverage: 5 }
const sign = async (who, asked) => ({ body: { signature: await signTypedData(who.account, asked.typedData) } })
const ask = (path, body) => async (who) => sign(who, await who.ok('POST', path, body))
const resting = async (who) => ({ path: { id: (await who.place(bid)).id } })
const holds = async (who) => void (await who.place(buy))
const rests = async (who) => void (await who.place(bid))

const subAccount = async (who) => ({ path: { address: (await who.ok('POST', '/v1/sub-accounts', { name: 'hedge' })).address } })

async function signedIn(who) {
  const { message } = await who.challenge()
  return { body: { message, signature: await who.account.signMessage({ message }) } }
}

async function guards(who) {
  await holds(who)
  await who.ok('PUT', '/v1/positions/ETH/guard', { minDistance: '0.05', topUp: '5', maxTotal: '20' })
}

// At 20x a position is so near to liquidation that it is told at once, band by band.
async function warned(who) {
  await who.place({ ...buy, leverage: 20 })
  await until('two alerts', async () => (await who.ok('GET', '/v1/alerts')).data.length >= 2, 20000)
}

async function funded(who) {
  await holds(who)
  await who.gateway.venue.clock(3600000)
}

async function prepared(who) {
  const plan = await who.ok('POST', '/v1/orders/prepare', { ...bid })
  const signatures = await Promise.all(plan.sign.map((step) => signTypedData(who.account, step.typedData)))
  return { body: { id: plan.id, signatures } }
}

const before = {
  'signin_login.signed': signedIn,
  'approve_agent.signed': ask('/v1/agent', { name: 'phone' }),
  'approve_builder_fee.signed': ask('/v1/builder-fee', {}),
  'api_keys_list.all': async (who) => void (await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })),
  'api_keys_delete.delete': async (who) => ({
    path: { id: (await who.ok('POST', '/v1/api-keys', { type: 'hmac', scopes: ['read'] })).id },
  }),
  'transfers_withdraw_submit.signed': async (who) =>
    ask('/v1/withdraw', { amount: '25', destination: who.address })(who),
  'transfers_move_submit.signed': ask('/v1/transfer', { amount: '10', to: 'spot' }),
  'sub_accounts_list.all': async (who) => void (await subAccount(who)),
  'sub_accounts_transfer.deposit': subAccount,
  'sub_accounts_transfer.tooMuch': subAccount,
  'prepare_submit.signed': prepared,
  'orders_list.open': rests,
  'orders_list.past': holds,
  'orders_cancel_all.oneMarket': rests,
  'orders_cancel_all.prepared': rests,
  'orders_get.resting': resting,
  'modify_order.price': resting,
  'modify_order.badTick': resting,
  'modify_preview.price': resting,
  'orders_cancel.cancel': resting,
  'history_fills.latest': holds,
  'history_fills.oneMarket': holds,
  'history_funding.latest': funded,
  'account_get.account': holds,
  'alerts_list.latest': warned,
  'guards_put.guard': holds,
  'guards_delete.end': guards,
  'positions_list.all': holds,
  'positions_get.long': holds,
  'positions_close.close': holds,
  'positions_close.prepared': holds,
  'positions_margin.add': holds,
  'positions_margin.lessLeverage': holds,
  'positions_margin.tooMuch': holds,
  'positions_close_preview.close': holds,
  'positions_leverage_preview.isolated': holds,
  'positions_margin_preview.add': holds,
  'positions_margin_preview.tooMuch': holds,
  'tpsl_preview.both': holds,
  'tpsl_put.both': holds,
  'tpsl_put.prepared': holds,
}
const KEYLESS = ['prepare_order', 'prepare_submit']

async function traderFor(gateway, operation) {
  const isKeyless = KEYLESS.includes(operation.operationId)
  const who = new Trader(gateway, isKeyless ? 'keyless' : 'meridian')
  if (!operation.security.length) return who
  if (!isKeyless) return who.onboard('1000')
  await gateway.venue.faucet(who.address, '1000')
  await who.signIn()
  return who
}

// --- sending ------------------------------------------------------------------------------------

export async function replay(gateway, operation, example) {
  const who = await traderFor(gateway, operation)
  const own = (await before[`${operation.operationId}.${example.name}`]?.(who)) ?? {}
  const params = { ...example.path, ...own.path }
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name]))
  const query = new URLSearchParams(example.query).toString()
  const body = own.body ?? example.body
  return who.call(operation.method.toUpperCase(), path + (query && `?${query}`), body)
}

// Judges bodies by the schemas of a document, by JSON pointer.
export class Judge {
  constructor(document) {
    this.ajv = new Ajv2020({ strict: false, allErrors: true })
    this.ajv.addSchema(document, 'api')
  }

  fits(pointer, value) {
    const escaped = pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).map(encodeURIComponent)
    const check = this.ajv.getSchema(`api#/${escaped.join('/')}`)
    assert.ok(check, `there is a schema at ${pointer.join(' ')}`)
    assert.ok(check(value), `${pointer.join(' ')}: ${this.ajv.errorsText(check.errors)}\n${JSON.stringify(value)}`)
  }

  answer(operation, status, type, value) {
    const response = operation.responses[status]
    assert.ok(response, `${operation.operationId} documents ${status}: ${JSON.stringify(value)}`)
    const [documented] = Object.keys(response.content).filter((t) => type.startsWith(t))
    assert.ok(documented, `${operation.operationId} documents ${type}`)
    this.fits(['paths', operation.path, operation.method, 'responses', String(status), 'content', documented, 'schema'], value)
  }

  request(operation, body) {
    this.fits(['paths', operation.path, operation.method, 'requestBody', 'content', 'application/json', 'schema'], body)
  }
}
