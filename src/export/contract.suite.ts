/** What every export format must be. Each format's test calls this. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { columnDefinitions } from '../engine/types.ts'
import type { ExportFormat } from './contract.ts'
import { ROWS, tableOfEvents } from './rows.fixture.ts'
import { exportTarget } from './target.ts'
import { exportFile } from './write.ts'

/** Runs the checks that hold for all formats. */
export function exportFormatSuite(format: ExportFormat): void {
  describe(`the export format ${format.name}`, () => {
    let engine: Engine
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bricktrail-export-'))
      engine = await Engine.open()
      await tableOfEvents(engine, 'events', ROWS)
    })
    afterAll(async () => {
      engine.close()
      await rm(folder, { recursive: true, force: true })
    })

    it('says what it is', () => {
      expect(format.name).toMatch(/^[a-z][a-z-]*$/)
      expect(format.extension).toMatch(/^[a-z]+$/)
      expect(format.doc).toMatch(/^[A-Z].*\.$/)
    })

    it('makes exactly one row of every event', async () => {
      const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM (${format.select('events')})`)
      expect(n).toBe(ROWS.length)
    })

    it('takes any relation that can stand after FROM', async () => {
      const relation = "(SELECT * FROM events WHERE event_date = DATE '2026-03-04')"
      const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM (${format.select(relation)})`)
      expect(n).toBe(ROWS.filter((row) => row.event_date === '2026-03-04').length)
    })

    it('puts what else is asked for before its own, row by row', async () => {
      const rows = await engine.rows(format.select('events', ['event_id AS its_id', 'epoch_us(event_time) AS us']))
      expect(rows.map(({ its_id }) => its_id).sort()).toEqual(ROWS.map((row) => row.event_id).sort())
      expect(Object.keys(rows[0] ?? {}).slice(0, 2)).toEqual(['its_id', 'us'])
    })

    it('makes nothing of nothing', async () => {
      await engine.run(`CREATE OR REPLACE TEMP TABLE nothing (${columnDefinitions(EVENT_COLUMNS)})`)
      expect(await engine.rows(format.select('nothing'))).toEqual([])
    })

    it('lives with an event of which nothing is known but its id and times', async () => {
      const bare = `(SELECT * FROM events WHERE event_id = '${'f'.repeat(32)}')`
      expect(await engine.rows(format.select(bare))).toHaveLength(1)
    })

    if (format.shape === 'lines') {
      it('makes one text column without line breaks', async () => {
        const rows = await engine.rows(format.select('events'))
        for (const row of rows) {
          expect(Object.keys(row)).toEqual(['line'])
          expect(row.line).toMatch(/^[^\r\n\0]+$/)
        }
      })

      it('writes its lines as they are', async () => {
        const path = join(folder, 'lines.out')
        await exportFile(engine, format, 'events', exportTarget(format, path))
        const written = (await readFile(path, 'utf8')).split('\n')
        const lines = (await engine.rows<{ line: string }>(format.select('events'))).map(({ line }) => line)
        expect(written.pop()).toBe('')
        expect(written.sort()).toEqual(lines.sort())
      })
    }

    if (format.gzip) {
      it('says the same compressed', async () => {
        const [plain, zipped] = [join(folder, 'same.out'), join(folder, 'same.out.gz')]
        await exportFile(engine, format, 'events', exportTarget(format, plain))
        await exportFile(engine, format, 'events', exportTarget(format, zipped))
        const sorted = (text: string) => text.split('\n').sort()
        const unzipped = gunzipSync(await readFile(zipped)).toString('utf8')
        expect(sorted(unzipped)).toEqual(sorted(await readFile(plain, 'utf8')))
      })
    } else {
      it('refuses gzip, as it is compressed already', () => {
        expect(() => exportTarget(format, join(folder, `x.${format.extension}.gz`))).toThrow(/compressed already/)
      })
    }
  })
}
