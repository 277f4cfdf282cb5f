/** Is what is simulated like the real thing? Shapes and quirks are those of real records. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnyRecord, labelsIn, logFiles, records } from './read-back.suite.ts'
import { SIMULATE_DEFAULTS, type SimulateOptions, simulate } from './simulate.ts'

let root: string
let delivered: AnyRecord[]
let azure: AnyRecord[]
let table: AnyRecord[]

const OPTIONS: Omit<SimulateOptions, 'out' | 'form'> = {
  ...SIMULATE_DEFAULTS,
  events: 60_000,
  days: 7,
  gzip: false,
  scenarios: 'all',
}

async function made(form: SimulateOptions['form']): Promise<AnyRecord[]> {
  const out = join(root, form)
  await simulate({ ...OPTIONS, out, form })
  return records(out)
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'likeness-'))
  delivered = await made('delivery')
  azure = await made('azure')
  table = await made('system-table')
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** What must be equal whichever way an event came; Azure keeps whole seconds. */
const core = (values: readonly unknown[]) => JSON.stringify(values)
const ofDelivery = (r: AnyRecord) =>
  core([
    r.requestId,
    Math.floor(r.timestamp / 1000),
    r.serviceName,
    r.actionName,
    r.userIdentity.email,
    r.requestParams,
    r.response?.statusCode ?? null,
    r.sourceIPAddress,
  ])
const ofTable = (r: AnyRecord) =>
  core([
    r.request_id,
    Math.floor(Date.parse(r.event_time) / 1000),
    r.service_name,
    r.action_name,
    r.user_identity.email,
    r.request_params,
    r.response?.status_code ?? null,
    r.source_ip_address,
  ])
const ofAzure = (r: AnyRecord) => {
  const p = r.properties
  return core([
    p.requestId,
    Date.parse(r.time) / 1000,
    p.serviceName,
    p.actionName,
    JSON.parse(r.identity).email,
    JSON.parse(p.requestParams),
    p.response === null ? null : JSON.parse(p.response).statusCode,
    p.sourceIPAddress,
  ])
}

describe('the three forms', () => {
  it('stand in the layouts Databricks and Azure use', async () => {
    const names = async (form: string) =>
      (await logFiles(join(root, form))).map((path) => path.slice(root.length + form.length + 2))
    for (const path of await names('delivery'))
      expect(path).toMatch(/^workspaceId=(0|\d{16})\/date=2026-11-\d\d\/auditlogs_\d+\.json$/)
    for (const path of await names('system-table'))
      expect(path).toMatch(/^system\.access\.audit\/date=2026-11-\d\d\/part-\d{5}\.json$/)
    for (const path of await names('azure')) {
      expect(path).toMatch(
        /^insights-logs-[a-z0-9-]+\/resourceId=\/SUBSCRIPTIONS\/[0-9A-F-]{36}\/RESOURCEGROUPS\/RG-DATA\/PROVIDERS\/MICROSOFT\.DATABRICKS\/WORKSPACES\/HALDEN-(PROD|DEV)\/y=2026\/m=11\/d=\d\d\/h=\d\d\/m=00\/PT1H\.json$/,
      )
    }
  })

  it('delivered files and the system table carry the same events', () => {
    expect(table.map(ofTable).sort()).toEqual(delivered.map(ofDelivery).sort())
    expect(new Set(table.map((record) => record.event_id)).size).toBe(table.length)
  })

  it('Azure carries every delivered event of a workspace except sign-ins, which Entra ID makes', async () => {
    const inAzure = new Set(azure.map(ofAzure))
    const { scenarios } = await labelsIn(join(root, 'delivery'))
    const attack = new Set(scenarios.flatMap(({ requestIds }) => requestIds))
    const tied = delivered
      .filter((r) => r.auditLevel === 'WORKSPACE_LEVEL' || r.serviceName.toLowerCase() === 'unitycatalog')
      .filter((r) => r.requestParams.recipient_name === undefined && !attack.has(r.requestId))
    const missing = tied.filter((record) => !inAzure.has(ofDelivery(record)))
    const signIns = ['samlLogin', 'oidcTokenAuthorization', 'oidcBrowserLogin']
    expect(missing.filter((record) => !signIns.includes(record.actionName))).toEqual([])
    expect(tied.length - missing.length).toBeGreaterThan(0.9 * OPTIONS.events)
  })

  it('Azure has nothing of the account level, and signs people in through Entra ID', () => {
    const actions = new Set(azure.map((record) => record.properties.actionName))
    expect(actions).toContain('aadBrowserLogin')
    expect(actions).toContain('aadTokenLogin')
    for (const absent of ['samlLogin', 'setAccountAdmin', 'deltaSharingQueryTable', 'updateLogDeliveryConfiguration']) {
      expect(actions).not.toContain(absent)
    }
  })

  it('Azure files hold one hour of one category each', async () => {
    const path = (await logFiles(join(root, 'azure'))).find((name) => name.includes('insights-logs-jobs/')) as string
    const hour = /d=(\d\d)\/h=(\d\d)/.exec(path) as RegExpExecArray
    const own = azure.filter(
      (r) => r.category === 'jobs' && path.includes(r.resourceId) && r.time.startsWith(`2026-11-${hour[1]}T${hour[2]}`),
    )
    expect(own.length).toBeGreaterThan(0)
    expect(
      own.every((record) => record.operationName === `Microsoft.Databricks/jobs/${record.properties.actionName}`),
    ).toBe(true)
  })
})

describe('the mix', () => {
  it('covers more than 250 actions of more than 45 services', () => {
    expect(
      new Set(delivered.map((record) => `${record.serviceName.toLowerCase()}.${record.actionName}`)).size,
    ).toBeGreaterThan(250)
    expect(new Set(delivered.map((record) => record.serviceName.toLowerCase())).size).toBeGreaterThan(45)
  })

  it('is mostly made by machines', () => {
    const people = delivered.filter((record) => record.userIdentity.email?.includes('@'))
    expect(people.length / delivered.length).toBeGreaterThan(0.15)
    expect(people.length / delivered.length).toBeLessThan(0.4)
  })

  it('makes records of about 800 bytes', () => {
    const bytes = delivered.reduce((sum, record) => sum + JSON.stringify(record).length + 1, 0)
    expect(bytes / delivered.length).toBeGreaterThan(700)
    expect(bytes / delivered.length).toBeLessThan(950)
  })

  it('follows jobs and clusters through their lives', () => {
    const actions = new Set(delivered.map((record) => `${record.serviceName}.${record.actionName}`))
    for (const action of [
      'jobs.runTriggered',
      'jobs.runStart',
      'jobs.runSucceeded',
      'jobs.runFailed',
      'clusters.create',
      'clusters.createResult',
      'clusters.startResult',
      'clusters.resizeResult',
      'clusters.deleteResult',
    ]) {
      expect(actions).toContain(action)
    }
  })

  it('keeps people to their offices by day and leaves machines the night', () => {
    const share = (hours: readonly number[], who: (email: string) => boolean) => {
      const own = delivered.filter((record) => who(record.userIdentity.email ?? ''))
      return own.filter((record) => hours.includes(new Date(record.timestamp).getUTCHours())).length / own.length
    }
    const night = [22, 23, 0, 1]
    expect(share(night, (email) => email.includes('@'))).toBeLessThan(0.05)
    expect(share(night, (email) => !email.includes('@'))).toBeGreaterThan(0.1)
  })

  it('gives each session one address and one client, stolen ones aside', () => {
    const faces = new Map<string, Set<string>>()
    for (const record of delivered) {
      if (record.sessionId === null) continue
      const own = faces.get(record.sessionId) ?? new Set()
      faces.set(record.sessionId, own.add(`${record.sourceIPAddress} ${record.userAgent}`))
    }
    expect([...faces.values()].filter((own) => own.size > 1)).toHaveLength(1)
  })
})

describe('the quirks of real records', () => {
  const some = (what: (record: AnyRecord) => boolean) => delivered.filter(what).length

  it('Unity Catalog stands at the account level, workspace 0, the real one in its parameters', () => {
    const catalog = delivered.filter((record) => record.serviceName.toLowerCase() === 'unitycatalog')
    expect(catalog.every((record) => record.orgId === '0' && record.auditLevel === 'ACCOUNT_LEVEL')).toBe(true)
    expect(catalog.filter((record) => /^\d{16}$/.test(record.requestParams.workspace_id)).length).toBeGreaterThan(
      0.9 * catalog.length,
    )
  })

  it('parameters are text, nested ones JSON text, keys of one notion in several cases', () => {
    expect(
      delivered.every((record) => Object.values(record.requestParams).every((value) => typeof value === 'string')),
    ).toBe(true)
    expect(
      some((r) => r.actionName === 'submitRun' && JSON.parse(r.requestParams.new_cluster).num_workers === 2),
    ).toBeGreaterThan(0)
    expect(some((r) => r.requestParams.DataSourceId !== undefined)).toBeGreaterThan(0)
    expect(some((r) => r.requestParams.dataSourceId !== undefined)).toBeGreaterThan(0)
  })

  it('a request and its answer share a request id, the request without a status', () => {
    const byId = Map.groupBy(delivered, (record) => record.requestId)
    const pairs = [...byId.values()].filter((group) => group.length > 1)
    expect(pairs.length).toBeGreaterThan(50)
    for (const [first, second, ...more] of pairs) {
      expect(more).toEqual([])
      expect([first?.response, second?.response].filter((response) => response === null)).toHaveLength(1)
    }
  })

  it('ids of created things stand only in the result', () => {
    const create = delivered.find(
      (r) => r.serviceName === 'clusters' && r.actionName === 'create' && r.response !== null,
    )
    expect(create?.requestParams.cluster_id).toBeUndefined()
    expect(JSON.parse(create?.response.result).cluster_id).toMatch(/^\d{4}-\d{6}-/)
  })

  it('addresses come with a port, empty, as placeholder and not at all', () => {
    expect(some((r) => /:0$/.test(r.sourceIPAddress ?? ''))).toBeGreaterThan(0)
    for (const odd of ['', '0.0.0.0', '127.0.0.1', null])
      expect(some((r) => r.sourceIPAddress === odd)).toBeGreaterThan(0)
  })

  it('failed logins name nobody but in their parameters', () => {
    const failures = delivered.filter((r) => r.userIdentity.email === null && r.response?.statusCode === 401)
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.every((r) => r.requestParams.user.includes('@'))).toBe(true)
  })

  it('service names vary in case, service principals are UUIDs, the platform is System-User or unknown', () => {
    expect(some((r) => r.serviceName === 'unitycatalog')).toBeGreaterThan(0)
    expect(some((r) => /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(r.userIdentity.email ?? ''))).toBeGreaterThan(10_000)
    for (const special of ['System-User', 'unknown'])
      expect(some((r) => r.userIdentity.email === special)).toBeGreaterThan(0)
  })

  it('long parameters are cut, and group compute names who runs as what', () => {
    expect(some((r) => r.requestParams.commandText?.endsWith('... truncated'))).toBeGreaterThan(0)
    expect(some((r) => r.identityMetadata?.run_as === 'data-scientists')).toBeGreaterThan(0)
    expect(some((r) => typeof r.workspaceId === 'number')).toBeGreaterThan(0)
    expect(delivered.every((r) => r.MAX_LOG_MESSAGE_LENGTH === 16_384)).toBe(true)
  })
})
