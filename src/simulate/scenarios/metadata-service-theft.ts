/** A notebook asks the cloud's metadata service for the machine's keys. */
import type { Scenario } from './contract.ts'

/** Instance credentials stolen from a notebook. */
export const metadataServiceTheft: Scenario = {
  id: 'metadata-service-theft',
  title: 'Notebook reads instance credentials from the metadata service',
  expect: 'runCommand text calls 169.254.169.254 and prints the environment.',
  techniques: ['T1552.005', 'T1059.004'],
  rules: ['cloud-metadata-asked-for-keys'],
  play({ account, random, at, person, sit }) {
    const thread = sit(person('contractor'), at(12.9), account.dev)
    const notebookId = random.digits(16)
    for (const commandText of [
      '%sh env | sort',
      '%sh curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/',
      '%sh curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/node-role | base64',
    ]) {
      thread.wait(10, 60).log('notebook', 'runCommand', {
        notebookId,
        executionTime: '0.210',
        status: 'finished',
        commandId: `${random.digits(15)}_${random.digits(16)}_${random.hex(16)}`,
        commandText,
        commandLanguage: 'python',
      })
    }
  },
}
