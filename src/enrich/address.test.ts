import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { keySql, scopeSql } from './address.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

const value = async (sql: string): Promise<unknown> => (await engine.row<{ v: unknown }>(`SELECT ${sql} AS v`)).v

describe('the key of an address', () => {
  it.each([
    ['0.0.0.0', '0'],
    ['8.8.8.8', '134744072'],
    ['255.255.255.255', '4294967295'],
    ['2001:db8::1', String(0x20010db800000000n)],
    ['2001:db8:1:2:3:4:5:6', String(0x20010db800010002n)],
    ['::1', '0'],
    ['1::', String(0x0001000000000000n)],
    ['fe80::', String(0xfe80000000000000n)],
  ])('%s is %s', async (ip, key) => {
    expect(await value(keySql(lit(ip)))).toBe(key)
  })

  it.each([
    '',
    'localhost',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4 ',
    '01.2.3.4x',
    '1:2:3',
    '1::2::3',
    '12345::1',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'g::1',
    ':',
    ':::',
    "'); DROP TABLE x; --",
  ])('is none for “%s”', async (text) => {
    expect(await value(keySql(lit(text)))).toBeNull()
    expect(await value(scopeSql(lit(text)))).toBe('invalid')
  })
})

describe('the scope of an address', () => {
  it.each([
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['11.0.0.0', 'public'],
    ['172.15.255.255', 'public'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.167.255.255', 'public'],
    ['192.168.0.0', 'private'],
    ['192.168.255.255', 'private'],
    ['192.169.0.0', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['169.254.169.254', 'link_local'],
    ['100.63.255.255', 'public'],
    ['100.64.0.0', 'shared'],
    ['100.127.255.255', 'shared'],
    ['100.128.0.0', 'public'],
    ['0.1.2.3', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.7', 'reserved'],
    ['203.0.113.9', 'reserved'],
    ['224.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['8.8.8.8', 'public'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::2', 'reserved'],
    ['fc00::1', 'private'],
    ['fdff:ffff::1', 'private'],
    ['fe80::1', 'link_local'],
    ['febf::1', 'link_local'],
    ['fec0::1', 'reserved'],
    ['ff02::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['2001:4860:4860::8888', 'public'],
    ['3fff:ffff::', 'public'],
    ['4000::1', 'reserved'],
  ])('%s is %s', async (ip, scope) => {
    expect(await value(scopeSql(lit(ip)))).toBe(scope)
  })
})
