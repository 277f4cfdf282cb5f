/** Drains a home in a process of its own, to be killed: `node crash.fixture.ts HOME`. Settings are the home's. */
import { join } from 'node:path'
import { homeAt } from '../core/home.ts'
import { DELIVER_FILE, openDelivery } from './open.ts'
import { readDeliverSettings } from './settings.ts'

const home = homeAt(process.argv[2] ?? '')
const delivery = await openDelivery(home, await readDeliverSettings(join(home.root, DELIVER_FILE)))
const isEmpty = await delivery.dispatcher.drain(AbortSignal.timeout(60_000))
await delivery.close()
process.stdout.write(isEmpty ? 'done' : 'left')
