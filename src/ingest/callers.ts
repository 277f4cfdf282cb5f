/**
 * What enrichers say of the callers in small batches, kept from one batch to the next. As `enrich/memo.ts` does it, but by
 * statements whose plans are kept: for a thousand records, planning costs many times what working the facts out does.
 */
import { AS_WRITTEN, type Engine } from '../engine/duckdb.ts'
import { ENRICHERS } from '../enrich/registry.ts'
import type { Form } from '../normalise/contract.ts'
import { type Enrichment, ipSql } from '../normalise/event.ts'
import { hasSecretSql } from '../normalise/scrub.ts'
import { SMALL } from './tables.ts'

const CALLERS = `${SMALL}.callers`
const UNKNOWN = `${SMALL}.unknown_values`

type Enricher = (typeof ENRICHERS)[number]

const factsOf = ({ name }: Enricher): string => `${SMALL}.facts_${name}`

/** Facts that are kept of each kind; joining more of them would cost each batch more than learning them again now and then. */
const MAX_FACTS = 50_000

/** Makes the tables; once per engine. */
export async function makeCallers(engine: Engine): Promise<void> {
  await engine.run(`CREATE TABLE ${CALLERS} (source_ip VARCHAR, user_agent VARCHAR)`)
  await engine.run(`CREATE TABLE ${UNKNOWN} (value VARCHAR)`)
  for (const enricher of ENRICHERS)
    await engine.run(`CREATE TABLE ${factsOf(enricher)} (value VARCHAR, fact ${enricher.type})`)
}

/**
 * Learns what is not known yet of the callers in these records. Never a text that holds a secret: events with it have no facts.
 *
 * @param records SQL relation `(json JSON, file VARCHAR)`
 */
export async function learnCallers(engine: Engine, form: Form, records: string): Promise<void> {
  await engine.run(`DELETE FROM ${CALLERS}`)
  await engine.runKept(
    `INSERT INTO ${CALLERS} SELECT DISTINCT ${ipSql('ip_text')}, user_agent FROM (${form.recordSql(records, true)})`,
  )
  for (const enricher of ENRICHERS) await learn(engine, enricher)
}

async function learn(engine: Engine, enricher: Enricher): Promise<void> {
  const facts = factsOf(enricher)
  await engine.run(`DELETE FROM ${UNKNOWN}`)
  await engine.run(`INSERT INTO ${UNKNOWN} SELECT DISTINCT ${enricher.input} FROM ${CALLERS} c
    WHERE ${enricher.input} IS NOT NULL AND NOT EXISTS (FROM ${facts} f WHERE f.value = c.${enricher.input})`)
  const { fresh, known } = await engine.row<{ fresh: string; known: string }>(
    `SELECT (SELECT count(*) FROM ${UNKNOWN}) AS fresh, (SELECT count(*) FROM ${facts}) AS known`,
  )
  if (fresh === '0') return
  if (Number(known) > MAX_FACTS)
    await engine.run(`DELETE FROM ${facts} f WHERE NOT EXISTS (FROM ${CALLERS} c WHERE c.${enricher.input} = f.value)`)
  await engine.runKept(
    `INSERT INTO ${facts} SELECT e.value, ${enricher.fact('e.value')}
    FROM ${enricher.from(`(SELECT value FROM ${UNKNOWN} WHERE NOT ${hasSecretSql('value')})`, 'value')}`,
    AS_WRITTEN,
  )
}

/** Joins that add what was learnt to alias `e`. */
export function callerFacts(): Enrichment {
  const kinds = ENRICHERS.map((enricher) => ({ ...enricher, facts: factsOf(enricher), alias: `f_${enricher.name}` }))
  return {
    join: kinds
      .map(({ facts, alias, input }) => `LEFT JOIN ${facts} ${alias} ON ${alias}.value = e.${input}`)
      .join('\n  '),
    columns: Object.fromEntries(kinds.map(({ alias, output }) => [output, `${alias}.fact`])),
    unknown: 'false',
  }
}
