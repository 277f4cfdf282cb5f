/** How a server does, as checks like those of `bricktrail doctor`. */
import type { Check } from '../ask/check.ts'
import { isAppError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { Permission } from '../serve/contract.ts'
import type { Me } from '../serve/shapes/access.ts'
import type { DestinationList, SealView, SourceList, Stage } from '../serve/shapes/operations.ts'
import type { ApiClient } from './client.ts'

/** What `/readyz` looks at, in words: while well, and while not. */
const READY: Readonly<Record<string, readonly [well: string, ill: string]>> = {
  record: ['the record of use can be written', 'the record of use cannot be written, so nothing is answered'],
  lake: ['the lake can be read', 'the lake cannot be read'],
  loop: ['the loop runs', 'the loop does not run'],
}

/**
 * Looks at the server: whether it is ready, and, as far as the token may see it, how its loop, sources, destinations and seal do.
 * Without a token only what is public is looked at.
 *
 * @throws AppError NO_SERVER, BAD_SERVER
 */
export async function serverChecks(api: ApiClient): Promise<readonly Check[]> {
  const { checks } = await api.report<{ checks: Record<string, boolean> }>('/readyz', 'checks')
  const ready = Object.entries(checks).map(([name, isWell]) => readyCheck(name, isWell))
  if (!api.hasToken) return [{ name: 'server', state: 'ok', finding: `${api.address} answers` }, ...ready]
  const me = await api.me()
  const may = (permission: Permission) => me.permissions.includes(permission)
  return [
    serverCheck(api.address, me),
    ...ready,
    ...(may('health:read') ? await healthChecks(api) : []),
    ...(may('seal:read') ? [await sealCheck(api)] : []),
  ]
}

function readyCheck(name: string, isWell: boolean): Check {
  const [well = 'well', ill = 'not well'] = READY[name] ?? []
  if (isWell) return { name, state: 'ok', finding: well }
  return { name, state: 'failed', finding: ill, hint: 'The log of `bricktrail serve` on its machine says why.' }
}

function serverCheck(address: string, { name, role, version }: Me): Check {
  const finding = `Bricktrail ${version} at ${address}, asked as ${name} (${role})`
  if (version === VERSION) return { name: 'server', state: 'ok', finding }
  return {
    name: 'server',
    state: 'warning',
    finding,
    hint: `This is Bricktrail ${VERSION}; what one of them does not know yet, the other refuses.`,
  }
}

async function healthChecks(api: ApiClient): Promise<readonly Check[]> {
  const { sources, stages } = await api.get<SourceList>('/api/v1/sources', 'sources')
  const own = new Set(sources.map(({ stage }) => stage.name))
  return [
    ...sources.map(sourceCheck),
    ...stages.filter(({ name }) => !own.has(name)).map((stage) => stageCheck(stage.name, stage)),
    ...(await destinationChecks(api)),
  ]
}

/** Settings of delivery that cannot be read are one thing that is wrong, and hide nothing else. */
async function destinationChecks(api: ApiClient): Promise<readonly Check[]> {
  try {
    const { destinations } = await api.get<DestinationList>('/api/v1/destinations', 'destinations')
    return destinations.map(destinationCheck)
  } catch (cause) {
    if (!isAppError(cause) || cause.code === 'NO_SERVER' || cause.code === 'BAD_SERVER') throw cause
    return [{ name: 'destinations', state: 'failed', finding: cause.message, hint: cause.hint }]
  }
}

function sourceCheck({ name, stage, events, rejects, newestEvent }: SourceList['sources'][number]): Check {
  const newest = newestEvent === undefined ? '' : `, the newest of ${newestEvent}`
  const check = stageCheck(`source ${name}`, stage)
  // Who sees some rows only is not told how much came.
  if (events === null || rejects === null) return check
  const figures = `${events.toLocaleString('en-US')} events, ${rejects.toLocaleString('en-US')} rejects${newest}`
  return { ...check, finding: check.state === 'ok' ? figures : `${check.finding}; ${figures}` }
}

function stageCheck(name: string, { state, lastFailure, failuresInRow, lastSuccess, note }: Stage): Check {
  if (state === 'failing' || failuresInRow > 0) {
    const { message = 'it fails', hint } = lastFailure ?? {}
    return { name, state: 'failed', finding: `${message} (${failuresInRow} times in a row)`, ...(hint ? { hint } : {}) }
  }
  if (state === 'held') return { name, state: 'warning', finding: note ?? 'held back' }
  const last = lastSuccess === undefined ? '' : `, last done ${lastSuccess}`
  return { name, state: 'ok', finding: `${state}${last}${note === undefined ? '' : `; ${note}`}` }
}

function destinationCheck(destination: DestinationList['destinations'][number]): Check {
  const { name: own, delivered, waiting, dead, lastFailure, lastDelivered = '' } = destination
  const name = `to ${own}`
  const finding = `${delivered} delivered, ${waiting} waiting, ${dead} refused for good`
  if (dead > 0) return { name, state: 'warning', finding, hint: `\`bricktrail deliver dead ${own}\` shows why.` }
  if (lastFailure === undefined || lastFailure.time <= lastDelivered) return { name, state: 'ok', finding }
  return { name, state: 'warning', finding: `${finding}; last failure ${lastFailure.time}: ${lastFailure.reason}` }
}

async function sealCheck(api: ApiClient): Promise<Check> {
  const name = 'seal'
  try {
    const { size, unsealed, behind } = await api.get<SealView>('/api/v1/seal', 'origin')
    if (behind.length > 0) return { name, state: 'failed', finding: behind.join(' '), hint: 'Run `bricktrail verify`.' }
    if (unsealed === 0) return { name, state: 'ok', finding: `${size} leaves; nothing is unsealed` }
    return {
      name,
      state: 'warning',
      finding: `${unsealed} commits are not sealed`,
      hint: 'The next ingestion seals them.',
    }
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'NO_LAKE') throw cause
    return { name, state: 'ok', finding: 'nothing was sealed yet' }
  }
}
