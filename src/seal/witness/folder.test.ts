import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KEY_TYPES } from '../note.ts'
import { openWitnessFolder, type WitnessFolder } from './folder.ts'

let root: string
let opened: WitnessFolder[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'witness-'))
  opened = []
})

afterEach(async () => {
  for (const { memory } of opened) memory.close()
  await rm(root, { recursive: true })
})

async function open(name?: string): Promise<WitnessFolder> {
  const folder = await openWitnessFolder(join(root, 'data'), name)
  opened.push(folder)
  return folder
}

const inData = (name: string) => join(root, 'data', name)
const modeOf = async (name: string) => (await stat(inData(name))).mode & 0o777

describe('the folder of a witness', () => {
  it('gets a key on first use, which only its owner can read, and keeps it', async () => {
    const { signer } = await open()
    expect(signer.type).toBe(KEY_TYPES.cosignature)
    expect(signer.name).toMatch(/^witness\/[0-9a-f]{16}$/)
    expect((await open()).signer.vkey).toBe(signer.vkey)
    expect(await readFile(inData('witness.vkey'), 'utf8')).toBe(`${signer.vkey}\n`)
    expect([await modeOf(''), await modeOf('witness.key'), await modeOf('witness.db')]).toEqual([0o700, 0o600, 0o600])
  })

  it('has the name it was made with', async () => {
    expect((await open('auditor.example/laptop')).signer.name).toBe('auditor.example/laptop')
    expect((await open('auditor.example/laptop')).signer.name).toBe('auditor.example/laptop')
    await expect(open('another')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('takes no name that a key cannot have', async () => {
    await expect(open('two words')).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(open('a+b')).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  it('is refused while others can read its key', async () => {
    await open()
    await chmod(inData('witness.key'), 0o644)
    await expect(open()).rejects.toMatchObject({ code: 'BAD_KEY', hint: expect.stringContaining('chmod 600') })
  })

  it('is refused without its memory, since it would sign anything then', async () => {
    for (const { memory } of [await open()]) memory.close()
    opened = []
    await rm(inData('witness.db'))
    await expect(open()).rejects.toMatchObject({ code: 'BAD_HOME', message: expect.stringMatching(/lost its memory/) })
  })

  it('is refused with a memory that is something else', async () => {
    for (const { memory } of [await open()]) memory.close()
    opened = []
    await writeFile(inData('witness.db'), 'no database at all, but long enough to look like one'.repeat(100))
    await expect(open()).rejects.toMatchObject({ code: 'BAD_HOME' })
  })

  it('is refused where the public key is not that of the private one', async () => {
    const { signer } = await open('one')
    const pem = (await readFile(inData('witness.key'), 'utf8')).split('\n').slice(1).join('\n')
    const other = await openWitnessFolder(join(root, 'other'), 'one')
    opened.push(other)
    expect(other.signer.vkey).not.toBe(signer.vkey)
    await writeFile(inData('witness.key'), `${other.signer.vkey}\n${pem}`)
    await expect(open()).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  it('shows its owner the newest checkpoint of each log, under a name that is no path', async () => {
    const { publish } = await open()
    const path = await publish('checkpoints', '../../etc/log', 'the note\n')
    expect(path).toBe(inData('checkpoints/..%2F..%2Fetc%2Flog.txt'))
    expect(await readFile(path, 'utf8')).toBe('the note\n')
  })
})
