import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { homeAt } from './home.ts'
import { refuseHomesOwn } from './outside-home.ts'

const folder = mkdtempSync(join(tmpdir(), 'bricktrail-outside-'))
const home = homeAt(join(folder, 'home'))
afterAll(() => rmSync(folder, { recursive: true }))

it('refuses to write what the home keeps, also where it is not there yet or is reached by a link', () => {
  const out = join(home.lake, 'export', 'a.csv')
  expect(() => refuseHomesOwn(home, out)).toThrow(`${out} is in lake of the home`)
  mkdirSync(home.seal, { recursive: true })
  symlinkSync(home.seal, join(folder, 'elsewhere'))
  expect(() => refuseHomesOwn(home, join(folder, 'elsewhere', 'log', 'checkpoint'))).toThrow('is in seal of the home')
  expect(() => refuseHomesOwn(home, home.ledger)).toThrow('is in ledger.db of the home')
  expect(() => refuseHomesOwn(home, `${home.alerts}-wal`)).toThrow('is in alerts.db of the home')
  symlinkSync(join(home.lake, 'not-there.csv'), join(folder, 'a.csv'))
  expect(() => refuseHomesOwn(home, join(folder, 'a.csv'))).toThrow('is in lake of the home')
})

it('refuses to write over a file beside the folders of the home, such as a key', () => {
  const key = join(home.root, 'alerts.key')
  mkdirSync(home.root, { recursive: true })
  writeFileSync(key, 'a key')
  expect(() => refuseHomesOwn(home, key)).toThrow('is in alerts.key of the home')
  const earlier = join(home.root, 'answer.csv')
  writeFileSync(earlier, 'of the user')
  expect(() => refuseHomesOwn(home, earlier)).not.toThrow()
})

it('follows links that lead to each other no longer than it must', () => {
  symlinkSync(join(folder, 'one'), join(folder, 'other'))
  symlinkSync(join(folder, 'other'), join(folder, 'one'))
  expect(() => refuseHomesOwn(home, join(folder, 'one'))).not.toThrow()
})

it('leaves other places to the user, in the home as well', () => {
  for (const out of [folder, join(home.root, 'exports', 'a.csv'), join(home.root, 'lake.csv'), `${home.root}-lake`])
    expect(() => refuseHomesOwn(home, out)).not.toThrow()
})
