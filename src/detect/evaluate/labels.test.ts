import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SCENARIOS } from '../../simulate/simulate.ts'
import { ruleFilesIn, SHIPPED_RULES } from '../pack/rule-folders.ts'
import { readLabels } from './labels.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labels-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const labelled = (content: string) => writeFile(join(folder, 'labels.json'), content)

it('every simulated attack names shipped rules that should tell of it', async () => {
  const files = (await ruleFilesIn(SHIPPED_RULES)).map((path) => path.replace(/^.*\/|\.yml$/g, ''))
  const unknown = SCENARIOS.flatMap(({ rules }) => rules.filter((name) => !files.includes(name)))
  expect(unknown).toEqual([])
  expect(SCENARIOS.filter(({ rules }) => rules.length === 0)).toEqual([])
})

it('labels of others need an id and requests only', async () => {
  await labelled('{"scenarios":[{"id":"theft","requestIds":["a","b"]}]}')
  expect(await readLabels(folder)).toEqual([{ id: 'theft', title: 'theft', rules: [], requestIds: ['a', 'b'] }])
})

it('a folder without labels is told apart from none', async () => {
  const empty = await mkdtemp(join(folder, 'empty-'))
  await expect(readLabels(empty)).rejects.toMatchObject({ code: 'NO_SOURCE', message: `${empty} has no labels.json.` })
  await expect(readLabels(join(folder, 'gone'))).rejects.toMatchObject({ code: 'NO_SOURCE' })
})

it.each([
  ['no JSON', '{'],
  ['no list', '{"scenarios":{}}'],
  ['a scenario without an id', '{"scenarios":[{"requestIds":[]}]}'],
])('labels that are %s are refused', async (_what, content) => {
  await labelled(content)
  await expect(readLabels(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})
