import { describe, expect, test } from 'vitest'
import { type Column, EVENT_COLUMNS, REJECT_COLUMNS } from '../core/event.ts'
import { deltaSchemaString, grownSchema, hasMoreColumns, schemaTag } from './schema.ts'
import { SMALL_TABLE } from './small-table.fixture.ts'

const text = (name: string): Column => ({ name, type: 'string', doc: `${name}.` })

describe('the schema text', () => {
  test('is in the words of the Delta protocol', () => {
    const { type, fields } = JSON.parse(deltaSchemaString(SMALL_TABLE.columns))
    expect(type).toBe('struct')
    expect(fields[1]).toEqual({ name: 'at', type: 'timestamp', nullable: true, metadata: { comment: 'When.' } })
    expect(fields[5].type.fields.map((field: { type: string }) => field.type)).toEqual(['string', 'integer'])
    expect(fields[6].type).toEqual({ type: 'array', elementType: 'string', containsNull: true })
    expect(fields[7].type).toEqual({ type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true })
  })

  test('has no two columns of one table whose names differ only by case, which Delta forbids', () => {
    for (const columns of [EVENT_COLUMNS, REJECT_COLUMNS]) {
      const names = columns.map(({ name }) => name.toLowerCase())
      expect(new Set(names).size).toBe(names.length)
    }
  })
})

describe('a growing schema', () => {
  const table = deltaSchemaString([text('a'), { name: 's', type: { struct: [text('x')] }, doc: '' }])

  test('does not change for the same columns, whatever their order or comments', () => {
    expect(grownSchema(table, [{ name: 's', type: { struct: [text('x')] }, doc: 'other' }, text('a')])).toBeUndefined()
  })

  test('takes new columns and new fields of structs at the end and keeps what the writer lacks', () => {
    const wanted: Column[] = [text('b'), { name: 's', type: { struct: [text('y')] }, doc: '' }]
    const grown = JSON.parse(grownSchema(table, wanted) ?? '')
    expect(grown.fields.map((field: Column) => field.name)).toEqual(['a', 's', 'b'])
    expect(grown.fields[1].type.fields.map((field: Column) => field.name)).toEqual(['x', 'y'])
  })

  test('reaches into arrays and maps', () => {
    const array = (fields: Column[]): Column[] => [{ name: 'l', type: { array: { struct: fields } }, doc: '' }]
    expect(grownSchema(deltaSchemaString(array([text('x')])), array([text('x'), text('y')]))).toContain('"y"')
    const map = (fields: Column[]): Column[] => [{ name: 'm', type: { map: ['string', { struct: fields }] }, doc: '' }]
    expect(grownSchema(deltaSchemaString(map([text('x')])), map([text('x'), text('y')]))).toContain('"y"')
  })

  test('refuses a column of another type, naming it', () => {
    const changed: Column[] = [{ name: 's', type: { struct: [{ name: 'x', type: 'long', doc: '' }] }, doc: '' }]
    expect(() => grownSchema(table, changed)).toThrow(
      expect.objectContaining({ code: 'BAD_LAKE', where: 's.x', message: expect.stringContaining('string') }),
    )
  })

  test('tells when a writer would lose columns', () => {
    expect(hasMoreColumns(table, [text('a')])).toBe(true)
    expect(hasMoreColumns(table, [text('a'), { name: 's', type: { struct: [text('x')] }, doc: '' }, text('b')])).toBe(
      false,
    )
  })
})

test('the fingerprint follows names and types, not comments', () => {
  expect(schemaTag([text('a')])).toBe(schemaTag([{ ...text('a'), doc: 'changed' }]))
  expect(schemaTag([text('a')])).not.toBe(schemaTag([text('b')]))
  expect(schemaTag([text('a')])).not.toBe(schemaTag([{ name: 'a', type: 'long', doc: '' }]))
})
