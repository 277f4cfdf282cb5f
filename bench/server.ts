/** The server of a home without its loop, so that questions alone are measured: prints where it listens, and the secrets of its users. */
import { homeAt } from '../src/core/home.ts'
import { createApp } from '../src/serve/app.ts'
import { Access } from '../src/serve/auth/access.ts'
import { Metrics } from '../src/serve/metrics.ts'
import { OwnLog } from '../src/serve/own-log.ts'
import { openLakeReader } from '../src/serve/read/lake-reader.ts'
import { ROUTES } from '../src/serve/routes/registry.ts'
import { listen } from '../src/serve/server.ts'
import { USUAL_SETTINGS } from '../src/serve/settings.ts'

const [root = '', users = '1'] = process.argv.slice(2)
const home = homeAt(root)
const now = () => new Date()
const settings = USUAL_SETTINGS
const access = Access.open(home.access, settings, now)
const ownLog = new OwnLog(home.own, now)
const lake = await openLakeReader(home)
const metrics = new Metrics({ home, ownLog })
const unexpected = (line: string, cause: unknown) => void process.stderr.write(`${line}: ${String(cause)}\n`)
const app = createApp(
  { home, now, lake, access, ownLog, settings, metrics, unexpected, answered: metrics.answered },
  ROUTES,
)
const server = await listen(app, { host: '127.0.0.1', port: 0, settings, unexpected })

/** Auditors see all, analysts and viewers less: what is masked costs more. */
const ROLES = ['auditor', 'analyst', 'viewer'] as const
const expiresMs = Date.now() + 86_400_000
const tokens = Array.from({ length: Number(users) }, (_, nth) => {
  const role = ROLES[nth % ROLES.length] ?? 'viewer'
  return access.tokens.make({ name: `bench ${nth}`, role, rows: {}, expiresMs, createdBy: 'bench' }).secret
})
process.stdout.write(`${JSON.stringify({ url: server.url, tokens })}\n`)

process.once('SIGTERM', async () => {
  await server.close(1000)
  await lake.close()
  await ownLog.close()
  access.close()
  process.exit(0)
})
