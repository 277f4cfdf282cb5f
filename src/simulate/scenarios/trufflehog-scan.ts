/** A secret scanner walks the notebooks with a stolen token. */
import { HOSTILE, HOSTILE_AGENT } from '../account/hostile.ts'
import type { Scenario } from './contract.ts'

/** TruffleHog scan. */
export const trufflehogScan: Scenario = {
  id: 'trufflehog-scan',
  title: 'TruffleHog walks the workspace',
  expect: 'The user agent names TruffleHog, from a public address.',
  techniques: ['T1552', 'T1213', 'T1526'],
  rules: ['trufflehog-from-public-address'],
  play({ account, random, at, person, intrude }) {
    const victim = person('scientist')
    const thread = intrude(victim, at(21.4), HOSTILE.hostingUs, HOSTILE_AGENT.trufflehog)
    const login = { user: victim.email, tokenId: random.hex(32), authenticationMethod: 'API_EXT_PAT_TOKEN' }
    thread.log('accounts', 'tokenLogin', login)
    for (const notebook of random.sample(account.notebooks, 18)) {
      thread.wait(0.5, 3).log('workspace', 'workspaceExport', {
        workspaceExportFormat: 'SOURCE',
        notebookFullPath: notebook.path,
        workspaceExportDirectDownload: 'false',
      })
    }
  },
}
