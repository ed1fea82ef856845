// The gateway's own figures, from the admin listener, and tables of them.
import { request } from '../e2e/harness.mjs'

// Every series by its name with labels.
export async function metrics(gateway) {
  const { text } = await request(gateway.admin, 'GET', '/metrics')
  const rows = new Map()
  for (const line of text.split('\n')) {
    const cut = line.lastIndexOf(' ')
    if (cut > 0 && !line.startsWith('#')) rows.set(line.slice(0, cut), Number(line.slice(cut + 1)))
  }
  return rows
}

export const hasMirror = (rows) => [...rows.keys()].some((name) => name.startsWith('perpgate_mirror_'))

export function sum(rows, start, part = '') {
  let total = 0
  for (const [name, value] of rows) if (name.startsWith(start) && name.includes(part)) total += value
  return total
}

// Drift by field: what had a reason, and what had none.
export function driftTable(rows) {
  const fields = new Map()
  for (const [name, value] of rows) {
    const found = /^perpgate_mirror_drift_total\{field="(\w+)",explained="(yes|no)"\}$/.exec(name)
    if (!found) continue
    const row = fields.get(found[1]) ?? { yes: 0, no: 0 }
    row[found[2]] = value
    fields.set(found[1], row)
  }
  return [['field', 'explained', 'unexplained'], ...[...fields].map(([field, row]) => [field, row.yes, row.no])]
}

// Drift by field and cause.
export function causeTable(rows) {
  const causes = new Map()
  const fields = new Set()
  for (const [name, value] of rows) {
    const found = /^perpgate_mirror_drift_causes_total\{field="(\w+)",cause="(\w+)"\}$/.exec(name)
    if (!found) continue
    fields.add(found[1])
    const row = causes.get(found[2]) ?? new Map()
    causes.set(found[2], row.set(found[1], value))
  }
  const sorted = [...causes.keys()].sort()
  return [['field', ...sorted], ...[...fields].sort().map((field) => [field, ...sorted.map((cause) => causes.get(cause).get(field) ?? 0)])]
}

export function otherTable(rows, names = /^perpgate_(mirror|keeper|feed|venue|actions|drift)/) {
  const shown = [...rows].filter(([name, value]) => names.test(name) && !/^perpgate_mirror_drift_(total|causes)/.test(name) && value !== 0)
  return [['series', 'value'], ...shown]
}

export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)))
  return rows.map((row) => row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  ')).join('\n')
}
