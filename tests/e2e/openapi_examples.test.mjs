// The API's description is true: every route is in it, every example is answered as documented, by the
// status and the schema that it names.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { REPO, temporaryFolder } from './harness.mjs'
import { Judge, examplesOf, operationsOf, readDocument, replay, startDocumented } from './openapi_replay.mjs'

const TOOLS = join(REPO, 'tests/openapi')
const LINTER = join(TOOLS, 'node_modules/.bin/redocly')
const LABELS = { READS: 'reads', OPENS_RISK: 'opensRisk', REDUCES_RISK: 'reducesRisk', MOVES_FUNDS: 'movesFunds' }
let gateway
let document
let operations
let judge

before(async () => {
  gateway = await startDocumented()
  document = await readDocument(gateway)
  operations = operationsOf(document)
  judge = new Judge(document)
})
after(() => gateway?.stop())

const host = () => gateway.host('meridian')

describe('the document', () => {
  test('carries the name, the host and the terms of the brand that is asked', async () => {
    assert.equal(document.openapi, '3.1.0')
    assert.equal(document.info.title, 'Meridian API')
    assert.equal(document.info.termsOfService, 'https://meridian.example/terms')
    assert.match(document.servers[0].url, /^https?:\/\/meridian\.localhost$/)
    const other = await readDocument(gateway, 'keyless')
    assert.equal(other.info.title, 'Harbor API')
    assert.equal(other.info.termsOfService, 'https://harbor.example/terms')
    assert.match(other.servers[0].url, /keyless\.localhost$/)
    assert.ok(!JSON.stringify(other).includes('eridian.'))
    assert.ok(!JSON.stringify(document).includes('{{'))
  })

  test('is clean under the linter', { skip: !existsSync(LINTER) && `no ${LINTER}: npm ci there` }, async () => {
    const file = join(temporaryFolder(), 'openapi.json')
    writeFileSync(file, JSON.stringify(document))
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' }
    const lint = promisify(execFile)(LINTER, ['lint', '--format=json', '--config', join(TOOLS, 'redocly.yaml'), file], { env })
    const { stdout } = await lint.catch((failed) => failed)
    const { totals, problems } = JSON.parse(stdout)
    assert.deepEqual(problems.map((p) => `${p.ruleId} ${p.location[0]?.pointer}: ${p.message}`), [])
    assert.deepEqual([totals.errors, totals.warnings, totals.ignored], [0, 0, 0])
  })

  test('holds the rows of the router, each with its label, and no others', () => {
    const rows = readFileSync(join(REPO, 'gateway/api/route.def'), 'utf8').matchAll(
      /^ROUTE\(METHOD_(\w+),\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*\w+,\s*(\d+),\s*(\w+)\)/gm,
    )
    const told = operations.map((o) => [o.method, o.path, o['x-risk'], o['x-cost'], o.operationId].join(' '))
    const routed = [...rows].map(([, method, path, , risk, cost, handler]) =>
      [method.toLowerCase(), path, LABELS[risk], cost, handler].join(' '),
    )
    assert.ok(routed.length > 50)
    assert.deepEqual(told.sort(), routed.sort())
  })

  test('names the methods that the running server answers on each path', async () => {
    const methods = ['get', 'post', 'put', 'patch', 'delete']
    for (const path of Object.keys(document.paths)) {
      // A literal path answers the methods of the {parameter} that it is also a value of.
      const at = path.replace(/\{symbol\}/, 'BTC').replace(/\{id\}/, '1')
      const same = operations.filter((o) => new RegExp(`^${o.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(at))
      const told = new Set(same.map((o) => o.method))
      const unused = methods.find((m) => !told.has(m)).toUpperCase()
      const answer = await gateway.call(unused, at, { host: host() })
      assert.equal(answer.status, 405, `${unused} ${at}: ${answer.text}`)
      assert.deepEqual(answer.headers.allow.toLowerCase().split(', ').sort(), [...told].sort(), path)
    }
  })

  test('wants a session where the server does', async () => {
    for (const o of operations) {
      const path = o.path.replace(/\{symbol\}/, 'BTC').replace(/\{id\}/, '1')
      const body = o.requestBody ? {} : undefined
      const { status } = await gateway.call(o.method.toUpperCase(), path, { host: host(), body })
      assert.equal(status === 401, o.security.length > 0, `${o.method} ${o.path}: ${status}`)
    }
  })
})

describe('every example', () => {
  test('has a request and, for what is JSON, an answer that fit their schemas', () => {
    for (const o of operations) {
      const examples = examplesOf(o)
      const type = Object.keys(o.responses[200].content)[0]
      if (type !== 'application/json' || o.operationId.startsWith('openapi_')) continue
      assert.ok(examples.some((e) => e.status === 200), `${o.operationId} has an example that works`)
      for (const e of examples) {
        assert.ok(e.answer, `${o.operationId} ${e.name} has an answer`)
        judge.answer(o, e.status, e.status < 400 || e.answer.ready === false ? type : 'application/problem+json', e.answer)
        if (e.status === 200 && o.requestBody) judge.request(o, e.body)
      }
    }
  })

  test('is answered as documented', async (t) => {
    let n = 0
    for (const o of operations)
      for (const e of examplesOf(o))
        await t.test(`${o.operationId} ${e.name}`, async () => {
          const answer = await replay(gateway, o, e)
          assert.equal(answer.status, e.status, answer.text)
          judge.answer(o, answer.status, answer.type, answer.json)
          if (e.status >= 400) assert.equal(answer.json.code, e.answer.code)
          n++
        })
    assert.ok(n > 70, `${n} examples`)
  })

  test('of what is no JSON is answered in its type', async () => {
    for (const path of ['/', '/docs', '/brand/logo']) {
      const [type] = Object.keys(document.paths[path].get.responses[200].content)
      const answer = await gateway.call('GET', path, { host: host() })
      assert.equal(answer.status, 200)
      assert.ok(answer.type.startsWith(type), answer.type)
    }
  })
})

describe('a judge that can fail', () => {
  test('refuses members that are missing, of another type, or more', () => {
    const o = operations.find((one) => one.operationId === 'limits_time')
    judge.answer(o, 200, 'application/json', { time: 1 })
    for (const wrong of [{}, { time: '1' }, { time: 1, more: 1 }, []])
      assert.throws(() => judge.answer(o, 200, 'application/json', wrong))
    assert.throws(() => judge.answer(o, 201, 'application/json', { time: 1 }))
  })
})

describe('/docs', () => {
  test('calls no other host, and runs no script but its own', async () => {
    const { text, headers } = await gateway.call('GET', '/docs', { host: host() })
    const policy = headers['content-security-policy']
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /connect-src 'self'/)
    const [, nonce] = /script-src 'nonce-([0-9a-f]{32})'/.exec(policy)
    for (const [tag] of text.matchAll(/<(script|style)\b[^>]*>/g)) assert.ok(tag.includes(`nonce="${nonce}"`), tag)
    for (const [, url] of text.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(url, /^(\/(?!\/)|#)/, url)
    assert.doesNotMatch(text, /https?:\/\//)
    assert.doesNotMatch(text, /\son\w+=|javascript:|innerHTML/)
    assert.match(text, /<title>Meridian/)
    assert.match(text, /#2f6bff|--primary: #[0-9a-f]{6}/i)
  })
})
