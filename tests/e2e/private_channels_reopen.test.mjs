// A channel that everybody has left ends after a while; the account goes on while another of its channels is
// open. Whoever asks for the ended one again begins with a snapshot, as at first.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Trader, request, startConfigured, temporaryFolder, until } from './harness.mjs'
import { Listener, PRIVATE } from './listener.mjs'

const LONG = 90000
// Nothing is read unasked, so that nothing but the client wakes what stands behind its channels.
const venue = '{weightPerMinute: 1000000, contextsEveryMs: 200}'
const mirror = '{showMaxAgeMs: 600000}'

let gateway
before(async () => {
  gateway = await startConfigured({ venue, mirror, streams: '{eventsLingerMs: 1000}' }, { folder: temporaryFolder() })
  await gateway.price('BTC', '100000')
})
after(() => gateway?.stop())

const gauge = async (name) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await request(gateway.admin, 'GET', '/metrics')).text)[1])

for (const kept of ['fills', 'orders'])
  describe(`while ${kept} stays open`, () => {
    let listener
    before(async () => {
      listener = await new Listener(await new Trader(gateway, 'meridian').onboard('10000')).open()
    })
    after(() => listener?.close())

    test('each other channel begins anew', async () => {
      const others = PRIVATE.filter((channel) => channel !== kept)
      for (const channel of others) listener.send({ op: 'unsubscribe', channel })
      await until('they are left', () => listener.frames.filter((f) => f.type === 'unsubscribed').length === others.length, LONG)
      await until('they have ended', async () => (await gauge('perpgate_stream_channels')) === 1, LONG)
      const epochs = Object.fromEntries(others.map((channel) => [channel, listener.heard.get(channel).epoch]))
      for (const channel of others) listener.heard.delete(channel)
      for (const channel of others) listener.send({ op: 'subscribe', channel })
      await until('snapshots of them', () => others.every((channel) => listener.heard.get(channel)?.snapshots.length > 0), LONG)
      for (const channel of others) assert.notEqual(listener.heard.get(channel).epoch, epochs[channel])
      listener.close()
      await until('all have ended', async () => (await gauge('perpgate_stream_channels')) === 0, LONG)
    })
  })
