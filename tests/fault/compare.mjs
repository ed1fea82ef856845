// What the gateway shows of an account beside what the venue says of it: field by field, as text.
import { setTimeout as delay } from 'node:timers/promises'
import { DEXES } from './world.mjs'

const TRIES = 20

// One way to write a decimal: the venue's "300.0" is the gateway's "300". Nothing is rounded.
function plain(text) {
  if (text === null || text === undefined) return null
  const whole = String(text).includes('.') ? String(text).replace(/\.?0+$/, '') : String(text)
  return whole === '-0' ? '0' : whole
}

const size = (szi) => ({ side: szi.startsWith('-') ? 'short' : 'long', size: plain(szi.replace(/^-/, '')) })

function venueFigures(dexes) {
  const rows = new Map()
  const put = (place, fields) => rows.set(place, fields)
  for (const { dex, state, orders } of dexes) {
    const m = state.marginSummary
    const x = state.crossMarginSummary
    put(`account ${dex}`, {
      accountValue: plain(m.accountValue),
      totalNotional: plain(m.totalNtlPos),
      totalMarginUsed: plain(m.totalMarginUsed),
      crossAccountValue: plain(x.accountValue),
      crossMarginUsed: plain(x.totalMarginUsed),
      crossMaintenanceMargin: plain(state.crossMaintenanceMarginUsed),
      withdrawable: plain(state.withdrawable),
    })
    for (const { position: p } of state.assetPositions)
      put(`position ${p.coin}`, {
        ...size(p.szi),
        entryPrice: plain(p.entryPx),
        notional: plain(p.positionValue),
        marginMode: p.leverage.type,
        leverage: String(p.leverage.value),
        marginUsed: plain(p.marginUsed),
        unrealizedPnl: plain(p.unrealizedPnl),
        returnOnEquity: plain(p.returnOnEquity),
        liquidationPrice: p.liquidationPx,
        funding: plain(p.cumFunding.sinceOpen),
      })
    for (const o of orders.flatMap((one) => [one, ...one.children]))
      put(`order ${o.oid}`, {
        symbol: o.coin,
        side: o.side === 'B' ? 'buy' : 'sell',
        price: plain(o.limitPx),
        remainingSize: plain(o.sz),
        size: plain(o.origSz),
        triggerPrice: o.isTrigger ? plain(o.triggerPx) : null,
        reduceOnly: String(o.reduceOnly),
      })
  }
  return rows
}

function gatewayFigures({ account, positions, orders }) {
  const rows = new Map()
  for (const a of account.dexes ?? account.marginSummary)
    rows.set(`account ${a.dex ?? ''}`, {
      accountValue: a.accountValue,
      totalNotional: a.totalNotional,
      totalMarginUsed: a.totalMarginUsed,
      crossAccountValue: a.crossAccountValue,
      crossMarginUsed: a.crossMarginUsed,
      crossMaintenanceMargin: a.crossMaintenanceMargin,
      withdrawable: a.withdrawable,
    })
  for (const p of positions)
    rows.set(`position ${p.symbol}`, {
      side: p.side,
      size: p.size,
      entryPrice: p.entryPrice,
      notional: p.notional,
      marginMode: p.marginMode,
      leverage: String(p.leverage),
      marginUsed: p.marginUsed,
      unrealizedPnl: p.unrealizedPnl,
      returnOnEquity: plain(p.returnOnEquity),
      liquidationPrice: p.liquidationPrice,
      funding: p.funding,
    })
  for (const o of orders)
    rows.set(`order ${o.venueOrderId}`, {
      symbol: o.symbol,
      side: o.side,
      price: o.price,
      remainingSize: o.remainingSize,
      size: o.size,
      triggerPrice: o.triggerPrice,
      reduceOnly: String(o.reduceOnly),
    })
  return rows
}

function differences(venue, gateway) {
  const found = []
  const fields = { n: 0 }
  for (const place of new Set([...venue.keys(), ...gateway.keys()])) {
    const [v, g] = [venue.get(place), gateway.get(place)]
    if (!v || !g) {
      found.push({ place, field: '', venue: v ? 'there' : 'absent', gateway: g ? 'there' : 'absent' })
      continue
    }
    for (const field of Object.keys(v)) {
      fields.n++
      if (v[field] !== g[field]) found.push({ place, field, venue: v[field], gateway: g[field] })
    }
  }
  return { found, compared: fields.n }
}

async function readVenue(world, user, dexes) {
  return Promise.all(
    dexes.map(async (dex) => {
      const more = dex ? { dex } : {}
      const [state, orders] = await Promise.all([world.info({ type: 'clearinghouseState', user, ...more }), world.info({ type: 'frontendOpenOrders', user, ...more })])
      return { dex, state: { ...state, time: 0 }, orders }
    }),
  )
}

async function readOrders(hands) {
  const rows = []
  for (let cursor = ''; cursor !== null; ) {
    const { status, json, text } = await hands.call('GET', `/v1/orders?limit=1000${cursor && `&cursor=${cursor}`}`)
    if (status !== 200) throw new Error(`GET /v1/orders: ${status} ${text}`)
    rows.push(...json.data)
    cursor = json.nextCursor
  }
  return rows
}

async function readGateway(hands) {
  const [account, positions, orders] = [await hands.call('GET', '/v1/account'), await hands.call('GET', '/v1/positions'), await readOrders(hands)]
  for (const answer of [account, positions]) if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
  return { account: account.json, positions: positions.json.data, orders }
}

// Compares one account. The venue is read before and after: where it changed in between, which nothing
// should make it do, the pair proves nothing and is read again.
export async function compare(world, hands, dexes = DEXES) {
  for (let i = 0; ; i++) {
    const before = await readVenue(world, hands.user, dexes)
    const shown = await readGateway(hands)
    const after = await readVenue(world, hands.user, dexes)
    if (JSON.stringify(before) === JSON.stringify(after)) {
      const told = differences(venueFigures(after), gatewayFigures(shown))
      const source = new Map(shown.positions.map((p) => [`position ${p.symbol}`, p.source]))
      for (const one of told.found) one.source = source.get(one.place) ?? shown.account.source ?? ''
      const estimates = shown.positions.filter((p) => p.source === 'estimate').length
      return { ...told, user: hands.user, positions: shown.positions.length, orders: shown.orders.length, estimates }
    }
    if (i === TRIES) throw new Error(`the account ${hands.user} does not come to rest at the venue`)
    await delay(50)
  }
}
