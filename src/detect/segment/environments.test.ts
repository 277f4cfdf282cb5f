import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { environmentsOf } from './environments.fixture.ts'
import { readEnvironments } from './environments.ts'
import { storageKey, storageKeySql, volumeSchemaSql } from './storage.ts'

const failureOf = (value: unknown): string => {
  try {
    environmentsOf(value)
    return 'none'
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    expect(cause.where).toMatch(/^detect\.yaml:\d+:\d+$/)
    return `${cause.code} ${cause.message.replace(`${cause.where}: `, '')} ${cause.hint}`
  }
}

describe('environments', () => {
  it('are read with texts and lists, names and maps, numbers as ids', () => {
    const [a] = environmentsOf([
      {
        name: 'a',
        workspaces: [12, '34'],
        catalogs: 'x',
        storage: 's3a://Lake/a/',
        may_reach: ['b', { environment: 'c', principals: 'p*' }],
      },
      { name: 'b', schemas: ['m.n'] },
      { name: 'c', groups: ['g'] },
    ])
    expect(a).toEqual({
      name: 'a',
      workspaces: ['12', '34'],
      catalogs: ['x'],
      schemas: [],
      storage: ['s3://lake/a'],
      groups: [],
      principals: [],
      mayReach: [
        { environment: 'b', principals: [] },
        { environment: 'c', principals: ['p*'] },
      ],
    })
  })

  it('are none where nothing is declared', () => {
    expect(readEnvironments(undefined)).toEqual([])
    expect(environmentsOf(null)).toEqual([])
    expect(environmentsOf([])).toEqual([])
  })

  const b = { name: 'b', catalogs: ['b'] }
  it.each<[unknown, string]>([
    [{ a: {} }, 'BAD_HOME environments is no list. Give a list of maps with `name`.'],
    [['a'], 'BAD_HOME environments[0] is no map. Give `name` and what belongs to it.'],
    [[{ catalogs: ['x'] }], 'BAD_HOME environments[0].name is missing or no text. Give each environment a name.'],
    [[{ ...b, workspace: ['1'] }], 'BAD_HOME environments[0].workspace is not known. Did you mean workspaces?'],
    [[{ name: 'a' }], 'environments[0] has nothing that belongs to it'],
    [[b, b], 'environments[1].name is "b" again. Give each a name of its own.'],
    [[{ ...b, schemas: ['finance'] }], 'environments[0].schemas[0] is "finance", no catalog.schema'],
    [[{ ...b, storage: ['/Volumes/a/b/c'] }], 'environments[0].storage[0] is "/Volumes/a/b/c", no storage path'],
    [[{ ...b, storage: ['s3://lake/*'] }], 'environments[0].storage[0] is "s3://lake/*"; paths are no patterns'],
    [[{ ...b, catalogs: [''] }], 'environments[0].catalogs[0] is no text'],
    [[{ ...b, workspaces: [1.5] }], 'environments[0].workspaces[0] is no text'],
    [
      [b, { name: 'a', catalogs: ['a'], may_reach: ['B2'] }],
      'environments[1].may_reach[0] names "B2", which is not declared. Did you mean b?',
    ],
    [[{ ...b, may_reach: [{ to: 'b' }] }], 'environments[0].may_reach[0] names no environment'],
    [[{ ...b, may_reach: [{ environment: 'b', users: [] }] }], 'environments[0].may_reach[0].users is not known'],
    [[{ ...b, may_reach: [{ environment: 'b', principals: [] }] }], 'environments[0].may_reach[0].principals is empty'],
    [
      Array.from({ length: 63 }, (_, at) => ({ name: `n${at}`, catalogs: ['c'] })),
      'environments has more than 62 entries',
    ],
  ])('are refused with what to do: %j', (value, expected) => {
    expect(failureOf(value)).toContain(expected)
  })
})

describe('a fault', () => {
  it('is told with the line it stands on', () => {
    const fault = () =>
      environmentsOf([
        { name: 'a', catalogs: ['a'] },
        { name: 'b', schemas: ['c.d', 'e'] },
      ])
    expect(fault).toThrow('detect.yaml:8:9: environments[1].schemas[1] is "e", no catalog.schema.')
  })
})

describe('a storage path', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open({ threads: 1 })
  })
  afterAll(() => engine.close())

  it.each([
    ['s3://Bucket/A/b/', 's3://bucket/A/b'],
    ['S3A://bucket', 's3://bucket'],
    ['s3n://bucket//a/./b/../c', 's3://bucket/a/c'],
    ['s3://bucket/../../x', 's3://bucket/x'],
    ['abfss://c@Acct.dfs.core.windows.net/p', 'abfss://c@acct.dfs.core.windows.net/p'],
    ['abfs://c@acct/p', 'abfss://c@acct/p'],
    ['gs://b/x y', 'gs://b/x y'],
    ['dbfs:/mnt/x', 'dbfs:///mnt/x'],
    ['dbfs:///mnt/x', 'dbfs:///mnt/x'],
    ['/dbfs/mnt/x/', 'dbfs:///mnt/x'],
    ['/mnt/x', 'dbfs:///mnt/x'],
    ['/Users/ada/x', undefined],
    ['/Volumes/a/b/c', undefined],
    ['dbfs:/Volumes/a/b/c', undefined],
    ['/dbfs/Volumes/a/b/c', undefined],
    ['note: x', undefined],
    ['', undefined],
  ])('%s is %s, here and in SQL', async (path, expected) => {
    expect(storageKey(path)).toBe(expected)
    const { key } = await engine.row(`SELECT ${storageKeySql('p')} AS key FROM (SELECT ${lit(path)} AS p)`)
    expect(key ?? undefined).toBe(expected)
  })

  it.each([
    ['/Volumes/Main/web/exports/x', 'main.web'],
    ['dbfs:/Volumes/main/web', 'main.web'],
    ['/dbfs/Volumes//main//web/x', 'main.web'],
    ['/Volumes/main', null],
    ['/Users/Volumes/main/web', null],
  ])('%s is a volume of %s', async (path, expected) => {
    const { schema } = await engine.row(`SELECT ${volumeSchemaSql('p')} AS "schema" FROM (SELECT ${lit(path)} AS p)`)
    expect(schema).toBe(expected)
  })
})
