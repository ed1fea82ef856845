// @nktkas/hyperliquid, unchanged, on the paper venue: TWAPs, sub-accounts, modes, and accounts with several
// signers, whose wrappers the client makes itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiRequestError, ExchangeClient, HttpTransport, InfoClient } from '@nktkas/hyperliquid'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { pointed } from './harness.mjs'

let paper
let transport
let info

before(async () => {
  paper = await pointed.start(['--ungated'])
  transport = new HttpTransport({ apiUrl: paper.client ?? paper.base })
  info = new InfoClient({ transport })
  await paper.price('BTC', '60000')
})
after(() => paper?.stop())

async function trader(amount = '10000') {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const user = wallet.address.toLowerCase()
  await paper.faucet(user, amount)
  return { wallet, user, exchange: new ExchangeClient({ transport, wallet }) }
}

const limit = { a: 0, b: true, p: '50000', s: '0.01', r: false, t: { limit: { tif: 'Gtc' } } }
const refused = (promise, text) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiRequestError, String(error.stack))
    assert.match(error.message, text)
    return true
  })

test('a TWAP runs on the venue\'s clock, another is cancelled, a third is too small', async () => {
  const { user, exchange } = await trader()
  const twap = { a: 0, b: true, s: '0.1', r: false, m: 5, t: false }
  const first = (await exchange.twapOrder({ twap })).response.data.status.running.twapId
  const second = (await exchange.twapOrder({ twap: { ...twap, b: false, m: 30, t: true } })).response.data.status.running.twapId
  await exchange.twapCancel({ a: 0, t: second })
  await refused(exchange.twapCancel({ a: 0, t: second }), /TWAP was never placed, already canceled, or filled\./)
  await refused(exchange.twapOrder({ twap: { ...twap, s: '0.01', m: 120 } }), /Min is \$1200, which is \$10 per minute/)
  await paper.clock(300000)
  const fills = await info.userTwapSliceFills({ user })
  const size = fills.filter((one) => one.twapId === first).reduce((sum, one) => sum + Number(one.fill.sz), 0)
  assert.equal(size.toFixed(5), '0.10000')
  const history = await info.twapHistory({ user })
  assert.equal(history.find((row) => row.twapId === first).status.status, 'finished')
  assert.equal(history.find((row) => row.twapId === second).status.status, 'terminated')
  assert.deepEqual(await info.userFills({ user }), [])
})

test('a sub-account trades for its master, by the master\'s key and by its agent\'s', async () => {
  const { user, exchange } = await trader()
  const vaultAddress = (await exchange.createSubAccount({ name: 'hedge' })).response.data
  await exchange.subAccountTransfer({ subAccountUser: vaultAddress, isDeposit: true, usd: 5000e6 })
  const agent = privateKeyToAccount(generatePrivateKey())
  await exchange.approveAgent({ agentAddress: agent.address, agentName: 'bot' })
  await exchange.order({ orders: [limit], grouping: 'na' }, { vaultAddress })
  await new ExchangeClient({ transport, wallet: agent }).order({ orders: [limit], grouping: 'na' }, { vaultAddress })
  assert.equal((await info.openOrders({ user: vaultAddress })).length, 2)
  assert.equal((await info.openOrders({ user })).length, 0)
  assert.equal((await info.subAccounts({ user }))[0].name, 'hedge')
  const stranger = await trader()
  await refused(stranger.exchange.order({ orders: [limit], grouping: 'na' }, { vaultAddress }), /Vault not registered/)
})

test('a unified account has one balance', async () => {
  const { user, exchange } = await trader()
  await exchange.userSetAbstraction({ user, abstraction: 'unifiedAccount' })
  assert.equal(await info.userAbstraction({ user }), 'unifiedAccount')
  assert.equal(Number((await info.spotClearinghouseState({ user })).balances[0].total), 10000)
  await refused(exchange.usdClassTransfer({ amount: '1', toPerp: false }), /Action disabled when unified account is active/)
  await exchange.agentSetAbstraction({ abstraction: 'i' })
  await exchange.usdClassTransfer({ amount: '1', toPerp: false })
})

test('an account with several signers acts by the client\'s own wrappers', async () => {
  const account = await trader()
  const signers = [await trader(), await trader()]
  await account.exchange.convertToMultiSigUser({ signers: { authorizedUsers: signers.map((one) => one.user), threshold: 2 } })
  assert.equal((await info.userToMultiSigSigners({ user: account.user })).threshold, 2)
  await refused(account.exchange.order({ orders: [limit], grouping: 'na' }), /only act through multiSig/)
  const together = new ExchangeClient({ transport, signers: signers.map((one) => one.wallet), multiSigUser: account.user })
  const { oid } = (await together.order({ orders: [limit], grouping: 'na' })).response.data.statuses[0].resting
  await together.cancel({ cancels: [{ a: 0, o: oid }] })
  await together.usdSend({ destination: signers[0].user, amount: '100' })
  await together.userSetAbstraction({ user: account.user, abstraction: 'unifiedAccount' })
  assert.equal(await info.userAbstraction({ user: account.user }), 'unifiedAccount')
  assert.equal(Number((await info.clearinghouseState({ user: signers[0].user })).withdrawable), 10100)
  const alone = new ExchangeClient({ transport, signers: [signers[0].wallet], multiSigUser: account.user })
  await refused(alone.order({ orders: [limit], grouping: 'na' }), /too few signatures/)
  await together.convertToMultiSigUser({ signers: null })
  await account.exchange.order({ orders: [limit], grouping: 'na' })
})
