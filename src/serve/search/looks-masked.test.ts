import { expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { maskedBothSql } from '../read/mask-text.ts'
import { withoutHeldSql } from '../read/query-text.ts'
import { looksMasked, searchOf } from './to-sql.ts'

const RAW = [
  'user ana.lopez@example.com did it, from 10.20.30.41 again',
  'host ip-10-1-2-37 and 2001:db8:1:2:3:4:5:6 and fe80::1',
  '/Users/bob@example.com/notebook',
  '{"a":1,"query_text":"SELECT card FROM people","b":"left"}',
  "{'sql': 'SELECT card FROM people'}",
]

it('every part of what is shown that is not in the text as it is counts as masked', async () => {
  const engine = await Engine.open({ memoryLimitMb: 300, threads: 1 })
  try {
    const sql = `list_transform([${withoutHeldSql('t')}], lambda q: ${maskedBothSql('q', 'k')})[1]`
    const values = RAW.map((text) => `(${lit(text)})`).join(', ')
    const rows = await engine.rows<{ raw: string; shown: string }>(
      `SELECT t AS raw, ${sql} AS shown FROM (VALUES ${values}) texts(t)`,
    )
    for (const { raw, shown } of rows) {
      expect(shown).not.toBe(raw)
      const missed: string[] = []
      for (let from = 0; from < shown.length; from++)
        for (let to = from + 1; to <= shown.length; to++) {
          const part = shown.slice(from, to).trim()
          if (part !== '' && !raw.toLowerCase().includes(part.toLowerCase()) && !looksMasked(part)) missed.push(part)
        }
      expect(missed).toEqual([])
    }
  } finally {
    engine.close()
  }
})

it('part of a pseudonym is looked for behind the masks alone, other words before them, too', () => {
  for (const word of ['4b88898f56e2', '88898f', 'p-4b88', '10.20.30.0', 'charact', 'hidden'])
    expect(searchOf(word).before).toBeUndefined()
  for (const word of ['lopez', 'permission_denied', 'getTable']) expect(searchOf(word).before).toBeDefined()
})
