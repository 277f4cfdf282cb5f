import fc from 'fast-check'
import { expect, it } from 'vitest'
import { entriesPath, filledTiles, parseTilePath, pathOf, type Tile, tilePath, tileWidths, widthOf } from './tiles.ts'

it('names tiles and bundles as the specification does', () => {
  expect(tilePath(0, 1234067n)).toBe('tile/0/x001/x234/067')
  expect(tilePath(0, 0n)).toBe('tile/0/000')
  expect(tilePath(1, 999n, 17)).toBe('tile/1/999.p/17')
  expect(tilePath(2, 1000n)).toBe('tile/2/x001/000')
  expect(entriesPath(1234067n, 3)).toBe('tile/entries/x001/x234/067.p/3')
  expect(tilePath(0, (1n << 64n) - 1n)).toBe('tile/0/x018/x446/x744/x073/x709/x551/615')
})

it('lists the tiles of a tree of 70,000 as the specification does', () => {
  const tiles = [...tileWidths(70_000n)]
  const count = (level: number, width: number) => tiles.filter((t) => t.level === level && t.width === width).length
  expect(tiles).toHaveLength(273 + 1 + 1 + 1 + 1)
  expect([count(0, 256), count(0, 112)]).toEqual([273, 1])
  expect([count(1, 256), count(1, 17)]).toEqual([1, 1])
  expect(count(2, 1)).toBe(1)
  expect([...tileWidths(256n)].map(pathOf)).toEqual(['tile/0/000', 'tile/1/000.p/1'])
  expect([...tileWidths(0n)]).toEqual([])
})

it('knows how wide a tile of a tree of any size is', () => {
  expect(widthOf(0, 273n, 70_000n)).toBe(112)
  expect(widthOf('entries', 273n, 70_000n)).toBe(112)
  expect(widthOf(0, 274n, 70_000n)).toBe(0)
  expect(widthOf(7, 255n, (1n << 64n) - 1n)).toBe(0)
  expect(widthOf(7, 0n, (1n << 64n) - 1n)).toBe(255)
})

const tile: fc.Arbitrary<Tile> = fc.record({
  level: fc.oneof(fc.constant<'entries'>('entries'), fc.integer({ min: 0, max: 63 })),
  n: fc.bigInt(0n, (1n << 64n) - 1n),
  width: fc.integer({ min: 1, max: 256 }),
})

it('reads every name it writes', () => {
  fc.assert(
    fc.property(tile, (given) => {
      expect(parseTilePath(pathOf(given))).toEqual(given)
    }),
  )
})

it.each([
  'tile/0/0',
  'tile/0/0000',
  'tile/00/000',
  'tile/64/000',
  'tile/-1/000',
  'tile/0/x000/001',
  'tile/0/001/x234',
  'tile/0/x001/x234/x067',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/0/000.p/01',
  'tile/0/000.p/1/',
  'tile/0/000\n',
  'tile/entries/../000',
  '/tile/0/000',
  'tile/8/0/000',
  'tile/0/٠٠٠',
  'checkpoint',
])('takes %j for no tile', (path) => {
  expect(parseTilePath(path)).toBeUndefined()
})

it('refuses to name what there cannot be', () => {
  expect(() => tilePath(64, 0n)).toThrow(RangeError)
  expect(() => tilePath(0, -1n)).toThrow(RangeError)
  expect(() => tilePath(0, 0n, 0)).toThrow(RangeError)
  expect(() => entriesPath(0n, 257)).toThrow(RangeError)
})

it('finds the partial tiles that a growing tree has filled', () => {
  const filled = (from: bigint, to: bigint) => [...filledTiles(from, to)].map(pathOf)
  expect(filled(10n, 255n)).toEqual([])
  expect(filled(10n, 256n)).toEqual(['tile/0/000', 'tile/entries/000'])
  expect(filled(256n, 512n)).toEqual([])
  expect(filled(65_300n, 70_000n)).toEqual(['tile/0/255', 'tile/entries/255', 'tile/1/000'])
})
