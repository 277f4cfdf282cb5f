import { createHash } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AlertsFile } from './alerts-file.ts'
import { alertId, alertKey } from './identity.ts'
import { addSilence, allSilences } from './silences.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-ids-'))
})
afterAll(() => rm(folder, { recursive: true }))

const idsOf = (path: string): string[] => {
  const file = AlertsFile.open(path)
  try {
    const key = alertKey({ ruleId: 'r', entityField: 'sourceIPAddress', entity: '10.20.30.40' })
    return [1, 2].map((n) => alertId(file, key, n))
  } finally {
    file.close()
  }
}

describe('the id of an alert', () => {
  it('cannot be made from what the alert is about, without the secret of its home', async () => {
    const [one = '', two = ''] = idsOf(join(folder, 'a', 'alerts.db'))
    expect(one).toMatch(/^[0-9a-f]{16}$/)
    expect(two).not.toBe(one)
    const key = JSON.stringify(['r', 'sourceIPAddress', '10.20.30.40'])
    const plain = createHash('sha256')
      .update(JSON.stringify([key, 1]))
      .digest('hex')
    expect(one).not.toBe(plain.slice(0, 16))
    expect(idsOf(join(folder, 'b', 'alerts.db'))).not.toContain(one)
    expect((await stat(join(folder, 'a', 'alerts.key'))).mode & 0o777).toBe(0o600)
  })

  it('is the same again after the file of alerts is lost', async () => {
    const path = join(folder, 'c', 'alerts.db')
    const before = idsOf(path)
    await rm(path)
    expect(idsOf(path)).toEqual(before)
  })
})

it('the id of a silence tells nobody what it is about', () => {
  const wanted = { matcher: { entity: ['ana'] }, endsMs: 2, who: 'bob', reason: 'why', nowMs: 1 }
  const made = ['d', 'e'].map((home) => {
    const file = AlertsFile.open(join(folder, home, 'alerts.db'))
    try {
      return addSilence(file, wanted).id
    } finally {
      file.close()
    }
  })
  expect(made[0]).not.toBe(made[1])
})

it('a file of before silences had owners is read, and its silences are nobody’s', () => {
  const path = join(folder, 'f', 'alerts.db')
  AlertsFile.open(path).close()
  const old = new DatabaseSync(path)
  old.exec('ALTER TABLE silences DROP COLUMN owner')
  old.exec(
    `INSERT INTO silences (id, created_ms, ends_ms, who, reason, matchers) VALUES ('a', 1, 9, 'ana', 'why', '{}')`,
  )
  old.close()
  const file = AlertsFile.open(path)
  try {
    expect(allSilences(file)).toMatchObject([{ id: 'a', who: 'ana', owner: null }])
  } finally {
    file.close()
  }
})
