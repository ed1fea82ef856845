// Every action of an account that a published client knows, through a brand's host: the same tests as at the
// venue, with a gateway in between.
import { pointed, startFronted } from './harness.mjs'

pointed.start = startFronted
await import('./nktkas_runs_every_account_action.test.mjs')
