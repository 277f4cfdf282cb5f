import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { catalogueMarkdown } from './document.ts'

const PAGE = new URL('../../../docs/reference/catalogue.md', import.meta.url)

it('the page says what the data says; UPDATE_DOCS=1 writes it anew', () => {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, catalogueMarkdown())
  expect(readFileSync(PAGE, 'utf8') === catalogueMarkdown(), 'docs/reference/catalogue.md is out of date').toBe(true)
})
