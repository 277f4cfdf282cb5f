import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tokenFrom } from './token.ts'

const TOKEN = `btk_${'a1B-_'.repeat(9)}`.slice(0, 47)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-token-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileWith(text: string, mode: number): Promise<string> {
  const path = join(folder, `token-${mode.toString(8)}`)
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

it('is that of the file, else that of the variable', async () => {
  expect(await tokenFrom({ variable: ` ${TOKEN}\n` })).toBe(TOKEN)
  const file = await fileWith(`${TOKEN}\n`, 0o600)
  expect(await tokenFrom({ file, variable: `btk_${'x'.repeat(43)}` })).toBe(TOKEN)
})

it.each([0o640, 0o604, 0o620, 0o777])(
  'is not taken from a file of mode %o, which others can read or change',
  async (mode) => {
    await expect(tokenFrom({ file: await fileWith(TOKEN, mode) })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      exit: 2,
      hint: expect.stringContaining('chmod 600'),
    })
  },
)

it('is asked for where there is none, and never repeated where it is none', async () => {
  await expect(tokenFrom({})).rejects.toMatchObject({ code: 'UNAUTHENTICATED', exit: 2 })
  await expect(tokenFrom({ variable: '  ' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(tokenFrom({ file: join(folder, 'missing') })).rejects.toMatchObject({ code: 'UNREADABLE' })
  await expect(tokenFrom({ file: folder })).rejects.toMatchObject({ exit: 2 })
  const wrong = ['hunter2 and more of the same kind', `${TOKEN}\r\nx-evil: 1`, `${TOKEN} ${TOKEN}`]
  for (const variable of wrong) {
    const failure = await tokenFrom({ variable }).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/hunter2|x-evil|a1B/)
  }
})

it('says of what begins as a token does why it is none', async () => {
  const failure = (variable: string) => expect(tokenFrom({ variable })).rejects
  await failure('btk_wrongwrongwrong').toMatchObject({
    message: expect.stringContaining('it has 15 characters after btk_, and a token has 43'),
  })
  await failure(`${TOKEN} ${TOKEN}`).toMatchObject({ message: expect.stringContaining('other characters') })
  await failure('hunter2').toMatchObject({ message: expect.stringContaining('those begin with btk_') })
})
