/** A real Prometheus over a real service: what it scrapes, the alert rules and the dashboard that are shipped. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, same } from './check.ts'
import { freePort, has, skipped, start } from './servers.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const OPS = join(ROOT, 'ops')
const RULES = join(OPS, 'prometheus-alerts.yml')
const folder = await mkdtemp(join(tmpdir(), 'bricktrail-prometheus-'))

/** Runs promtool; what it says where it is not content. */
function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 })
  return status === 0 ? '' : `${status}: ${stdout}${stderr}`
}

interface Service {
  readonly url: string
  stop(): Promise<number | null>
}

/** A service on a simulated account, of which each log is in its inbox. */
async function service(): Promise<Service> {
  const main = join(ROOT, 'src', 'cli', 'main.ts')
  const home = join(folder, 'home')
  const logs = join(folder, 'logs')
  const made = spawnSync(process.execPath, [main, 'simulate', '--out', logs, '--events', '2000', '--days', '1'])
  same(made.status, 0)
  await mkdir(home)
  await writeFile(join(home, 'bricktrail.yaml'), `sources: [{name: prod, path: ${logs}}]\n`)
  await writeFile(
    join(home, 'deliver.yaml'),
    `destinations: {file: {kind: event-file, path: ${join(folder, 'out.ndjson')}}}\n`,
  )
  const args = [main, '--home', home, '--json', 'serve', '--port', '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  process.on('exit', () => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const { url } = JSON.parse(String(line)) as { url: string }
  return {
    url,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

const text = async (url: string, headers: Record<string, string> = {}) => (await fetch(url, { headers })).text()

/** The expressions of the dashboard, as Grafana sends them. */
async function dashboard(): Promise<string[]> {
  const { panels } = JSON.parse(await readFile(join(OPS, 'grafana-dashboard.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[]
  }
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m')),
  )
}

/** Metrics that a healthy service without alert destinations has no value of. */
const WITHOUT_VALUE = /failing\|held|destination_oldest|_delivered/

/** Waits until something is so, for a minute at most; answers whether it is. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(200)) if (await isSo()) return true
  return false
}

async function scraped(it: Service): Promise<void> {
  const port = await freePort()
  const config = join(folder, 'prometheus.yml')
  const shipped = await readFile(join(OPS, 'prometheus.yml'), 'utf8')
  await writeFile(
    config,
    shipped
      .replace('30s', '1s')
      .replace('prometheus-alerts.yml', RULES)
      .replace('127.0.0.1:7420', new URL(it.url).host),
  )
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  const server = await start({ command: 'prometheus', args, port, cwd: folder })
  const api = async <T>(path: string): Promise<T> => {
    const answer = JSON.parse(await text(`http://127.0.0.1:${port}/api/v1/${path}`)) as { status: string; data: T }
    same(answer.status, 'success')
    return answer.data
  }
  const value = async (expr: string): Promise<number> => {
    const { result } = await api<{ result: { value: [number, string] }[] }>(`query?query=${encodeURIComponent(expr)}`)
    return Number(result[0]?.value[1] ?? Number.NaN)
  }
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok
  try {
    // It listens before it has read what it stores.
    await until(isReady)
    await check('Prometheus scrapes a running service, and finds the events of its source', async () => {
      await until(async () => !Number.isNaN(await value('bricktrail_source_lag_seconds{source="prod"}')))
      same(await value('bricktrail_source_events{source="prod"}'), 2000)
      same(await value('up{job="bricktrail"}'), 1)
      const { activeTargets } = await api<{ activeTargets: { health: string; lastError: string }[] }>('targets')
      same(
        activeTargets.map(({ health, lastError }) => [health, lastError]),
        [['up', '']],
      )
    })
    await check('Prometheus evaluates every shipped alert rule', async () => {
      type Rule = { name: string; health: string; lastError?: string }
      let rules: Rule[] = []
      await until(async () => {
        rules = (await api<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap((group) => group.rules)
        return rules.every(({ health }) => health !== 'unknown')
      })
      same(
        rules.filter(({ health }) => health !== 'ok'),
        [],
      )
      same(rules.length > 10, true)
    })
    await check('Prometheus answers every expression of the dashboard', async () => {
      const hasValue = async (expr: string) =>
        (await api<{ result: unknown[] }>(`query?query=${encodeURIComponent(expr)}`)).result.length > 0
      for (const expr of await dashboard()) {
        // A rate takes two scrapes.
        if (WITHOUT_VALUE.test(expr)) await hasValue(expr)
        else same([expr, await until(() => hasValue(expr))], [expr, true])
      }
    })
  } finally {
    await server.stop()
  }
}

try {
  if (has('promtool') && has('prometheus')) {
    await check('promtool: the alert rules and the configuration are right', () => {
      same(promtool('check', 'rules', '--lint-fatal', RULES), '')
      same(promtool('check', 'config', join(OPS, 'prometheus.yml')), '')
    })
    await check('promtool: the alert rules tell what they should, when they should', async () => {
      const tests = join(folder, 'alerts.test.yml')
      const written = await readFile(join(import.meta.dirname, 'prometheus-alerts.test.yml'), 'utf8')
      await writeFile(tests, written.replace('[RULES]', `['${RULES}']`))
      same(promtool('test', 'rules', tests), '')
    })
    const it = await service()
    await check(
      'promtool: the figures are well formed, and nothing of ours is called against its customs',
      async () => {
        const figures = await text(`${it.url}/metrics`)
        const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: figures, encoding: 'utf8' })
        same(
          [[0, 3].includes(status ?? -1), stderr.split('\n').filter((line) => line.startsWith('bricktrail_'))],
          [true, []],
        )
      },
    )
    await scraped(it)
    await check('the service ends well after all that', async () => same(await it.stop(), 0))
  } else skipped('Prometheus', 'neither prometheus nor promtool is here')
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit()
