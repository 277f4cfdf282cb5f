/** Transformations of the names of fields. */
import type { Shape } from '../../../core/yaml/shape.ts'
import type { TransformationKind } from './transformation.ts'

const mappingOf = (shape: Shape): ReadonlyMap<string, readonly string[]> => {
  if (shape.raw('mapping') === undefined)
    shape.error('mapping', 'The transformation has no mapping.', 'Add `mapping:`.')
  const mapping = shape.map('mapping')
  return new Map((mapping?.keys ?? []).map((name) => [name, mapping?.texts(name) ?? []]))
}

/** By type. */
export const FIELD_TRANSFORMATIONS: Readonly<Record<string, TransformationKind>> = {
  field_name_mapping: {
    keys: ['mapping'],
    read: (shape) => {
      const mapping = mappingOf(shape)
      return { onField: (field) => mapping.get(field) }
    },
  },
  field_name_prefix_mapping: {
    keys: ['mapping'],
    read: (shape) => {
      const mapping = [...mappingOf(shape)]
      return {
        onField: (field) => {
          const [prefix = '', targets = []] = mapping.find(([start]) => field.startsWith(start)) ?? []
          return targets.length === 0 ? undefined : targets.map((target) => target + field.slice(prefix.length))
        },
      }
    },
  },
  field_name_prefix: {
    keys: ['prefix'],
    read: (shape) => {
      const prefix = shape.needed('prefix') ?? ''
      return { onField: (field) => [prefix + field] }
    },
  },
  field_name_suffix: {
    keys: ['suffix'],
    read: (shape) => {
      const suffix = shape.needed('suffix') ?? ''
      return { onField: (field) => [field + suffix] }
    },
  },
}
