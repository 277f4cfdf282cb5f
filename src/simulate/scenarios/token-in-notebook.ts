/** A token typed into a notebook, where everybody with the log can read it. The token is made up. */
import type { Scenario } from './contract.ts'

/** Credential in command text. */
export const tokenInNotebook: Scenario = {
  id: 'token-in-notebook',
  title: 'Access token typed into a notebook command',
  expect: 'A runCommand text holds a Databricks token; the stored text must not.',
  techniques: ['T1552.001'],
  rules: ['credential-written-in-command'],
  play({ account, random, at, person, sit }) {
    const author = person('scientist')
    const thread = sit(author, at(12.5), account.dev)
    thread.log('notebook', 'runCommand', {
      notebookId: random.digits(16),
      executionTime: '0.412',
      status: 'finished',
      commandId: `${random.digits(15)}_${random.digits(16)}_${random.hex(16)}`,
      commandText: `import requests\nr = requests.get("https://${account.prod.host}/api/2.0/jobs/list", headers={"Authorization": "Bearer dapi${random.hex(16)}"})`,
      commandLanguage: 'python',
    })
  },
}
