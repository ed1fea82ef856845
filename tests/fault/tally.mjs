// Counts of what was done and answered.
const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)

export class Tally {
  constructor() {
    this.actions = new Map()
    this.answers = new Map()
    this.refusedElsewhere = 0
    this.troubles = new Map() // what a gateway may never do
  }

  get n() {
    return [...this.actions.values()].reduce((sum, one) => sum + one, 0)
  }

  action(what) {
    add(this.actions, what)
  }

  answer(where, answer) {
    const code = answer.json?.code
    // What is malformed is a mistake of the traders here: it is told where.
    add(this.answers, `${where} ${answer.status}${code ? ` ${code}` : ''}${answer.status === 400 ? ` ${answer.json.fields?.[0]?.field}` : ''}`)
    if (code === 'internal' || answer.status === 500 || (answer.status >= 400 && !code)) this.trouble(`${where}: ${answer.status} ${answer.text.slice(0, 300)}`)
  }

  elsewhere() {
    this.refusedElsewhere++
  }

  trouble(text) {
    add(this.troubles, text)
  }
}
