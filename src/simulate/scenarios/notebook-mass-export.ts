/** Somebody leaves and takes the notebooks along. */
import type { Scenario } from './contract.ts'

/** Mass export of notebooks. */
export const notebookMassExport: Scenario = {
  id: 'notebook-mass-export',
  title: 'Dozens of notebooks exported and results downloaded',
  expect: 'More workspaceExport and download events by one user within an hour than anybody ordinarily makes.',
  techniques: ['T1567', 'T1213'],
  rules: ['notebooks-exported-in-bulk', 'many-downloads-by-one-person'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('contractor'), at(17.9))
    for (const notebook of random.sample(account.notebooks, 44)) {
      thread.wait(8, 45).log('workspace', 'workspaceExport', {
        workspaceExportFormat: random.pick(['DBC', 'HTML', 'JUPYTER']),
        notebookFullPath: notebook.path,
        workspaceExportDirectDownload: 'true',
      })
      if (random.chance(0.3)) {
        const params = { notebookId: notebook.id, notebookFullPath: notebook.path }
        thread.log('notebook', 'downloadLargeResults', params)
      }
    }
  },
}
