/** Several protections of the workspace switched off in one request, values in mixed case. */
import type { Scenario } from './contract.ts'

/** Workspace protections lowered. */
export const guardrailsLowered: Scenario = {
  id: 'guardrails-lowered',
  title: 'Several workspace protections lowered in one edit',
  expect: 'workspaceConfEdit with several keys at once, among them enableIpAccessLists False.',
  techniques: ['T1562.001', 'T1484'],
  rules: ['several-protections-lowered-at-once', 'ip-access-lists-not-enforced'],
  play({ account, at, person, sit }) {
    sit(person('admin'), at(18.9), account.dev).log('workspace', 'workspaceConfEdit', {
      workspaceConfKeys: 'enableIpAccessLists,enableResultsDownloading,enableExportNotebook,maxTokenLifetimeDays',
      workspaceConfValues: 'False,True,True,730',
    })
  },
}
