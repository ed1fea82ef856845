// A trader signs in with a wallet (EIP-4361), and nobody else does in the trader's name.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { parseSiweMessage, validateSiweMessage } from 'viem/siwe'
import { Trader, signTypedData, signsNothing, startDemo } from './harness.mjs'

let gateway

before(async () => {
  gateway = await startDemo()
})
after(() => gateway?.stop())

async function signed(trader, change = (message) => message) {
  const { message } = await trader.challenge()
  const text = change(message)
  return { message: text, signature: await trader.account.signMessage({ message: text }) }
}

const login = (trader, body, status, code) => trader.refused(status, code, 'POST', '/v1/auth/login', body)

describe('sign-in', () => {
  test('the message is an EIP-4361 message that wallets understand', async () => {
    const trader = new Trader(gateway, 'meridian')
    const { message, expiresAt } = await trader.challenge()
    const siwe = parseSiweMessage(message)
    assert.ok(validateSiweMessage({ message: siwe, domain: trader.host, address: trader.account.address, nonce: siwe.nonce }))
    assert.equal(siwe.version, '1')
    assert.equal(siwe.chainId, 42161, "the brand's first chain")
    assert.equal(siwe.uri, `http://${trader.host}`)
    assert.match(siwe.nonce, /^[0-9A-Za-z]{8,}$/)
    assert.equal(siwe.expirationTime.getTime(), expiresAt)
    assert.equal(expiresAt - siwe.issuedAt.getTime(), 5 * 60 * 1000, 'five minutes')
    assert.match(siwe.statement, /terms, version 2026-01/)
  })

  test('two challenges never share a nonce', async () => {
    const trader = new Trader(gateway, 'meridian')
    const nonces = new Set()
    for (let i = 0; i < 5; i++) nonces.add(parseSiweMessage((await trader.challenge()).message).nonce)
    assert.equal(nonces.size, 5)
  })

  test('a signed challenge opens a session for the wallet that signed it', async () => {
    const trader = new Trader(gateway, 'meridian')
    const session = await trader.signIn()
    assert.equal(session.account.toLowerCase(), trader.address)
    assert.ok(session.expiresAt > Date.now())
    const account = await trader.ok('GET', '/v1/account')
    assert.equal(account.address.toLowerCase(), trader.address)
    assert.equal(account.brand, 'meridian')
    assert.match(account.network, /^testnet$/i)
  })

  test('another chain of the brand may be asked for, a chain of none may not', async () => {
    const trader = new Trader(gateway, 'meridian')
    const { message } = await trader.challenge({ chainId: 1 })
    assert.equal(parseSiweMessage(message).chainId, 1)
    const problem = await trader.refused(400, 'invalid_request', 'POST', '/v1/auth/challenge', {
      address: trader.address,
      chainId: 56,
    })
    assert.equal(problem.fields[0].field, 'chainId')
  })

  test('onboarding tells what is left to do, and follows what was done', async () => {
    const trader = new Trader(gateway, 'meridian')
    await trader.signIn()
    const status = async () =>
      Object.fromEntries((await trader.ok('GET', '/v1/onboarding')).steps.map((s) => [s.step, s.status]))
    assert.deepEqual(await status(), { terms: 'done', deposit: 'todo', agent: 'todo', builderFee: 'todo' })
    await gateway.venue.faucet(trader.address, '100')
    await trader.approve('/v1/agent')
    assert.deepEqual(await status(), { terms: 'done', deposit: 'done', agent: 'done', builderFee: 'todo' })
    await trader.approve('/v1/builder-fee')
    assert.deepEqual(await status(), { terms: 'done', deposit: 'done', agent: 'done', builderFee: 'done' })
    assert.equal((await trader.ok('GET', '/v1/onboarding')).ready, true)
  })
})

describe('what is no sign-in', () => {
  test('a message for another domain', async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader, (m) => m.replaceAll(trader.host, 'meridian.example'))
    const problem = await login(trader, body, 401, 'unauthorized')
    assert.match(problem.detail, /meridian\.example/)
  })

  test("brand A's message at brand B", async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader)
    const other = new Trader(gateway, 'harbor')
    await login(other, body, 401, 'unauthorized')
    await trader.ok('POST', '/v1/auth/login', body) // and its nonce is not spent by that
  })

  test('a message for another chain', async () => {
    const trader = new Trader(gateway, 'meridian')
    for (const chain of ['56', '999999999999']) {
      const body = await signed(trader, (m) => m.replace(/Chain ID: \d+/, `Chain ID: ${chain}`))
      await login(trader, body, 401, 'unauthorized')
    }
  })

  test("the brand's other chain than the one the message was issued for", async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader, (m) => m.replace('Chain ID: 42161', 'Chain ID: 1'))
    await login(trader, body, 401, 'unauthorized')
  })

  test('an expired message, and one that is not valid yet', async () => {
    const trader = new Trader(gateway, 'meridian')
    const past = await signed(trader, (m) => m.replace(/Expiration Time: .*/, 'Expiration Time: 2020-01-01T00:00:00.000Z'))
    assert.match((await login(trader, past, 401, 'unauthorized')).detail, /expired/)
    const future = await signed(trader, (m) => `${m}\nNot Before: 2099-01-01T00:00:00.000Z`)
    await login(trader, future, 401, 'unauthorized')
  })

  test('an expiry moved into the future, or left out', async () => {
    const trader = new Trader(gateway, 'meridian')
    const later = await signed(trader, (m) => m.replace(/Expiration Time: .*/, 'Expiration Time: 2099-01-01T00:00:00.000Z'))
    await login(trader, later, 401, 'unauthorized')
    const never = await signed(trader, (m) => m.replace(/\nExpiration Time: .*/, ''))
    await login(trader, never, 401, 'unauthorized')
  })

  test('a nonce that was used', async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader)
    await trader.ok('POST', '/v1/auth/login', body)
    const problem = await login(trader, body, 401, 'unauthorized')
    assert.match(problem.detail, /nonce/)
  })

  test('a nonce that a failed attempt has spent', async () => {
    const trader = new Trader(gateway, 'meridian')
    const stranger = privateKeyToAccount(generatePrivateKey())
    const { message } = await trader.challenge()
    await login(trader, { message, signature: await stranger.signMessage({ message }) }, 401, 'unauthorized')
    await login(trader, { message, signature: await trader.account.signMessage({ message }) }, 401, 'unauthorized')
  })

  test('a stranger who asks for many challenges does not lock the wallet out', async () => {
    const trader = new Trader(gateway, 'meridian')
    const oldest = await signed(trader)
    for (let i = 0; i < 12; i++) await trader.challenge()
    await login(trader, oldest, 401, 'unauthorized')
    await trader.signIn()
  })

  test('a nonce that was never issued', async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader, (m) => m.replace(/Nonce: .*/, 'Nonce: 0123456789abcdef0123456789abcdef'))
    await login(trader, body, 401, 'unauthorized')
  })

  test("another wallet's signature", async () => {
    const trader = new Trader(gateway, 'meridian')
    const stranger = privateKeyToAccount(generatePrivateKey())
    const { message } = await trader.challenge()
    const problem = await login(trader, { message, signature: await stranger.signMessage({ message }) }, 401, 'unauthorized')
    assert.match(problem.detail, new RegExp(stranger.address, 'i'), 'names who signed')
  })

  test("a challenge for another's address, signed by oneself", async () => {
    const trader = new Trader(gateway, 'meridian')
    const victim = privateKeyToAccount(generatePrivateKey())
    const { message } = await trader.challenge()
    const text = message.replace(trader.account.address, victim.address)
    await login(trader, { message: text, signature: await trader.account.signMessage({ message: text }) }, 401, 'unauthorized')
  })

  test('a text changed after signing', async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader)
    await login(trader, { ...body, message: body.message.replace('moves no funds', 'moves all funds') }, 401, 'unauthorized')
  })

  test('a statement changed before signing', async () => {
    const trader = new Trader(gateway, 'meridian')
    const body = await signed(trader, (m) => m.replace('2026-01', '2025-01'))
    await login(trader, body, 401, 'unauthorized')
  })

  test('a signature with a byte changed', async () => {
    const trader = new Trader(gateway, 'meridian')
    for (const at of [5, 70]) {
      const { message, signature } = await signed(trader)
      const digit = signature[at] === '0' ? '1' : '0'
      await login(trader, { message, signature: signature.slice(0, at) + digit + signature.slice(at + 1) }, 401, 'unauthorized')
    }
  })

  test('signatures that are none', async () => {
    const trader = new Trader(gateway, 'meridian')
    const { message } = await trader.challenge()
    const whole = `0x${'11'.repeat(65)}`
    for (const signature of ['', '0x', 'hello', whole.slice(0, -2), `${whole}00`, `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(65)}`, `0x${'zz'.repeat(65)}`]) {
      const answer = await trader.call('POST', '/v1/auth/login', { message, signature })
      assert.ok(answer.status === 400 || answer.status === 401, `${signature}: ${answer.text}`)
      assert.ok(['invalid_request', 'unauthorized'].includes(answer.json.code))
      assert.equal(answer.json.token, undefined)
    }
  })

  test('messages that are none', async () => {
    const trader = new Trader(gateway, 'meridian')
    const { message } = await trader.challenge()
    const signature = await trader.account.signMessage({ message })
    const bad = ['', 'hello', message.replaceAll('\n', '\r\n'), `${message}\n`, message.slice(0, 60), message.replace('Version: 1', 'Version: 2'), message.replace(trader.account.address, trader.address)]
    for (const text of bad) await login(trader, { message: text, signature }, 400, 'invalid_request')
    await login(trader, { message: 'x'.repeat(5000), signature }, 400, 'invalid_request')
  })
})

describe('sessions', () => {
  test('a session of brand A is none at brand B', async () => {
    const trader = new Trader(gateway, 'meridian')
    await trader.signIn()
    const other = new Trader(gateway, 'harbor')
    other.token = trader.token
    await other.refused(401, 'unauthorized', 'GET', '/v1/account')
    await trader.ok('GET', '/v1/account')
  })

  test('logout ends the session, and only that one', async () => {
    const trader = new Trader(gateway, 'meridian')
    await trader.signIn()
    const first = trader.token
    await trader.signIn()
    const second = trader.token
    assert.notEqual(first, second)
    trader.token = first
    await trader.ok('POST', '/v1/auth/logout')
    await trader.refused(401, 'unauthorized', 'GET', '/v1/account')
    await trader.refused(401, 'unauthorized', 'POST', '/v1/auth/logout')
    trader.token = second
    await trader.ok('GET', '/v1/account')
  })

  test('tokens that are none open nothing', async () => {
    const trader = new Trader(gateway, 'meridian')
    const { token } = await trader.signIn()
    const changed = (token[0] === 'A' ? 'B' : 'A') + token.slice(1)
    const headers = [
      '', 'Bearer', 'Bearer ', `Bearer ${changed}`, `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token} `.trim() + '=', `Basic ${token}`, token, `Bearer  ${token}`, 'Bearer null',
      `Bearer ${'A'.repeat(43)}`, `Bearer ${'A'.repeat(4000)}`, 'Bearer ../../../etc/passwd', "Bearer ' or 1=1 --",
    ]
    await signsNothing(gateway, async () => {
      for (const value of headers) {
        const answer = await gateway.call('GET', '/v1/account', { host: trader.host, headers: { Authorization: value } })
        assert.equal(answer.status, 401, `${value}: ${answer.text}`)
        assert.equal(answer.json.code, 'unauthorized')
      }
      const none = await gateway.call('GET', '/v1/account', { host: trader.host })
      assert.equal(none.status, 401)
    })
    // One spelling per token: the last character's unused bits must be zero.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)) ^ 1]
    const answer = await gateway.call('GET', '/v1/account', { host: trader.host, token: twin })
    assert.equal(answer.status, 401)
  })

  test('every private route wants a session', async () => {
    const trader = new Trader(gateway, 'meridian')
    const routes = [
      ['GET', '/v1/onboarding'], ['POST', '/v1/agent', {}], ['POST', '/v1/agent/approve', { signature: '0x00' }],
      ['DELETE', '/v1/agent'], ['POST', '/v1/builder-fee', {}], ['POST', '/v1/builder-fee/approve', { signature: '0x00' }],
      ['GET', '/v1/account'], ['POST', '/v1/orders/preview', {}], ['POST', '/v1/orders', {}], ['GET', '/v1/orders'],
      ['DELETE', '/v1/orders'], ['GET', '/v1/orders/1'], ['DELETE', '/v1/orders/1'], ['GET', '/v1/positions'],
      ['GET', '/v1/positions/BTC'], ['DELETE', '/v1/positions/BTC'], ['PUT', '/v1/positions/BTC/leverage', { leverage: 2 }],
      ['POST', '/v1/positions/BTC/margin', { amount: '1' }], ['POST', '/v1/auth/logout'],
    ]
    await signsNothing(gateway, async () => {
      for (const [method, path, body] of routes) await trader.refused(401, 'unauthorized', method, path, body)
    })
  })
})

describe('approvals', () => {
  test("an approval signed by another wallet is refused, and the trader's own still works", async () => {
    const trader = new Trader(gateway, 'meridian')
    await gateway.venue.faucet(trader.address, '100')
    await trader.signIn()
    const stranger = new Trader(gateway, 'meridian')
    const { typedData } = await trader.ok('POST', '/v1/agent', {})
    const forged = await signTypedData(stranger.account, typedData)
    await signsNothing(gateway, async () => {
      const problem = await trader.refused(401, 'signature_mismatch', 'POST', '/v1/agent/approve', { signature: forged })
      assert.match(problem.fields[0].message, new RegExp(trader.address, 'i'))
      await trader.refused(400, 'invalid_request', 'POST', '/v1/agent/approve', { signature: '0x1234' })
    })
    await trader.ok('POST', '/v1/agent/approve', { signature: await signTypedData(trader.account, typedData) })
  })

  test('an approval over changed data is refused', async () => {
    const trader = new Trader(gateway, 'meridian')
    await gateway.venue.faucet(trader.address, '100')
    await trader.signIn()
    const { typedData } = await trader.ok('POST', '/v1/builder-fee', {})
    const changed = structuredClone(typedData)
    changed.message.maxFeeRate = '0.1%'
    await signsNothing(gateway, async () => {
      const signature = await signTypedData(trader.account, changed)
      await trader.refused(401, 'signature_mismatch', 'POST', '/v1/builder-fee/approve', { signature })
    })
  })

  test('an approval before anything was asked for is refused', async () => {
    const trader = new Trader(gateway, 'meridian')
    await trader.signIn()
    const signature = `0x${'11'.repeat(64)}1b`
    await signsNothing(gateway, async () => {
      await trader.refused(404, 'not_found', 'POST', '/v1/agent/approve', { signature })
      await trader.refused(404, 'not_found', 'POST', '/v1/builder-fee/approve', { signature })
      await trader.refused(404, 'not_found', 'DELETE', '/v1/agent')
    })
  })

  test('the venue knows the agent under the name and address that were shown, and a retired one signs no more', async () => {
    const trader = await new Trader(gateway, 'meridian').onboard('1000')
    const agents = await gateway.venue.info({ type: 'extraAgents', user: trader.address })
    assert.deepEqual(agents.map((a) => a.address.toLowerCase()), [trader.agent.toLowerCase()])
    const ledger = await gateway.venue.ledger()
    const mine = ledger.filter((row) => row.account?.toLowerCase() === trader.address)
    assert.deepEqual(mine.map((row) => row.type), ['approveAgent', 'approveBuilderFee'])
    for (const row of mine) assert.equal(row.signer.toLowerCase(), trader.address, 'the wallet signed, once each')
    await trader.ok('DELETE', '/v1/agent')
    await signsNothing(gateway, () =>
      trader.refused(403, 'agent_not_approved', 'POST', '/v1/orders', { symbol: 'BTC', side: 'buy', type: 'market', notional: '100' }),
    )
  })
})
