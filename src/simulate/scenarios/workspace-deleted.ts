/** A workspace and its network deleted. */
import type { Scenario } from './contract.ts'

/** Workspace deleted. */
export const workspaceDeleted: Scenario = {
  id: 'workspace-deleted',
  title: 'Workspace, storage and network configuration deleted',
  expect: 'accountsManager.deleteWorkspaceConfiguration, then its storage and network.',
  techniques: ['T1485', 'T1489'],
  rules: ['workspace-deleted', 'workspace-and-its-foundation-deleted'],
  accountLevel: true,
  play({ account, random, at, person, sit }) {
    const thread = sit(person('admin'), at(21.2))
    const account_id = account.accountId
    const workspace_id = random.digits(15)
    thread.account('accountsManager', 'deleteWorkspaceConfiguration', { account_id, workspace_id })
    thread
      .wait(20, 60)
      .account('accountsManager', 'deleteStorageConfiguration', { account_id, storage_configuration_id: random.uuid() })
    thread
      .wait(20, 60)
      .account('accountsManager', 'deleteNetworkConfiguration', { account_id, network_id: random.uuid() })
  },
}
