/** What every object store must pass. */
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ObjectStore } from './contract.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (found: Uint8Array | undefined): string | undefined => found && new TextDecoder().decode(found)

/** Runs the suite against stores made by `open`, each empty at first. */
export function testObjectStore(name: string, open: () => Promise<ObjectStore>): void {
  test(`${name}: what is not there is undefined, and deleting it is no error`, async () => {
    const store = await open()
    expect(await store.read('a/b')).toBeUndefined()
    expect(await store.stat('a/b')).toBeUndefined()
    expect(await store.list('a/')).toEqual([])
    await store.delete('a/b')
  })

  test(`${name}: put if absent keeps the first object`, async () => {
    const store = await open()
    expect(await store.putIfAbsent('log/1.json', bytes('first'))).toBe(true)
    expect(await store.putIfAbsent('log/1.json', bytes('second'))).toBe(false)
    expect(textOf(await store.read('log/1.json'))).toBe('first')
    expect((await store.stat('log/1.json'))?.sizeBytes).toBe(5)
  })

  test(`${name}: of many that put one key at once exactly one wins, and readers see its bytes whole`, async () => {
    const store = await open()
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(5000))
    const won = await Promise.all(texts.map((text) => store.putIfAbsent('log/1.json', bytes(text))))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(textOf(await store.read('log/1.json'))).toBe(texts[won.indexOf(true)])
    expect(await store.list('')).toEqual(['log/1.json'])
  })

  test(`${name}: put replaces`, async () => {
    const store = await open()
    await store.put('pointer', bytes('1'))
    await store.put('pointer', bytes('22'))
    expect(textOf(await store.read('pointer'))).toBe('22')
    expect(await store.list('')).toEqual(['pointer'])
  })

  test(`${name}: lists keys of a prefix in order, after a key`, async () => {
    const store = await open()
    for (const key of ['log/2.json', 'log/10.json', 'data/day=1/x.parquet', 'log/1.json']) {
      await store.putIfAbsent(key, bytes(key))
    }
    expect(await store.list('log/')).toEqual(['log/1.json', 'log/10.json', 'log/2.json'])
    expect(await store.list('log/', 'log/1.json')).toEqual(['log/10.json', 'log/2.json'])
    expect(await store.list('')).toHaveLength(4)
    await store.delete('log/10.json')
    expect(await store.list('log/')).toEqual(['log/1.json', 'log/2.json'])
  })

  test(`${name}: publishes a staged file once under a free key and leaves it staged under a taken one`, async () => {
    const store = await open()
    const [first, second] = [await store.stage('parquet'), await store.stage('parquet')]
    await writeFile(first, 'one')
    await writeFile(second, 'two')
    expect(await store.publish(first, 'day=1/a.parquet')).toBe(true)
    expect(await store.publish(second, 'day=1/a.parquet')).toBe(false)
    expect(await store.publish(second, 'day=1/b.parquet')).toBe(true)
    await store.discard(first)
    await store.discard(second)
    expect(textOf(await store.read('day=1/a.parquet'))).toBe('one')
    expect(textOf(await store.read('day=1/b.parquet'))).toBe('two')
    expect(await store.list('')).toEqual(['day=1/a.parquet', 'day=1/b.parquet'])
  })
}
