/** Every scenario, in the order labels list them. A test compares this list with the folder. */
import { accountAdminGranted } from './account-admin-granted.ts'
import { accountLockout } from './account-lockout.ts'
import { appOpenedToAll } from './app-opened-to-all.ts'
import { bruteForceLogin } from './brute-force-login.ts'
import { catalogProbing } from './catalog-probing.ts'
import { cleanRoomMisuse } from './clean-room-misuse.ts'
import type { Scenario } from './contract.ts'
import { copyIntoCredentials } from './copy-into-credentials.ts'
import { cryptoMiningClusters } from './crypto-mining-clusters.ts'
import { dashboardPublishedToAll } from './dashboard-published-to-all.ts'
import { deniedDataRequests } from './denied-data-requests.ts'
import { dormantAccountRevived } from './dormant-account-revived.ts'
import { embargoedCountryLogin } from './embargoed-country-login.ts'
import { externalLocationExfil } from './external-location-exfil.ts'
import { federationPolicyBackdoor } from './federation-policy-backdoor.ts'
import { foreignBucketMounted } from './foreign-bucket-mounted.ts'
import { genieExfil } from './genie-exfil.ts'
import { gitExfil } from './git-exfil.ts'
import { globalInitScript } from './global-init-script.ts'
import { guardrailsLowered } from './guardrails-lowered.ts'
import { impossibleTravel } from './impossible-travel.ts'
import { ipAccessListDeleted } from './ip-access-list-deleted.ts'
import { ipDeniedBurst } from './ip-denied-burst.ts'
import { jobRunAsAdmin } from './job-run-as-admin.ts'
import { leaverStillActive } from './leaver-still-active.ts'
import { libraryOnAllClusters } from './library-on-all-clusters.ts'
import { logDeliveryDisabled } from './log-delivery-disabled.ts'
import { massTableDrop } from './mass-table-drop.ts'
import { metadataServiceTheft } from './metadata-service-theft.ts'
import { metastoreOwnerChanged } from './metastore-owner-changed.ts'
import { mfaRemoved } from './mfa-removed.ts'
import { modelTheft } from './model-theft.ts'
import { noIsolationCluster } from './no-isolation-cluster.ts'
import { nodeCompromise } from './node-compromise.ts'
import { notebookMassExport } from './notebook-mass-export.ts'
import { offHoursPiiRead } from './off-hours-pii-read.ts'
import { passwordSpraying } from './password-spraying.ts'
import { permissionSpree } from './permission-spree.ts'
import { queryMassDownload } from './query-mass-download.ts'
import { recipientTokenForever } from './recipient-token-forever.ts'
import { secretsSweep } from './secrets-sweep.ts'
import { selfGrantReadRevoke } from './self-grant-read-revoke.ts'
import { servicePrincipalSecret } from './service-principal-secret.ts'
import { servingToOutside } from './serving-to-outside.ts'
import { sessionHijack } from './session-hijack.ts'
import { shareToStranger } from './share-to-stranger.ts'
import { sharingTokenStolen } from './sharing-token-stolen.ts'
import { ssoConfigChanged } from './sso-config-changed.ts'
import { supportAccessEnabled } from './support-access-enabled.ts'
import { tagRemovedThenRead } from './tag-removed-then-read.ts'
import { tokenFromNewAsn } from './token-from-new-asn.ts'
import { tokenInNotebook } from './token-in-notebook.ts'
import { tokenWithoutExpiry } from './token-without-expiry.ts'
import { trufflehogScan } from './trufflehog-scan.ts'
import { verboseLoggingOff } from './verbose-logging-off.ts'
import { workspaceAdminsJoined } from './workspace-admins-joined.ts'
import { workspaceDeleted } from './workspace-deleted.ts'

/** The scenarios. */
export const ALL_SCENARIOS: readonly Scenario[] = [
  accountAdminGranted,
  accountLockout,
  appOpenedToAll,
  bruteForceLogin,
  catalogProbing,
  cleanRoomMisuse,
  copyIntoCredentials,
  cryptoMiningClusters,
  dashboardPublishedToAll,
  deniedDataRequests,
  dormantAccountRevived,
  embargoedCountryLogin,
  externalLocationExfil,
  federationPolicyBackdoor,
  foreignBucketMounted,
  genieExfil,
  gitExfil,
  globalInitScript,
  guardrailsLowered,
  impossibleTravel,
  ipAccessListDeleted,
  ipDeniedBurst,
  jobRunAsAdmin,
  leaverStillActive,
  libraryOnAllClusters,
  logDeliveryDisabled,
  massTableDrop,
  metadataServiceTheft,
  metastoreOwnerChanged,
  mfaRemoved,
  modelTheft,
  noIsolationCluster,
  nodeCompromise,
  notebookMassExport,
  offHoursPiiRead,
  passwordSpraying,
  permissionSpree,
  queryMassDownload,
  recipientTokenForever,
  secretsSweep,
  selfGrantReadRevoke,
  servicePrincipalSecret,
  servingToOutside,
  sessionHijack,
  shareToStranger,
  sharingTokenStolen,
  ssoConfigChanged,
  supportAccessEnabled,
  tagRemovedThenRead,
  tokenFromNewAsn,
  tokenInNotebook,
  tokenWithoutExpiry,
  trufflehogScan,
  verboseLoggingOff,
  workspaceAdminsJoined,
  workspaceDeleted,
]
