/** Code pushed to somebody else's repository. */
import type { Notebook } from '../account/objects.ts'
import { created } from '../event.ts'
import type { Scenario } from './contract.ts'

/** Exfiltration through Git. */
export const gitExfil: Scenario = {
  id: 'git-exfil',
  title: 'New Git credential, foreign repository, code pushed to it',
  expect: 'createGitCredential and createRepo with a URL outside the company, then commitAndPush.',
  techniques: ['T1567.001'],
  rules: ['new-git-account-then-push'],
  play({ account, random, at, person, sit }) {
    const leaver = person('engineer')
    const thread = sit(leaver, at(17.6), account.dev)
    const id = random.digits(12)
    thread.log('gitCredentials', 'createGitCredential', { git_provider: 'gitLab', git_username: 'zx-archive' })
    const url = 'https://gitlab.com/zx-archive/keep.git'
    thread
      .wait(20, 60)
      .log(
        'repos',
        'createRepo',
        { url, provider: 'gitLab', path: `/Repos/${leaver.email}/keep` },
        created({ id: Number(id) }),
      )
    for (let i = 0; i < 4; i++) {
      const files = JSON.stringify(random.sample(account.notebooks, 9).map(({ path }: Notebook) => path))
      thread.wait(40, 120).log('repos', 'commitAndPush', { id, message: 'sync', files, checkSensitiveToken: 'false' })
    }
  },
}
