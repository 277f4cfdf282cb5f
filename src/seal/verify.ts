/**
 * `bricktrail/verify`: checks a sealed home, an exported period or a proof with nothing but its files and a public key. What it
 * imports opens no database and no network.
 */
export { type VerifyBundleOptions, verifyBundle } from './verify/bundle.ts'
export type { RowsOf } from './verify/content.ts'
export { type FolderKind, folderKind, isBundle } from './verify/folder-kind.ts'
export { type VerifyHomeOptions, verifyHome } from './verify/home.ts'
export type { GivenNote } from './verify/note-book.ts'
export { type ProofReport, type ProvenRow, type VerifyProofOptions, verifyProof } from './verify/proof.ts'
export type { Checked, Finding, FindingKind, Report, VerifiedLog } from './verify/report.ts'
