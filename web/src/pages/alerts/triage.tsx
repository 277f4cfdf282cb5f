/** What is done to alerts from keys, buttons and the bar for many: one way for all three, with the dialogs it needs. */
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { AlertDeed, AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { visibleText } from '../../parts/plain.tsx'
import { useMe } from '../../queries/session.ts'
import { type DeedResult, useDeed } from './alert-queries.ts'
import { saidOf, whyNot } from './deeds.ts'
import { AssignDialog, NoteDialog, ResolveDialog } from './dialogs.tsx'
import { SilenceDialog } from './silences.tsx'

/** Dialogs that a deed may need. */
export type Question = 'resolve' | 'note' | 'assign' | 'silence'

/** Ways to do something to alerts. */
export interface Triage {
  /** Name of who is signed in, as it stands in the history. */
  readonly me: string
  readonly busy: boolean
  readonly simple: (deed: 'acknowledge' | 'start' | 'reopen', alerts: readonly AlertRow[]) => void
  readonly assignToMe: (alerts: readonly AlertRow[]) => void
  readonly giveBack: (alerts: readonly AlertRow[]) => void
  /** Opens a dialog. */
  readonly ask: (question: Question, alerts: readonly AlertRow[]) => void
}

interface Open {
  readonly question: Question
  readonly alerts: readonly AlertRow[]
}

/** Triage, and the dialog that is open because of it. */
export function useTriage(onDone: (results: readonly DeedResult[]) => void): [Triage, React.ReactNode] {
  const { name: me } = useMe()
  const { run, busy } = useDeed()
  const [open, setOpen] = useState<Open | null>(null)
  const close = () => setOpen(null)
  const act = async (alerts: readonly AlertRow[], deed: AlertDeed) => {
    close()
    const able = alerts.filter((alert) => whyNot(alert, deed.deed) === null)
    const [first] = alerts
    if (able.length === 0) {
      if (first !== undefined) notifications.show({ message: whyNot(first, deed.deed), color: 'gray' })
      return
    }
    const results = await run(able, deed)
    tellOf(results, deed)
    onDone(results)
  }
  const triage: Triage = {
    me,
    busy,
    simple: (deed, alerts) => void act(alerts, { deed }),
    assignToMe: (alerts) => void act(alerts, { deed: 'assign', assignee: me }),
    giveBack: (alerts) => void act(alerts, { deed: 'assign', assignee: null }),
    ask: (question, alerts) => {
      if (alerts.length > 0) setOpen({ question, alerts })
    },
  }
  return [triage, open === null ? null : dialogOf(open, close, (deed) => void act(open.alerts, deed))]
}

function dialogOf({ question, alerts }: Open, onClose: () => void, onDeed: (deed: AlertDeed) => void) {
  const [first] = alerts
  if (question === 'silence') return first === undefined ? null : <SilenceDialog alert={first} onClose={onClose} />
  const Dialog = { resolve: ResolveDialog, note: NoteDialog, assign: AssignDialog }[question]
  return <Dialog alerts={alerts} onClose={onClose} onDeed={onDeed} />
}

/** Says what was done, and, by itself and until it is read, what was refused and why. */
function tellOf(results: readonly DeedResult[], deed: AlertDeed): void {
  const done = results.filter(({ error }) => error === null)
  const refused = results.filter(({ error }) => error !== null)
  if (done.length > 0) {
    const [only] = done
    const message = done.length === 1 ? visibleText(only?.alert.title ?? '') : `${done.length} ${only?.alert.kind}s`
    notifications.show({ title: saidOf(deed), message, color: 'teal', autoClose: 2500 })
  }
  const reasons = new Map(refused.map(({ error }) => [error?.message ?? '', error?.hint ?? '']))
  for (const [message, hint] of reasons) {
    const many = refused.filter(({ error }) => error?.message === message).length
    notifications.show({
      title: many === 1 ? 'This was refused, and is as it was' : `${many} were refused, and are as they were`,
      message: visibleText(`${message} ${hint}`),
      color: 'red',
      autoClose: false,
    })
  }
}
