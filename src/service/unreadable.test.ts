import { symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually, logLine, ServiceBench } from './service.fixture.ts'
import { Unreadable, wordsOf } from './unreadable.ts'

let bench: ServiceBench

beforeEach(async () => {
  bench = await ServiceBench.open()
})
afterEach(() => bench.close())

const source = () => bench.service?.stages().find(({ name }) => name === 'ingest:inbox')

it('takes the other files of a source in as usual while one cannot be read, and that one once it can', async () => {
  const target = join(bench.folder, 'later.json')
  const link = join(bench.inbox, 'link.json')
  await symlink(target, link)
  await bench.start()
  await eventually(() => (source()?.failuresInRow ?? 0) >= 5)
  expect(source()?.lastFailure).toMatchObject({
    message: `${link} cannot be read: it is a link to something that is not there.`,
    hint: 'Put back what the link names, or remove the link; the other files of the source are taken in meanwhile.',
  })
  expect(bench.failures).toEqual([expect.stringContaining('a link to something that is not there')])
  await bench.drop('a.json', [logLine({ n: 1 })])
  await eventually(async () => (await bench.counted()).events === 1, 8000)
  await eventually(() => source()?.state === 'failing')
  await writeFile(target, `${logLine({ n: 2 })}\n`)
  await eventually(async () => (await bench.counted()).events === 2, 8000)
  await eventually(() => source()?.state === 'idle')
  expect([source()?.failuresInRow, bench.failures.length]).toEqual([0, 1])
})

it('asks for no writer to see that a file still cannot be read', async () => {
  await symlink(join(bench.folder, 'nothing'), join(bench.inbox, 'link.json'))
  await bench.start()
  await eventually(() => (source()?.failuresInRow ?? 0) >= 6)
  expect(source()?.runs).toBe(1)
})

it('says nothing more of what is gone, and waits longer each time for what breaks while it is read', async () => {
  const path = join(bench.folder, 'x.json')
  const object = { key: path, path, sizeBytes: 1, modifiedMs: 1 }
  const unreadable = new Unreadable()
  await writeFile(path, 'x')
  await unreadable.tried([object], new Map([[path, 'it broke']]), 0)
  expect(await unreadable.worthTaking([object], 500)).toEqual([])
  expect(unreadable.fault()?.message).toBe('it broke')
  expect(await unreadable.worthTaking([object], 1500)).toEqual([object])
  await unreadable.tried([object], new Map([[path, 'it broke']]), 1500)
  expect(await unreadable.worthTaking([object], 3000)).toEqual([])
  expect(await unreadable.worthTaking([{ ...object, sizeBytes: 2 }], 3000)).toHaveLength(1)
  await unreadable.tried([object], new Map([[path, 'it broke']]), 3000)
  await unlink(path)
  expect(await unreadable.worthTaking([object], 900_000)).toEqual([])
  expect(unreadable.fault()).toBeUndefined()
})

it('has words of its own for each way in which a file cannot be opened', () => {
  expect(wordsOf('EACCES', new Error('x')).says).toContain('has no permission (EACCES)')
  expect(wordsOf('EACCES', new Error('x')).hint).toContain('Let that account read it')
  expect(wordsOf('ELOOP', new Error('x')).says).toContain('leads back to itself')
  expect(wordsOf('EIO', new Error('i/o error'))).toEqual({ says: 'i/o error' })
})
