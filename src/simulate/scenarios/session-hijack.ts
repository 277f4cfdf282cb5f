/** A stolen session cookie: one session id, two addresses, two browsers. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import { signIn } from '../sessions.ts'
import type { Scenario } from './contract.ts'

/** Session hijacking. */
export const sessionHijack: Scenario = {
  id: 'session-hijack',
  title: 'One session used from two addresses and two browsers',
  expect: 'A session id appears with a second public address and user agent while still in use.',
  techniques: ['T1539', 'T1550.004'],
  rules: ['session-in-two-browsers'],
  play({ account, at, person, sit, open }) {
    const victim = person('scientist')
    const own = sit(victim, at(13 - victim.site.utcOffset))
    signIn(own, account, victim.email)
    own.wait(60, 200).log('mlflowAcledArtifact', 'readArtifact', {
      artifactLocation: 'dbfs:/databricks/mlflow-tracking/1/2/artifacts',
      experimentId: '1',
      runId: '2',
    })
    const thief = open({ ...own.session, ip: HOSTILE.relay, userAgent: HOSTILE_AGENT.linux }, own.timeMs + 300_000)
    for (const notebook of account.notebooks.slice(0, 6)) {
      thief.wait(5, 25).log('notebook', 'openNotebook', { notebookId: notebook.id, path: notebook.path })
    }
    own.wait(400, 600).log('mlflowAcledArtifact', 'readArtifact', {
      artifactLocation: 'dbfs:/databricks/mlflow-tracking/1/2/artifacts',
      experimentId: '1',
      runId: '2',
    })
  },
}
