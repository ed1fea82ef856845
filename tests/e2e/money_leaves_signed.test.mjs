// Money leaves only with the wallet's own signature over what was asked for, and leaves once.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Trader, signTypedData, signsNothing, startConfigured, startPaper } from './harness.mjs'

const destination = '0x00000000000000000000000000000000000000d1'
let gateway
let who

before(async () => {
  gateway = await startConfigured({
    venue: '{weightPerMinute: 1000000, contextsEveryMs: 200, orderDeadlineMs: 700, readDeadlineMs: 700}',
  })
})
after(() => gateway?.stop())

beforeEach(async () => {
  await gateway.venue.fault('none', 1)
  who = new Trader(gateway, 'harbor')
  await gateway.venue.faucet(who.address, '1000')
  await who.signIn()
})

const rows = async (type) => (await gateway.venue.ledger()).filter((r) => r.type === type && r.signer?.toLowerCase() === who.address)
const equity = async () => Number((await who.ok('GET', '/v1/account')).equity)

describe('a withdrawal', () => {
  test('is shown with its fee, signed by the wallet, and sent once', async () => {
    const asked = await who.ok('POST', '/v1/withdraw', { amount: '100.5', destination })
    assert.deepEqual([asked.amount, asked.fee, asked.arrives, asked.destination], ['100.5', '1', '99.5', destination])
    assert.equal(asked.typedData.primaryType, 'HyperliquidTransaction:Withdraw')
    assert.deepEqual(asked.typedData.message.amount, '100.5')
    assert.equal((await rows('withdraw3')).length, 0)
    const signature = await signTypedData(who.account, asked.typedData)
    const sent = await who.ok('POST', '/v1/withdraw/submit', { signature })
    assert.equal(sent.status, 'sent')
    assert.equal(await equity(), 899.5)
    assert.equal((await rows('withdraw3')).length, 1)
    await signsNothing(gateway, () => who.refused(404, 'not_found', 'POST', '/v1/withdraw/submit', { signature }))
  })

  test('signed by a stranger or over something else goes nowhere', async () => {
    const asked = await who.ok('POST', '/v1/withdraw', { amount: '100', destination })
    const stranger = privateKeyToAccount(generatePrivateKey())
    const more = structuredClone(asked.typedData)
    more.message.amount = '900'
    await signsNothing(gateway, async () => {
      const strange = await signTypedData(stranger, asked.typedData)
      const found = await who.refused(401, 'signature_mismatch', 'POST', '/v1/withdraw/submit', { signature: strange })
      assert.match(found.fields[0].message, new RegExp(`${stranger.address.toLowerCase()}.*${who.address}`))
      await who.refused(401, 'signature_mismatch', 'POST', '/v1/withdraw/submit', { signature: await signTypedData(who.account, more) })
      await who.refused(400, 'invalid_request', 'POST', '/v1/withdraw/submit', { signature: '0x12' })
      await who.refused(404, 'not_found', 'POST', '/v1/transfer/submit', { signature: strange })
    })
    const signature = await signTypedData(who.account, asked.typedData)
    assert.equal((await who.ok('POST', '/v1/withdraw/submit', { signature })).status, 'sent')
  })

  test('the newest asked for is the one that counts', async () => {
    const first = await who.ok('POST', '/v1/withdraw', { amount: '100', destination })
    await who.ok('POST', '/v1/withdraw', { amount: '200', destination })
    await signsNothing(gateway, async () => {
      const signature = await signTypedData(who.account, first.typedData)
      await who.refused(401, 'signature_mismatch', 'POST', '/v1/withdraw/submit', { signature })
    })
  })

  test('that can not leave is refused before anybody signs', async () => {
    const bad = [
      [422, 'insufficient_margin', { amount: '1000.01', destination }],
      [400, 'invalid_request', { amount: '1', destination }],
      [400, 'invalid_request', { amount: '5.0000001', destination }],
      [400, 'invalid_request', { amount: 5, destination }],
      [400, 'invalid_request', { amount: '5' }],
      [400, 'invalid_request', { amount: '5', destination: 'me' }],
      [400, 'invalid_request', { amount: '5', destination, chainId: 77777 }],
    ]
    await signsNothing(gateway, async () => {
      for (const [status, code, body] of bad) await who.refused(status, code, 'POST', '/v1/withdraw', body)
      await who.refused(404, 'not_found', 'POST', '/v1/withdraw/submit', { signature: `0x${'1'.repeat(128)}1b` })
    })
  })

  test('whose answer is lost is told as unknown, and not sent again', async () => {
    const asked = await who.ok('POST', '/v1/withdraw', { amount: '100', destination })
    const signature = await signTypedData(who.account, asked.typedData)
    await gateway.venue.fault('lostAnswer', 1, { path: 'exchange' })
    await who.refused(504, 'outcome_unknown', 'POST', '/v1/withdraw/submit', { signature })
    assert.equal(await equity(), 900)
    await who.refused(404, 'not_found', 'POST', '/v1/withdraw/submit', { signature })
    assert.equal((await rows('withdraw3')).length, 1)
  })
})

test('money moves between spot and perps with a signature', async () => {
  for (const [to, left] of [['spot', 600], ['perps', 1000]]) {
    const asked = await who.ok('POST', '/v1/transfer', { amount: '400', to })
    assert.equal(asked.typedData.primaryType, 'HyperliquidTransaction:UsdClassTransfer')
    assert.equal(asked.typedData.message.toPerp, to === 'perps')
    const signature = await signTypedData(who.account, asked.typedData)
    assert.equal((await who.ok('POST', '/v1/transfer/submit', { signature })).to, to)
    assert.equal(await equity(), left)
  }
})

describe('a deposit', () => {
  test('on paper comes from the faucet', async () => {
    const deposit = await who.ok('GET', '/v1/deposit')
    assert.deepEqual([deposit.method, deposit.account], ['faucet', who.address])
  })

  test('goes where the operator says, and nowhere else', async () => {
    const paper = await startPaper()
    const venue = (more) => `{baseUrl: "${paper.base}", network: mainnet, weightPerMinute: 1000000, contextsEveryMs: 200${more}}`
    const address = '0x00000000000000000000000000000000000000b1'
    try {
      for (const more of ['', `, deposit: {address: "${address}", minimum: "5"}`]) {
        const alone = await startConfigured({ venue: venue(more), paper: '{enabled: false}' })
        try {
          const trader = new Trader(alone, 'harbor')
          await trader.signIn()
          if (!more) {
            await trader.refused(404, 'not_found', 'GET', '/v1/deposit')
            continue
          }
          const deposit = await trader.ok('GET', '/v1/deposit')
          assert.deepEqual([deposit.method, deposit.address, deposit.token, deposit.chainId, deposit.minimum], ['transfer', address, 'USDC', 42161, '5'])
        } finally {
          await alone.stop()
        }
      }
    } finally {
      await paper.program.stop()
    }
  })
})
