/** Shapes of what is asked for in a body: a name that they do not have is refused, since a misspelt wish would be left undone. */
import { z } from '@hono/zod-openapi'
import { nearest } from '../../core/nearest.ts'

/** What is said of a name that is not known, where others are. */
export function unknownName(name: string, names: readonly string[]): string {
  const [likely] = nearest(name, names)
  return `There is no such parameter here.${likely === undefined ? '' : ` Did you mean ${likely}?`}`
}

/** An object with these names and no others; the refusal has a line for each that it does not know. */
export const asked = <S extends z.core.$ZodLooseShape>(shape: S): z.ZodObject<S, z.core.$strict> =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((name) => unknownName(name, Object.keys(shape))).join('\n')
        : undefined,
  })

/** True for a shape made by {@link asked}, or a choice of such. */
export function knowsItsNames(schema: unknown): boolean {
  if (schema instanceof z.ZodDiscriminatedUnion) return schema.options.every(knowsItsNames)
  return schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodNever
}
