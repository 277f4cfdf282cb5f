import { expect, it } from 'vitest'
import { objectName } from './object-name.ts'

const batch = {
  id: 'a'.repeat(32),
  items: [{ id: 'e', key: '', timeMs: Date.UTC(2026, 10, 12, 9, 0, 0, 123), text: '' }],
  attempt: 1,
}

it('an object is named after the day and time of its first event, and its batch', () => {
  const name = `date=2026-11-12/20261112T090000123Z-${'a'.repeat(32)}.ndjson.gz`
  expect(objectName('', batch)).toBe(name)
  expect(objectName('audit/dbx//', { ...batch, attempt: 7 })).toBe(`audit/dbx/${name}`)
  expect(objectName('', batch, 'parquet')).toBe(name.replace('ndjson.gz', 'parquet'))
})
