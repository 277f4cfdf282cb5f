/** How somebody who trusts nobody here checks all of it. */
import type { SealView } from '../../../../src/serve/shapes/operations.ts'
import { Panel } from '../../parts/panel.tsx'
import { Block } from './seal-facts.tsx'

/** For an argument between single quotes of a shell. */
const quoted = (text: string): string => `'${text.trim().replaceAll("'", "'\\''")}'`

/** What an auditor needs, and the command that checks it. */
export function ForAuditors({ seal }: { readonly seal: SealView }) {
  return (
    <Panel title="For auditors" note="You need not trust this page, nor the machine it comes from">
      <ol className="auditors">
        <li>
          Take the <strong>public key</strong> once, by another way than this page, and keep it.
        </li>
        <li>
          Take a <strong>checkpoint</strong> each week or month and keep it where nobody here can write. With it you can
          tell a log that was cut or put back from one that only grew.
        </li>
        <li>
          Copy the <strong>home</strong>, or have a period exported with{' '}
          <code>bricktrail prove --from 2026-10-01 --to 2026-12-31 --out quarter</code>.
        </li>
        <li>
          Check it on a machine of your own, with Bricktrail from a source you trust:
          <Block
            text={`npx bricktrail verify HOME --key ${quoted(seal.key)} --checkpoint kept-checkpoint`}
            label="Copy the command"
          />
        </li>
      </ol>
      <p className="auditors-note">
        Everything rests on open formats: SHA-256, Ed25519, RFC 6962 trees, C2SP checkpoints, tiles and proofs. The page{' '}
        <em>Verify as an auditor</em> of the documentation shows how to check it with coreutils and openssl alone. The
        proof of a single event is in its detail in the explorer.
      </p>
    </Panel>
  )
}
