import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BASELINE_TYPES } from '../pack/pack.ts'
import { HABIT_TYPES } from './registry.ts'

it('there is one file for every type of baseline, and one entry', () => {
  const files = readdirSync(join(import.meta.dirname, 'types')).filter((name) => !name.endsWith('.test.ts'))
  expect(files.map((name) => name.replace('.ts', '').replaceAll('-', '_')).sort()).toEqual([...BASELINE_TYPES].sort())
  expect(HABIT_TYPES.map(({ type }) => type).sort()).toEqual([...BASELINE_TYPES].sort())
})
