// Holds frames of /v1/ws against GET /v1/asyncapi.json. stream_client.mjs judges every frame that a test sees:
// each must fit exactly the message that its type (and its channel, or its op) names.
import assert from 'node:assert/strict'
import { Ajv } from 'ajv'

export async function readStreams(gateway, host = gateway.brands[0].host) {
  const answer = await gateway.call('GET', '/v1/asyncapi.json', { host })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

export class StreamJudge {
  constructor(document) {
    this.document = document
    this.ajv = new Ajv({ strict: false, allErrors: true })
    this.ajv.addSchema(document, 'streams')
    this.checks = new Map()
  }

  // The message of this name, as AsyncAPI points at it; undefined where there is none.
  check(name) {
    if (!(name in this.document.components.messages)) return undefined
    const pointer = `streams#/components/messages/${name}/payload`
    if (!this.checks.has(name)) this.checks.set(name, this.ajv.compile({ $ref: pointer }))
    return this.checks.get(name)
  }

  fit(name, frame) {
    const check = this.check(name)
    assert.ok(check, `no message ${name} is described: ${JSON.stringify(frame).slice(0, 300)}`)
    if (check(frame)) return
    const why = this.ajv.errorsText(check.errors, { dataVar: name, separator: '; ' })
    assert.fail(`${why.slice(0, 600)}: ${JSON.stringify(frame).slice(0, 600)}`)
  }

  // A frame from the gateway.
  heard(frame) {
    assert.equal(typeof frame.type, 'string', JSON.stringify(frame))
    if (frame.type === 'snapshot' || frame.type === 'update') this.fit(`${frame.channel}.${frame.type}`, frame)
    else if (frame.type === 'result') this.fit(`${frame.op}.result`, frame)
    else this.fit(frame.type, frame)
  }

  // A frame that the gateway took, and did not refuse.
  said(frame) {
    this.fit(frame.op, JSON.parse(JSON.stringify(frame))) // as it was written
  }
}

let judge

// The judge of this build's gateways: their descriptions differ in the brand's name alone.
export async function judgeOf(gateway) {
  return (judge ??= new StreamJudge(await readStreams(gateway)))
}
