/** What is told of an alert, whatever the destination makes of it. */

import { createHash } from 'node:crypto'
import type { Level } from '../detect/sigma/rule.ts'
import type { Item } from './contract.ts'

/** Why a message is sent. */
export type MessageAction = 'opened' | 'updated' | 'acknowledged' | 'resolved' | 'reopened' | 'escalated' | 'test'

/** A message about one alert, as it stands in the outbox. */
export interface AlertMessage {
  readonly action: MessageAction
  readonly alertId: string
  /** One open alert for a key; what incident tools tell repeats by. */
  readonly dedupKey: string
  readonly title: string
  /** One or two sentences for people. */
  readonly summary: string
  readonly level: Level
  readonly status: string
  readonly rule: { readonly id: string; readonly title: string }
  readonly entity?: { readonly field: string; readonly value: string }
  readonly threat?: string
  readonly tags: readonly string[]
  /** ISO times. */
  readonly firstTime: string
  readonly lastTime: string
  /** When the message was made, ISO. */
  readonly sentTime: string
  readonly events: number
  readonly findings: readonly string[]
  readonly assignee?: string
  readonly note?: string
  /** Why, one line each. */
  readonly because: readonly string[]
  readonly runbook: readonly { readonly title: string; readonly sql: string }[]
  /** Where to look into it. */
  readonly url?: string
}

/** What is left out when a message is shortened. */
const EMPTY: Pick<AlertMessage, 'tags' | 'findings' | 'because' | 'runbook'> = {
  tags: [],
  findings: [],
  because: [],
  runbook: [],
}

/** The message of an item. Lists that were left out when it was shortened are empty. */
export const messageOfItem = ({ text }: Item): AlertMessage => ({ ...EMPTY, ...(JSON.parse(text) as AlertMessage) })

/** True once nothing is to be done any more. */
export const isOver = ({ action }: AlertMessage): boolean => action === 'resolved'

/** A key for a tool that takes so many characters: of one that is too long, its beginning and a digest of it all. */
export function keyWithin(key: string, most: number): string {
  if (key.length <= most) return key
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 32)
  return `${key.slice(0, most - digest.length - 1).toWellFormed()}-${digest}`
}
