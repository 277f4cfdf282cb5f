/**
 * Ordinary life must look ordinary: most of it stays well below the thresholds published detections use. What is seldom and looks
 * bad (a forgotten password, an expired secret, a change under a ticket) is there too, and must be seldom.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VPN_EGRESS } from './account/networks.ts'
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
  it('has failed logins, seldom a burst', () => {
    const failedLogin = (record: AnyRecord) => /login/i.test(record.actionName) && refused(record)
    expect(most(HOUR, failedLogin)).toBeGreaterThan(0)
    expect(most(HOUR, (record) => failedLogin(record) && /@/.test(record.requestParams.user ?? ''))).toBeLessThan(12)
  })

  it('has few downloads by anybody in an hour', () => {
    const actions = [
      'workspaceExport',
      'downloadPreviewResults',
      'downloadLargeResults',
      'downloadQueryResult',
      'filesGet',
    ]
    expect(most(HOUR, (record) => actions.includes(record.actionName))).toBeLessThan(20)
  })

  it('reads few secrets and is refused little', () => {
    expect(most(HOUR, (record) => record.actionName === 'getSecret')).toBeLessThan(10)
    const isPerson = (record: AnyRecord) => record.userIdentity.email?.includes('@')
    const refusedCatalog = (record: AnyRecord) =>
      record.serviceName === 'unityCatalog' && refused(record) && isPerson(record)
    expect(most(HOUR, refusedCatalog)).toBeLessThan(15)
  })

  it('changes few permissions an hour, machines aside, and deletes little a day', () => {
    const isPerson = (record: AnyRecord) => record.userIdentity.email?.includes('@')
    const changes = (record: AnyRecord) =>
      isPerson(record) && /Acl|updatePermissions|addPrincipal/.test(record.actionName)
    expect(most(HOUR, changes)).toBeLessThan(25)
    const deletes = (record: AnyRecord) => isPerson(record) && /delete|trash|purge/i.test(record.actionName)
    expect(most(24 * HOUR, deletes)).toBeLessThan(50)
  })

  it('seldom touches what attackers touch', () => {
    const actions = new Set(events.map((record) => record.actionName))
    const seldom = ['setAccountAdmin', 'workspaceConfEdit', 'databricksAccess', 'updateIpAccessList', 'mfaDeleteKey']
    expect(events.filter((record) => seldom.includes(record.actionName)).length).toBeLessThan(10)
    for (const action of [
      'deleteIpAccessList',
      'mount',
      'updateMetastore',
      'installLibraryOnAllClusters',
      'deleteWorkspaceConfiguration',
    ]) {
      expect(actions).not.toContain(action)
    }
    expect(events.filter((record) => record.requestParams.targetGroupName === 'admins').length).toBeLessThan(3)
    expect(events.some((record) => record.serviceName === 'capsule8-alerts-dataplane')).toBe(false)
  })

  it('lets nobody appear at two far places within hours, but for the exit of the company network', () => {
    const faces = new Map<string, Set<string>>()
    for (const { userIdentity, sourceIPAddress, timestamp } of events) {
      if (!userIdentity.email?.includes('@') || !sourceIPAddress) continue
      const key = `${userIdentity.email} ${Math.floor(timestamp / (3 * HOUR))}`
      faces.set(key, (faces.get(key) ?? new Set()).add(sourceIPAddress))
    }
    const ownExits = new Set(Object.values(VPN_EGRESS))
    const far = [...faces.values()].filter((places) => [...places].filter((place) => !ownExits.has(place)).length > 1)
    expect(far).toEqual([])
  })

  it('makes tokens that expire within half a year', () => {
    const tokens = events.filter((record) => record.actionName === 'generateDbToken')
    expect(tokens.length).toBeGreaterThan(0)
    for (const { requestParams, timestamp } of tokens) {
      const days = (Number(requestParams.tokenExpirationTime) - timestamp) / (24 * HOUR)
      expect(days).toBeGreaterThan(0)
      expect(days).toBeLessThan(181)
    }
  })
})
