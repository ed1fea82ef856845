// Writes the answers in gateway/api/openapi/answers_*.json anew, from a running gateway:
//     node openapi_record.mjs
// What it writes is a proposal: read the difference before it is committed.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPO } from './harness.mjs'
import { operationsOf, readDocument, replay, startDocumented } from './openapi_replay.mjs'

const FOLDER = join(REPO, 'gateway/api/openapi')
const WIDTH = 116
const SHOWN = 2
const SECRETS = { token: 'pSPf1GKqgrGQ0KcYBT1C0mPdKv1yQy8Jm3dRrX7m9cU', secret: '0'.repeat(64) }

// JSON with what fits into a line on one line.
function print(value, indent = '') {
  const flat = JSON.stringify(value, null, 1)?.replace(/\n */g, ' ').replace(/([[{]) /g, '$1').replace(/ ([\]}])/g, '$1')
  if (flat.length + indent.length <= WIDTH || typeof value !== 'object' || value === null) return flat
  const more = `${indent}  `
  const list = Array.isArray(value)
  const parts = Object.entries(value).map(([k, v]) => more + (list ? '' : `${JSON.stringify(k)}: `) + print(v, more))
  return `${list ? '[' : '{'}\n${parts.join(',\n')}\n${indent}${list ? ']' : '}'}`
}

function shorten(value, key) {
  if (key in SECRETS && typeof value === 'string') return SECRETS[key]
  if (typeof value === 'string')
    return value.replaceAll(/meridian\.(localhost|example)/g, '{{host}}').replaceAll('keyless.localhost', '{{host}}').replaceAll('Meridian', '{{name}}')
  if (Array.isArray(value)) return value.slice(0, key === 'fields' ? 20 : SHOWN).map((v) => shorten(v))
  if (!value || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shorten(v, k)]))
}

// The types of typed data are named by their members: all of them stay.
function shortened(value) {
  const short = shorten(value)
  const typed = (a, b) => {
    if (!a || typeof a !== 'object') return
    if (a.typedData) b.typedData.types = a.typedData.types
    for (const k of Object.keys(b)) typed(a[k], b[k])
  }
  typed(value, short)
  return short
}

const gateway = await startDocumented()
try {
  const operations = Object.fromEntries(operationsOf(await readDocument(gateway)).map((o) => [o.operationId, o]))
  for (const file of readdirSync(FOLDER).filter((f) => !f.startsWith('answers_'))) {
    const words = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
    const answers = {}
    for (const [id, { examples, media }] of Object.entries(words.operations ?? {})) {
      if (id.startsWith('openapi_') || media) continue
      const operation = operations[id]
      for (const [name, e] of Object.entries(examples)) {
        const path = Object.fromEntries((operation.parameters ?? []).filter((p) => p.in === 'path').map((p) => [p.name, e.path]))
        const answer = await replay(gateway, operation, { name, path, query: e.query ?? {}, body: e.body })
        if (answer.status !== (e.status ?? 200)) console.error(`${id} ${name}: ${answer.status} ${answer.text}`)
        else (answers[id] ??= {})[name] = shortened(answer.json)
      }
    }
    if (Object.keys(answers).length) writeFileSync(join(FOLDER, `answers_${file}`), `${print({ answers })}\n`)
  }
} finally {
  await gateway.stop()
}
