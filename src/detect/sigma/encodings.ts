/** Values as they look once encoded. */

/** UTF-16 by name of the modifier; `utf16` starts with a byte order mark. */
export const UTF16 = {
  utf16le: (text: string): Buffer => Buffer.from(text, 'utf16le'),
  wide: (text: string): Buffer => Buffer.from(text, 'utf16le'),
  utf16be: (text: string): Buffer => Buffer.from(text, 'utf16le').swap16(),
  utf16: (text: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]),
} as const

/** Base64 of the whole value. */
export const base64 = (bytes: Buffer): string => bytes.toString('base64')

/**
 * The part of a value's Base64 that does not depend on what stands around it, for each of the three ways it can fall on
 * groups of three bytes. A way that leaves nothing is left out.
 */
export function base64Offsets(bytes: Buffer): string[] {
  const ways = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // The first characters hold bits of the bytes before, the last ones of those behind.
    const from = [0, 2, 3][shift] ?? 0
    const behind = [0, 3, 2][(shift + bytes.length) % 3] ?? 0
    return encoded.slice(from, encoded.length - behind)
  })
  return [...new Set(ways)].filter((way) => way !== '')
}

/** Bytes as the text that holds them; undefined where no text does. */
export const textOfBytes = (bytes: Buffer): string | undefined =>
  bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined
