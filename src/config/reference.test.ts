import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { commentedConfig, SCHEMA_FILE } from './commented.ts'
import { configPage } from './reference.fixture.ts'
import { configJsonSchema } from './schema.ts'

const ROOT = new URL('../../', import.meta.url)
const PAGES: readonly (readonly [string, string])[] = [
  ['docs/reference/config.md', configPage()],
  [SCHEMA_FILE, `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
]

it.each(PAGES)('%s is as the program has it', (path, text) => {
  const file = new URL(path, ROOT)
  if (process.env.UPDATE_DOCS) writeFileSync(file, text)
  expect(readFileSync(file, 'utf8')).toBe(text)
})

it('the JSON Schema takes the commented file, with and without its comments, and refuses an unknown key', () => {
  const validate = new Ajv2020({ strict: false, allowUnionTypes: true }).compile(configJsonSchema())
  const text = commentedConfig('schema.json')
  expect(validate(parse(text) ?? {})).toBe(true)
  const uncommented = text.replaceAll(/^# ?(?=( *[a-z_@.]+:| *- ))/gm, '')
  expect(validate(parse(uncommented)), JSON.stringify(validate.errors)).toBe(true)
  expect(Object.keys(parse(uncommented) as object).sort()).toEqual(
    Object.keys(configJsonSchema().properties as object).sort(),
  )
  expect(validate({ sorces: [] })).toBe(false)
})
