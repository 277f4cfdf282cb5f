import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { formatNamed } from '../export/registry.ts'
import { openSink } from './open.ts'
import { SINKS, sinkKind } from './registry.ts'
import { deliverSettingsOf, destinationSchema } from './settings.ts'

describe('the kinds of destinations', () => {
  it('have names of their own', () => {
    expect(new Set(SINKS.map(({ kind }) => kind)).size).toBe(SINKS.length)
    expect(sinkKind('nothing')).toBeUndefined()
  })

  it.each(SINKS.map((kind) => [kind.kind, kind] as const))('%s has a schema that says what each key is', (_, kind) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    expect(() => ajv.compile(destinationSchema(kind))).not.toThrow()
    const { properties, additionalProperties } = kind.schema as {
      properties: Record<string, { description?: string }>
      additionalProperties: unknown
    }
    expect(additionalProperties).toBe(false)
    for (const [key, { description }] of Object.entries(properties)) expect(description, key).toMatch(/\.$/)
    expect(kind.doc).toMatch(/\.$/)
  })

  it('are not opened with words that no message has, and say where they stand', async () => {
    const text = 'destinations:\n  soc:\n    kind: alertmanager\n    url: http://am:9093\n    body: "{{ summry }}"\n'
    const [destination] = deliverSettingsOf(text, 'deliver.yaml').destinations
    if (destination === undefined) throw new Error('There is no destination.')
    await expect(openSink(destination, homeAt('/nowhere'))).rejects.toMatchObject({
      message: 'deliver.yaml:2:3: destination soc: body names the field summry, which messages do not have.',
      hint: 'Did you mean {{summary}}?',
    })
  })

  it('take events in formats that there are', () => {
    for (const { kind, takes, formats = [] } of SINKS)
      if (takes === 'events') for (const format of formats) expect(formatNamed(format).name, kind).toBe(format)
  })
})
