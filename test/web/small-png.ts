/** Pictures of the page with few colours, so that the repository stays small: most of a page is a handful of them. */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** What an index of one byte can name. */
const MOST_COLORS = 256

/** Squared; nearer colours are told apart by nobody. The page's greys are farther apart. */
const LEAST_DISTANCE = 24

interface Pixels {
  readonly width: number
  readonly height: number
  /** Three bytes a pixel. */
  readonly rgb: Buffer
}

/** The same picture with its 256 most frequent colours; rarer ones become the nearest of those. PNG of 8 bits, no interlacing. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, rgb } = decoded(png)
  const counts = new Map<number, number>()
  for (let at = 0; at < rgb.length; at += 3) {
    const color = rgb.readUIntBE(at, 3)
    counts.set(color, (counts.get(color) ?? 0) + 1)
  }
  const palette = chosen([...counts].sort((a, b) => b[1] - a[1]).map(([color]) => color))
  const indexes = new Map(palette.map((color, index) => [color, index]))
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = rgb.readUIntBE((y * width + x) * 3, 3)
      let index = indexes.get(color)
      if (index === undefined) {
        index = nearest(palette, color)
        indexes.set(color, index)
      }
      rows[y * (width + 1) + 1 + x] = index
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Eight bits, colours by index.
  header.set([8, 3, 0, 0, 0], 8)
  const colors = Buffer.alloc(palette.length * 3)
  for (const [index, color] of palette.entries()) colors.writeUIntBE(color, index * 3, 3)
  const chunks = [
    chunk('IHDR', header),
    chunk('PLTE', colors),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]
  return Buffer.concat([SIGNATURE, ...chunks])
}

/** The most frequent, but no two that look the same: a small dot of green is worth more than another shade of grey. */
function chosen(byFrequency: readonly number[]): number[] {
  const palette: number[] = []
  for (const color of byFrequency) {
    if (palette.length === MOST_COLORS) break
    const alike = palette[nearest(palette, color)]
    if (alike === undefined || distanceOf(alike, color) >= LEAST_DISTANCE) palette.push(color)
  }
  return palette
}

function nearest(palette: readonly number[], color: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (const [index, each] of palette.entries()) {
    const distance = distanceOf(each, color)
    if (distance < least) [best, least] = [index, distance]
  }
  return best
}

function distanceOf(one: number, other: number): number {
  const at = (shift: number) => ((one >> shift) & 255) - ((other >> shift) & 255)
  return at(16) ** 2 + at(8) ** 2 + at(0) ** 2
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  body.copy(whole, 4)
  whole.writeUInt32BE(crc32(body), body.length + 4)
  return whole
}

/** Pixels of a PNG as browsers write it: RGB or RGBA of 8 bits. */
function decoded(png: Buffer): Pixels {
  const [width, height, depth, type] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]
  if (depth !== 8 || (type !== 2 && type !== 6))
    throw new Error(`A PNG of depth ${depth} and type ${type} is not known here.`)
  const size = type === 6 ? 4 : 3
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  const raw = unfiltered(inflateSync(Buffer.concat(parts)), width * size, height, size)
  const rgb = Buffer.alloc(width * height * 3)
  for (let pixel = 0; pixel < width * height; pixel++) raw.copy(rgb, pixel * 3, pixel * size, pixel * size + 3)
  return { width, height, rgb }
}

/** PNG specification, clause 9: each row says how its bytes follow from those left of and above them. */
function unfiltered(data: Buffer, stride: number, height: number, size: number): Buffer {
  const out = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const left = x < size ? 0 : (out[at - size] ?? 0)
      const above = y === 0 ? 0 : (out[at - stride] ?? 0)
      const corner = x < size || y === 0 ? 0 : (out[at - stride - size] ?? 0)
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter] ?? 0
      out[at] = ((data[y * (stride + 1) + 1 + x] ?? 0) + guess) & 255
    }
  }
  return out
}

function paeth(left: number, above: number, corner: number): number {
  const sum = left + above - corner
  const [a, b, c] = [Math.abs(sum - left), Math.abs(sum - above), Math.abs(sum - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? above : corner
}
