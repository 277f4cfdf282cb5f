/** Run as a process of its own and killed: a service over an inbox. Arguments: the home, the inbox. */
import { homeAt } from '../core/home.ts'
import { lockService } from './lock.ts'
import { Service } from './service.ts'
import { USUAL_SERVICE } from './settings.ts'

const [root = '', inbox = ''] = process.argv.slice(2)
const home = homeAt(root)
const place = await lockService(home)
await place.tell('http://127.0.0.1:1')
const source = { name: 'inbox', specs: [inbox], form: 'auto', everyMs: 100 }
const service = await Service.open({
  home,
  settings: { ...USUAL_SERVICE, sources: [source], diskFloorBytes: 1 },
  now: () => new Date(),
  onFailure: (stage, cause) => void process.stderr.write(`${stage}: ${String(cause)}\n`),
})
service.begin()
process.stdout.write('ready\n')
process.on('SIGTERM', async () => {
  const isEnded = await service.stop()
  await place.release()
  process.exit(isEnded ? 0 : 1)
})
