/** Folders, files, notebooks and repositories: making, moving, sharing, importing, exporting. */
import type { Notebook } from '../account/objects.ts'
import { created } from '../event.ts'
import type { Thread } from '../thread.ts'
import type { Desk, Work } from './contract.ts'

const tidy: Work = {
  id: 'notebook-tidy',
  roles: { engineer: 1.5, scientist: 2, analyst: 0.6, contractor: 1 },
  play(thread, desk) {
    const { random } = thread
    const notebook = random.pick(desk.notebooks) as Notebook
    const folder = notebook.path.replace(/\/[^/]+$/, '')
    const { id: notebookId, path } = notebook
    switch (random.int(0, 6)) {
      case 0:
        thread.log('notebook', 'createNotebook', {
          notebookId: random.digits(16),
          path: `${folder}/untitled_${random.int(1, 99)}`,
        })
        break
      case 1:
        thread.log('notebook', 'cloneNotebook', {
          notebookId,
          path,
          clonedNotebookId: random.digits(16),
          destinationPath: `${path}_copy`,
        })
        break
      case 2:
        thread.log('notebook', 'renameNotebook', { newName: 'final', oldName: 'draft', parentPath: folder, notebookId })
        break
      case 3:
        thread.log('notebook', 'moveNotebook', { newPath: `${folder}/archive/old`, oldPath: path, notebookId })
        break
      case 4:
        thread.log('notebook', 'createFolder', { path: `${folder}/archive` })
        break
      case 5:
        thread.log('notebook', 'takeNotebookSnapshot', { path })
        break
      default:
        thread.log('notebook', 'deleteNotebook', {
          notebookId: random.digits(16),
          notebookName: 'scratch',
          path: `${folder}/scratch`,
        })
    }
    if (random.chance(0.2)) shareNotebook(thread, desk, notebookId)
    if (random.chance(0.1))
      thread.log('notebook', 'importNotebook', { path: `${folder}/imported`, workspaceExportFormat: 'SOURCE' })
  },
}

function shareNotebook(thread: Thread, { account }: Desk, notebookId: string): void {
  const colleague = thread.random.pick(account.people)
  thread.log('workspace', 'changeWorkspaceAcl', {
    shardName: 'nvirginia-prod',
    targetUserId: colleague.userId,
    aclPermissionSet: thread.random.pick(['Run', 'Read', 'Edit', '']),
    resourceId: `notebook/${notebookId}`,
    aclChangeResourceName: `notebooks/${notebookId}`,
  })
}

const files: Work = {
  id: 'workspace-files',
  roles: { engineer: 2, scientist: 1.5, contractor: 1 },
  play(thread, { person }) {
    const { random } = thread
    const path = `/Workspace/Users/${person.email}/project/${random.pick(['main.py', 'config.yaml', 'utils.py', 'README.md'])}`
    thread.log('workspace', 'fileEditorOpenEvent', { notebookId: random.digits(16), path })
    for (let i = random.int(2, 6); i > 0; i--) {
      thread
        .wait(1, 30)
        .log('workspaceFiles', random.pick(['wsfsStreamingRead', 'wsfsStreamingRead', 'wsfsStreamingWrite']), { path })
    }
    if (random.chance(0.25)) thread.log('workspace', 'fileCreate', { path: `${path}.new` })
    if (random.chance(0.08)) thread.log('workspaceFiles', 'wsfsImportFile', { path })
    if (random.chance(0.08)) thread.log('workspace', 'renameWorkspaceNode', { path, destinationPath: `${path}.bak` })
    if (random.chance(0.08)) thread.log('workspace', 'moveWorkspaceNode', { path, destinationPath: `${path}.moved` })
    if (random.chance(0.05)) thread.log('workspace', 'fileDelete', { path: `${path}.bak` })
  },
}

const exporting: Work = {
  id: 'notebook-export',
  roles: { engineer: 0.2, scientist: 0.2, analyst: 0.1 },
  play(thread, { notebooks }) {
    const notebook = thread.random.pick(notebooks) as Notebook
    const workspaceExportFormat = thread.random.pick(['SOURCE', 'SOURCE', 'HTML'])
    thread.log('workspace', 'workspaceExport', {
      workspaceExportFormat,
      notebookFullPath: notebook.path,
      workspaceExportDirectDownload: 'true',
    })
    if (thread.random.chance(0.4)) {
      thread.log('notebook', 'downloadPreviewResults', { notebookId: notebook.id, notebookFullPath: notebook.path })
    }
  },
}

const repository: Work = {
  id: 'repos',
  roles: { engineer: 3, scientist: 2, contractor: 1.5 },
  play(thread, { person }) {
    const { random } = thread
    const id = random.digits(15)
    const path_prefix = `/Repos/${person.email}`
    thread.log('repos', 'listRepos', { path_prefix, next_page_token: '' })
    if (random.chance(0.05)) {
      const url = 'https://github.com/halden-retail/data-platform.git'
      thread.log(
        'repos',
        'createRepo',
        { url, provider: 'gitHub', path: `${path_prefix}/data-platform` },
        created({ id: Number(id.slice(0, 12)) }),
      )
    }
    thread.log('repos', 'getRepo', { id })
    if (random.chance(0.6)) thread.wait(1, 8).log('repos', 'pull', { id })
    if (random.chance(0.4))
      thread.wait(2, 60).log('repos', 'checkoutBranch', {
        id,
        branch: `feature/${random.pick(['margin', 'dedupe', 'kpi', 'fix-nulls'])}-${random.int(100, 999)}`,
      })
    if (random.chance(0.4)) {
      const message = random.pick(['fix join', 'add tests', 'tune partitioning', 'rename columns', 'wip'])
      thread
        .wait(300, 1500)
        .log('repos', 'commitAndPush', { id, message, files: '["jobs/main.py"]', checkSensitiveToken: 'true' })
    }
    if (random.chance(0.05)) thread.log('repos', 'discard', { id, file_paths: '["jobs/main.py"]' })
    if (random.chance(0.06))
      thread.log('repos', 'updateRepo', { id, branch: 'main', git_url: '', git_provider: 'gitHub' })
    if (random.chance(0.04)) thread.log('gitCredentials', 'listGitCredentials', {})
    if (random.chance(0.02)) thread.log('gitCredentials', 'getGitCredential', { id: random.digits(12) })
    if (random.chance(0.01)) thread.log('RemoteHistoryService', 'updateUserGitHubCredentials', {})
  },
}

/** Works of this file. */
export const WORKSPACE_WORKS: readonly Work[] = [tidy, files, exporting, repository]
