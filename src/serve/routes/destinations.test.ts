import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { readDeliverSettings } from '../../deliver/settings.ts'
import { sendTest } from '../../deliver/trial.ts'
import { endingWith } from './destinations.ts'

it('what is sent to a destination ends when its asker leaves, and nothing more is sent then', async () => {
  let asked = 0
  const silent = createServer(() => {
    asked += 1
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-destinations-')))
  try {
    const secret = join(home.root, 'secret')
    await writeFile(secret, `whsec_${Buffer.alloc(32, 7).toString('base64')}`)
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const hook = `{kind: webhook, url: "${url}", secrets: ["file:${secret}"], allow_private: true}`
    const file = join(home.root, 'deliver.yaml')
    await writeFile(file, `destinations:\n  hook: ${hook}\n`)
    const [destination] = (await readDeliverSettings(file)).destinations
    if (destination === undefined) throw new Error('there is one')
    const started = performance.now()
    const leaving = new AbortController()
    const sending = sendTest(home, endingWith(leaving.signal, destination), new Date())
    await once(silent, 'request')
    leaving.abort()
    expect((await sending).kind).not.toBe('delivered')
    expect((await sendTest(home, endingWith(leaving.signal, destination), new Date())).kind).toBe('again')
    expect(asked).toBe(1)
    expect(performance.now() - started).toBeLessThan(20_000)
  } finally {
    silent.closeAllConnections()
    silent.close()
    await rm(home.root, { recursive: true })
  }
})
