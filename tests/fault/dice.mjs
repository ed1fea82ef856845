// Chance from a printed seed: one stream for each name, so that what one trader draws does not depend on
// when another one does.
function spread(text) {
  let hash = 0x811c9dc5
  for (const ch of text) hash = Math.imul(hash ^ ch.codePointAt(0), 0x01000193)
  return hash >>> 0
}

export class Dice {
  constructor(seed, name = '') {
    this.seed = seed
    this.state = spread(`${seed}/${name}`)
  }

  // Dice of their own for somebody else.
  named(name) {
    return new Dice(this.seed, name)
  }

  // 0 <= x < 1
  unit() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  between(from, to) {
    return from + (to - from) * this.unit()
  }

  whole(from, to) {
    return Math.floor(this.between(from, to + 1))
  }

  chance(share) {
    return this.unit() < share
  }

  pick(list) {
    return list[Math.floor(this.unit() * list.length)]
  }

  // One of [[weight, value], ...].
  weighed(rows) {
    let left = this.unit() * rows.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of rows) if ((left -= weight) < 0) return value
    return rows.at(-1)[1]
  }
}
