/** References to keys: `file:PATH` or `env:NAME`. */

/** Where a key is: in a file, or in a variable of the environment. */
export type KeyReference =
  | { readonly path: string; readonly variable?: undefined }
  | { readonly path?: undefined; readonly variable: string }

/**
 * Takes a reference apart; undefined for what is none. That must not be shown: it may be the key itself, also where a name
 * should be, so 64 hex digits are no name.
 */
export function parseKeyReference(text: string): KeyReference | undefined {
  const [, path, variable] = /^(?:file:([^\r\n]+)|env:(?![0-9A-Fa-f]{64}$)([A-Za-z_]\w*))$/.exec(text) ?? []
  if (path !== undefined) return { path }
  return variable === undefined ? undefined : { variable }
}
