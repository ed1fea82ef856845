// What a published client does at the venue, it does through a brand's host, unchanged: the same tests, with
// a gateway in between.
import { pointed, startFronted } from './harness.mjs'

pointed.start = startFronted
await import('./nktkas_trades_on_paper.test.mjs')
