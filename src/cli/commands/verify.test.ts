import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportPeriod } from '../../seal/verify/export-period.ts'
import { SealedHome } from '../../seal/verify/sealed-home.fixture.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerVerify } from './verify.ts'

let home: SealedHome
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-verify-'))
  home = await SealedHome.make()
  await home.commit({ received: Buffer.from('{"a":1}\n') })
  await home.commit()
})
afterEach(async () => {
  await home.dispose()
  await rm(folder, { recursive: true, force: true })
})

const run = (...argv: string[]) => runCommand(registerVerify, ['verify', ...argv], { home: home.root })

describe('bricktrail verify', () => {
  it('says what was checked, how much, and what not', async () => {
    const { out, exitCode } = await run()
    expect(exitCode).toBe(0)
    expect(out).toContain('3 leaves, hashed up to the signed root')
    expect(out).toContain('1 received object,')
    expect(out).toContain('The key was taken from the home itself')
    expect(out).toMatch(/Nothing is changed, missing or out of order, as far as was checked\.\n$/)
  })

  it('names the first bad thing first and ends with 1', async () => {
    await writeFile(home.at('lake/events/event_date=2026-03-01/b1-0.parquet'), 'x')
    await rm(home.at('lake/events/event_date=2026-03-01/b0-0.parquet'))
    const { out, exitCode } = await run('--key', home.key.vkey)
    expect(exitCode).toBe(1)
    expect(out).toMatch(/The first bad thing:\n {2}MISSING +lake\/events\/event_date=2026-03-01\/b0-0\.parquet/)
    expect(out).toMatch(/And then:\n {2}CHANGED +lake\/events\/event_date=2026-03-01\/b1-0\.parquet/)
    expect(out).toMatch(/2 findings: this is not what was sealed\.\n$/)
  })

  it('prints one JSON object with --json', async () => {
    const { out } = await run('--json', '--key', home.key.vkey)
    expect(JSON.parse(out)).toMatchObject({ what: 'home', ok: true, findings: [], checked: { leaves: 3, files: 5 } })
  })

  it('takes keys and checkpoints from files, and tells a rollback', async () => {
    const [key, kept] = [join(folder, 'log.vkey'), join(folder, 'kept')]
    await writeFile(key, `${home.key.vkey}\n`)
    await cp(home.root, join(folder, 'backup'), { recursive: true })
    await home.commit()
    await writeFile(kept, await home.read('seal/log/checkpoint'))
    const { out, exitCode } = await run(join(folder, 'backup'), '--key', key, '--checkpoint', kept)
    expect(exitCode).toBe(1)
    expect(out).toContain('signed over 4 leaves, and the log ends at 3: it was rolled back or cut')
  })

  it('looks at a period by sizes or times', async () => {
    await rm(home.at('lake/events/event_date=2026-03-01/b0-0.parquet'))
    expect((await run('--from', '2')).exitCode).toBe(0)
    expect((await run('--from', '1', '--to', '2')).exitCode).toBe(1)
    expect((await run('--to', '2026-03-01T08:01:30Z')).exitCode).toBe(0)
    expect((await run('--to', '2026-03-01')).exitCode).toBe(1)
  })

  it('says so where no leaf is in the period, and refuses one that ends before it begins', async () => {
    for (const period of [
      ['--from', '9'],
      ['--to', '0'],
      ['--from', '2030-01-01'],
    ]) {
      const { out, exitCode } = await run(...period)
      expect(exitCode).toBe(0)
      expect(out).toContain('Any file of any leaf, since no leaf is in the period asked for')
    }
    await expect(run('--from', '3', '--to', '1')).rejects.toThrow('ends before it begins')
    await expect(run('--from', '2026-03-02', '--to', '2026-03-01')).rejects.toThrow('ends before it begins')
  })

  it('asks no more witnesses than are named', async () => {
    const witness = home.key.vkey
    await expect(run('--quorum', '1')).rejects.toThrow('--quorum 1 cannot be, of 0 named witnesses')
    await expect(run('--quorum', '2', '--witness', witness, '--witness', witness)).rejects.toThrow('of 1 named')
    await expect(run('--quorum', '0', '--witness', witness)).rejects.toThrow('--quorum 0 cannot be')
  })

  it('verifies a home as a home, whatever proofs and period files lie in it', async () => {
    await writeFile(home.at('lake/events/event_date=2026-03-01/b1-0.parquet'), 'x')
    const other = await SealedHome.make('someone/else')
    await writeFile(home.at('mine.tlog-proof'), 'c2sp.org/tlog-proof@v1\nindex 0\n\nnothing\n')
    const { out, exitCode } = await run('--key', home.key.vkey, '--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ what: 'home', findings: [{ kind: 'changed' }] })
    expect(JSON.parse(out).notChecked).toContainEqual(expect.stringMatching(/^The proof mine\.tlog-proof is not about/))
    await exportPeriod(other.root, join(folder, 'other'), { from: 0, to: 1, files: false, raw: false })
    for (const name of ['bundle.json', 'entries.jsonl']) await cp(join(folder, 'other', name), home.at(name))
    await expect(run('--key', home.key.vkey)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(run('--as', 'proof')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect((await run('--as', 'home')).exitCode).toBe(1)
    await rm(home.at('seal/log'), { recursive: true })
    await expect(run('--key', other.key.vkey)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect((await run('--as', 'home')).out).toContain('The newest checkpoint is missing')
    await other.dispose()
  })

  it('verifies an exported period', async () => {
    const out = join(folder, 'period')
    await exportPeriod(home.root, out, { from: 1, to: 3, files: true, raw: true })
    expect((await run(out, '--key', home.key.vkey)).out).toContain('2 leaves, hashed up to the signed root')
    await rm(join(out, 'entries.jsonl'))
    expect((await run(out, '--key', home.key.vkey)).exitCode).toBe(1)
  })

  it('says of a pipe that it is neither a file nor a folder', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await expect(run(pipe, '--key', home.key.vkey)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: `${pipe} is neither a file nor a folder.`,
    })
  })

  it('shows nothing of a file name that a terminal would act on', async () => {
    const name = 'seal/log/tile/\u001b[2J'
    await home.put(name, 'x')
    expect((await run()).out).toContain('seal/log/tile/\\x1b[2J')
  })

  it('refuses options that would check nothing, as who asks for them believes that they did', async () => {
    const proof = join(folder, 'b.tlog-proof')
    await writeFile(proof, 'nothing')
    for (const options of [['--rows'], ['--checkpoint', proof], ['--from', '1'], ['--tsa-ca', proof], ['--as', 'home']])
      await expect(run(proof, '--key', home.key.vkey, ...options)).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringContaining(options[0] ?? ''),
      })
    const out = join(folder, 'period')
    await exportPeriod(home.root, out, { from: 1, to: 3, files: true, raw: true })
    for (const options of [['--rows'], ['--from', '1'], ['--to', '2']])
      await expect(run(out, '--key', home.key.vkey, ...options)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('shows no private key that it was given by mistake', async () => {
    const secret = 'c2VjcmV0IGtleSB0aGF0IG5vYm9keSBzaGFsbCBzZWU='
    const skey = `PRIVATE+KEY+example.com/log+0a1b2c3d+${secret}`
    const file = join(folder, 'key')
    for (const content of [skey, `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`]) {
      await writeFile(file, content)
      for (const key of [content, file]) {
        const failure = await run('--key', key).catch((cause) => cause)
        expect(failure).toMatchObject({ code: 'BAD_KEY' })
        expect(JSON.stringify({ ...failure, text: String(failure), stack: failure.stack })).not.toContain(secret)
      }
    }
  })

  it('refuses what it cannot use', async () => {
    await expect(run(join(folder, 'none'))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(run(folder)).rejects.toMatchObject({ code: 'NO_LAKE' })
    await expect(run('--key', join(folder, 'none'))).rejects.toMatchObject({ code: 'UNREADABLE' })
    await expect(run('--key', `${home.key.vkey}x`)).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(run('--from', 'whenever')).rejects.toMatchObject({ code: 'BAD_TIME' })
    await writeFile(join(folder, 'a.tlog-proof'), 'nothing')
    await expect(run(join(folder, 'a.tlog-proof'))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    const { out, exitCode } = await run(join(folder, 'a.tlog-proof'), '--key', home.key.vkey)
    expect([exitCode, out.includes('UNVERIFIABLE')]).toEqual([1, true])
    expect(await readFile(join(folder, 'a.tlog-proof'), 'utf8')).toBe('nothing')
  })
})
