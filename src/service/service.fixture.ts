/** A service over a folder into which tests drop logs. One rule: a sign-in that was refused. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Home, homeAt } from '../core/home.ts'
import { Engine, type Row } from '../engine/duckdb.ts'
import { shareCache } from '../ingest/taking.fixture.ts'
import { scanSql } from '../lake/read.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, type TableSpec } from '../lake/table.ts'
import { Service } from './service.ts'
import { type ServiceSettings, USUAL_SERVICE } from './settings.ts'
import type { ServiceChange } from './view.ts'

/** What {@link logLine} writes. */
export interface Line {
  readonly n: number
  readonly status?: number
  readonly timeMs?: number
}

/** One time for all, so that the same `n` is the same event. */
const BEGAN_MS = Date.now() - 60_000

/** A record of the delivery form; `n` makes it another event than all others. */
export const logLine = ({ n, status = 200, timeMs = BEGAN_MS + n }: Line): string =>
  JSON.stringify({
    version: '2.0',
    auditLevel: 'ACCOUNT_LEVEL',
    timestamp: timeMs,
    accountId: 'acc-1',
    workspaceId: '0',
    sourceIPAddress: '10.1.2.3',
    userAgent: 'test',
    userIdentity: { email: `person${n % 7}@example.com` },
    serviceName: 'accounts',
    actionName: 'login',
    requestId: `request-${n}`,
    requestParams: { n: String(n) },
    response: { statusCode: status, errorMessage: null, result: null },
  })

const RULE = `title: A sign-in that was refused
id: 6d0d7a5e-6a3c-4f4e-9a34-0c1b1f1f7a10
status: test
logsource: { product: databricks, service: audit }
detection:
  selection:
    serviceName: accounts
    actionName: login
    response.statusCode: 401
  condition: selection
level: high
`

/** A folder with a home, a rule and an inbox. */
export class ServiceBench {
  readonly folder: string
  readonly home: Home
  readonly inbox: string
  readonly changes: ServiceChange[] = []
  readonly failures: string[] = []
  service: Service | undefined

  private constructor(folder: string) {
    this.folder = folder
    this.home = homeAt(join(folder, 'home'))
    this.inbox = join(folder, 'inbox')
  }

  static async open(): Promise<ServiceBench> {
    const bench = new ServiceBench(await mkdtemp(join(tmpdir(), 'service-')))
    await shareCache(bench.home)
    await mkdir(bench.inbox)
    await mkdir(join(bench.folder, 'rules'))
    await writeFile(join(bench.folder, 'rules', 'refused.yml'), RULE)
    await writeFile(bench.home.detectSettings, 'shipped: false\nrules: [../rules]\n')
    return bench
  }

  /** The settings, with the inbox as the only source. */
  settings(more: Partial<ServiceSettings> = {}): ServiceSettings {
    const inbox = { name: 'inbox', specs: [this.inbox], form: 'auto', everyMs: 300 }
    return { ...USUAL_SERVICE, sources: [inbox], diskFloorBytes: 1, ...more }
  }

  async start(more: Partial<ServiceSettings> = {}): Promise<Service> {
    const service = await Service.open({
      home: this.home,
      settings: this.settings(more),
      now: () => new Date(),
      onFailure: (stage, cause) => this.failures.push(`${stage}: ${String(cause)}`),
    })
    service.listen((change) => this.changes.push(change))
    service.begin()
    this.service = service
    return service
  }

  /** Names one destination of alerts, and what else the settings say. */
  async deliverTo(url: string, more = ''): Promise<void> {
    const secret = join(this.folder, 'secret')
    await writeFile(secret, `whsec_${Buffer.alloc(32, 7).toString('base64')}`)
    const hook = `{kind: webhook, url: "${url}", secrets: ["file:${secret}"], allow_private: true}`
    await writeFile(join(this.home.root, 'deliver.yaml'), `${more}destinations:\n  hook: ${hook}\n`)
  }

  /** Puts a file into the inbox at once, as a copying program that renames does. */
  async drop(name: string, lines: readonly string[]): Promise<void> {
    const draft = join(this.folder, `draft-${name}`)
    await writeFile(draft, `${lines.join('\n')}\n`)
    await rename(draft, join(this.inbox, name))
  }

  /** Rows of a table; none where there is no table. */
  async rows<T extends Row>(spec: TableSpec, columns: string): Promise<T[]> {
    const root = spec === EVENTS_TABLE ? this.home.events : this.home.findings
    const table = DeltaTable.at(root, spec)
    const { version, files } = await table.snapshot()
    if (version < 0) return []
    const engine = await Engine.open({ threads: 1 })
    try {
      return await engine.rows<T>(`SELECT ${columns} FROM ${scanSql(table, files)}`)
    } finally {
      engine.close()
    }
  }

  /** Events, and how many of them are different ones. */
  async counted(): Promise<{ readonly events: number; readonly different: number }> {
    const [row] = await this.rows<{ events: number; different: number }>(
      EVENTS_TABLE,
      "count(*)::INTEGER AS events, count(DISTINCT request_params['n'])::INTEGER AS different",
    )
    return row ?? { events: 0, different: 0 }
  }

  async findings(): Promise<number> {
    const [row] = await this.rows<{ n: number }>(FINDINGS_TABLE, 'count(DISTINCT finding_id)::INTEGER AS n')
    return row?.n ?? 0
  }

  async close(): Promise<void> {
    await this.service?.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Waits until something is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>, withinMs = 40_000): Promise<void> {
  const until = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`After ${withinMs} ms it is not so: ${isSo}`)
    await sleep(50)
  }
}
