/** Files: volumes, DBFS, uploads, external paths. */
import { serviceNamed } from '../account/account.ts'
import type { Volume } from '../account/data.ts'
import { serviceSession } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine, Work } from './contract.ts'

/** A temporary credential for a volume's files. */
export function vendVolume(thread: Thread, volume: Volume, operation: 'READ_VOLUME' | 'WRITE_VOLUME'): void {
  thread.uc('generateTemporaryVolumeCredential', {
    volume_id: volume.id,
    volume_full_name: volume.full,
    operation,
    volume_storage_location: volume.url,
    credential_id: volume.id.replace(/^.{8}/, '5c3be1a0'),
  })
}

const upload: Work = {
  id: 'volume-files',
  roles: { engineer: 1, scientist: 1, analyst: 0.6, finance: 0.5 },
  play(thread, { account }) {
    const { random } = thread
    const volume = random.pickEarly(
      account.data.volumes.filter((candidate) => !/customer|finance/.test(candidate.full)),
    )
    thread.uc('getVolume', { volume_full_name: volume.full })
    vendVolume(thread, volume, 'WRITE_VOLUME')
    const path = `/Volumes/${volume.full.replaceAll('.', '/')}/${random.pick(['stores.csv', 'lookup.xlsx', 'notes.json'])}`
    thread.log('filesystem', 'filesPut', { path, receivedSize: String(random.int(900, 4_000_000)) })
    thread.log('filesystem', 'filesHead', { path })
    if (random.chance(0.3))
      thread.log('filesystem', 'filesGet', { path, transferredSize: String(random.int(900, 4_000_000)) })
    if (random.chance(0.1)) thread.log('filesystem', 'filesDelete', { path })
    if (random.chance(0.3))
      thread.log('ingestion', 'proxyFileUpload', {
        'x-databricks-content-length-0': String(random.int(900, 900_000)),
        'x-databricks-total-files': '1',
      })
    if (random.chance(0.02))
      thread.uc('createVolume', {
        name: 'drop',
        catalog_name: 'sandbox',
        schema_name: 'shared',
        volume_type: 'MANAGED',
        comment: '',
      })
  },
}

const dbfs: Routine = {
  id: 'dbfs-jars',
  perDay: 6,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-ci-deploy'), account.dev, random))
    const path = `/FileStore/jars/etl-${random.int(100, 140)}.jar`
    const handle = random.digits(12)
    thread.log('dbfs', 'mkdirs', { path: '/FileStore/jars' })
    thread.log('dbfs', 'create', { path, bufferSize: '1048576', overwrite: 'true' })
    thread.log('dbfs', 'addBlock', { handle, data_length: '1048576' })
    if (random.chance(0.3)) thread.log('dbfs', 'put', { path: '/FileStore/jars/latest.txt', overwrite: 'true' })
    if (random.chance(0.1)) thread.log('dbfs', 'move', { source_path: path, destination_path: `${path}.old` })
    if (random.chance(0.1)) thread.log('dbfs', 'delete', { path: `${path}.old`, recursive: 'false' })
  },
}

const landing: Routine = {
  id: 'landing-ingest',
  perDay: 60,
  hours: 'any',
  play({ account, random, start }) {
    const service = serviceNamed(account, random.pick(['sp-fivetran', 'sp-etl-orders', 'sp-etl-finance']))
    const thread = start(serviceSession(service, account.prod, random))
    const own = service.name === 'sp-etl-finance' ? 'finance.ledger.statements' : 'main.sales.landing_files'
    vendVolume(thread, account.data.volumes.find(({ full }) => full === own) as Volume, 'READ_VOLUME')
    const url = `s3://halden-landing/${service.name.slice(3)}/${random.int(1, 28)}/`
    thread.uc('generateTemporaryPathCredential', { url, operation: 'PATH_READ', make_path_only_parent: 'false' })
    if (random.chance(0.1)) thread.uc('checkPathAccess', { path: url, fallback_enabled: 'false' })
    if (random.chance(0.1))
      thread.uc('generateTemporaryServiceCredential', { credential_id: random.uuid(), credential_name: 'queue-reader' })
  },
}

/** Works of this file. */
export const FILE_WORKS: readonly Work[] = [upload]

/** Routines of this file. */
export const FILE_ROUTINES: readonly Routine[] = [dbfs, landing]
