/**
 * A witness as a process that tests can kill: `node server.fixture.ts FOLDER VKEY [die]`. It prints its address; with `die` it
 * kills itself after it has remembered a checkpoint and before it answers.
 */
import { openWitnessFolder } from './folder.ts'
import { logKey } from './policy.ts'
import { listen, witnessServer } from './server.ts'
import { Witness } from './witness.ts'

const [folder = '', vkey = '', die] = process.argv.slice(2)
const { signer, memory } = await openWitnessFolder(folder, 'witness.example/killed')
const witness = new Witness({
  signer,
  memory,
  logs: [logKey(vkey)],
  now: () => new Date(),
  onEvent: ({ kind }) => {
    if (die === 'die' && kind === 'signed') process.kill(process.pid, 'SIGKILL')
  },
})
process.stdout.write(`${await listen(witnessServer(witness), '127.0.0.1', 0)}\n`)
