/** Ordinary life must look ordinary: it stays well below the thresholds published detections use. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnyRecord, records } from './read-back.suite.ts'
import { SIMULATE_DEFAULTS, simulate } from './simulate.ts'

const HOUR = 3_600_000
let out: string
let events: AnyRecord[]

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'benign-'))
  await simulate({
    ...SIMULATE_DEFAULTS,
    events: 70_000,
    days: 7,
    out,
    form: 'delivery',
    gzip: false,
    scenarios: 'none',
  })
  events = await records(out)
})
afterAll(() => rm(out, { recursive: true, force: true }))

/** The most that one actor does within `spanMs` (tumbling) of what `counts` counts. */
function most(spanMs: number, counts: (record: AnyRecord) => boolean): number {
  const perActor = new Map<string, number>()
  for (const record of events) {
    if (!counts(record)) continue
    const who = record.userIdentity.email ?? record.requestParams.user
    const key = `${who} ${Math.floor(record.timestamp / spanMs)}`
    perActor.set(key, (perActor.get(key) ?? 0) + 1)
  }
  return Math.max(0, ...perActor.values())
}

const refused = (record: AnyRecord) => [401, 403].includes(record.response?.statusCode)

describe('ordinary life', () => {
  it('has failed logins, never a burst', () => {
    const failedLogin = (record: AnyRecord) => /login/i.test(record.actionName) && refused(record)
    expect(most(HOUR, failedLogin)).toBeGreaterThan(0)
    expect(most(HOUR, failedLogin)).toBeLessThan(5)
  })

  it('has few downloads by anybody in an hour', () => {
    const actions = [
      'workspaceExport',
      'downloadPreviewResults',
      'downloadLargeResults',
      'downloadQueryResult',
      'filesGet',
    ]
    expect(most(HOUR, (record) => actions.includes(record.actionName))).toBeLessThan(12)
  })

  it('reads few secrets and is refused little', () => {
    expect(most(HOUR, (record) => record.actionName === 'getSecret')).toBeLessThan(10)
    expect(most(HOUR, (record) => record.serviceName === 'unityCatalog' && refused(record))).toBeLessThan(10)
  })

  it('changes few permissions an hour and deletes little a day', () => {
    expect(most(HOUR, (record) => /Acl|Permissions$|addPrincipal/.test(record.actionName))).toBeLessThan(15)
    const deletes = (record: AnyRecord) =>
      /delete|trash|purge/i.test(record.actionName) && record.userIdentity.email !== 'System-User'
    expect(most(24 * HOUR, deletes)).toBeLessThan(30)
  })

  it('never touches what only attackers touch', () => {
    const actions = new Set(events.map((record) => record.actionName))
    for (const action of [
      'setAccountAdmin',
      'deleteIpAccessList',
      'workspaceConfEdit',
      'mfaDeleteKey',
      'mount',
      'updateMetastore',
      'installLibraryOnAllClusters',
      'databricksAccess',
      'deleteWorkspaceConfiguration',
    ]) {
      expect(actions).not.toContain(action)
    }
    expect(events.some((record) => record.requestParams.targetGroupName === 'admins')).toBe(false)
    expect(events.some((record) => record.serviceName === 'capsule8-alerts-dataplane')).toBe(false)
  })

  it('lets nobody appear at two far places within hours', () => {
    const faces = new Map<string, Set<string>>()
    for (const { userIdentity, sourceIPAddress, timestamp } of events) {
      if (!userIdentity.email?.includes('@') || !sourceIPAddress) continue
      const key = `${userIdentity.email} ${Math.floor(timestamp / (3 * HOUR))}`
      faces.set(key, (faces.get(key) ?? new Set()).add(sourceIPAddress))
    }
    expect([...faces.values()].filter((places) => places.size > 1)).toEqual([])
  })

  it('makes tokens that expire within three months', () => {
    const tokens = events.filter((record) => record.actionName === 'generateDbToken')
    expect(tokens.length).toBeGreaterThan(0)
    for (const { requestParams, timestamp } of tokens) {
      const days = (Number(requestParams.tokenExpirationTime) - timestamp) / (24 * HOUR)
      expect(days).toBeGreaterThan(0)
      expect(days).toBeLessThan(90)
    }
  })
})
