/** Machine learning: experiments, models, features, serving, vector search. */
import { serviceNamed } from '../account/account.ts'
import { created } from '../event.ts'
import { serviceSession } from '../sessions.ts'
import type { Thread } from '../thread.ts'
import type { Routine, Work } from './contract.ts'

const MODELS = ['demand_forecast', 'recommend_ranker', 'churn_score', 'price_elasticity', 'returns_risk']

const experiment: Work = {
  id: 'mlflow-experiment',
  roles: { scientist: 4 },
  play(thread, { person }) {
    const { random } = thread
    const experimentId = random.digits(15)
    const experimentName = `${random.pick(MODELS)}_${random.int(1, 40)}`
    const path = `/Users/${person.email}/${experimentName}`
    if (random.chance(0.4))
      thread.log('mlflowExperiment', 'createMlflowExperiment', { experimentId, path, experimentName })
    const runId = random.hex(16)
    const artifactLocation = `dbfs:/databricks/mlflow-tracking/${experimentId}/${runId}/artifacts`
    for (let i = random.int(1, 5); i > 0; i--) {
      thread.wait(5, 120).log('mlflowAcledArtifact', random.pick(['readArtifact', 'writeArtifact']), {
        artifactLocation,
        experimentId,
        runId,
      })
    }
    if (random.chance(0.05))
      thread.log('mlflowExperiment', 'renameMlflowExperiment', {
        oldName: experimentName,
        newName: `${experimentName}_v2`,
        experimentId,
        parentPath: `/Users/${person.email}`,
      })
    if (random.chance(0.05))
      thread.log('mlflowExperiment', 'moveMlflowExperiment', {
        newPath: '/Shared/experiments',
        experimentId,
        oldPath: path,
      })
    if (random.chance(0.05))
      thread.log('mlflowExperiment', 'deleteMlflowExperiment', { experimentId, path, experimentName })
  },
}

const register: Work = {
  id: 'model-register',
  roles: { scientist: 1.2 },
  play(thread) {
    const { random } = thread
    const name = random.pick(MODELS)
    const version = String(random.int(1, 60))
    const run_id = random.hex(16)
    const source = `dbfs:/databricks/mlflow-tracking/${run_id}/model`
    if (random.chance(0.6)) registerInCatalog(thread, name, version, source)
    else registerInWorkspace(thread, name, version, source, run_id)
  },
}

function registerInCatalog(thread: Thread, name: string, version: string, source: string): void {
  const { random } = thread
  const full_name_arg = `ml.features.${name}`
  const place = { catalog_name: 'ml', schema_name: 'features' }
  thread.uc('listRegisteredModels', { ...place, max_results: '100', page_token: '' })
  thread.uc('getRegisteredModel', { full_name_arg })
  thread.uc('createModelVersion', { ...place, model_name: name, source, comment: '' })
  thread.uc('generateTemporaryModelVersionCredential', {
    full_name_arg,
    version_arg: version,
    operation: 'MODEL_VERSION_READ_WRITE',
    model_full_name: full_name_arg,
    model_version: version,
  })
  thread.uc('finalizeModelVersion', { full_name_arg, version_arg: version })
  if (random.chance(0.3)) thread.uc('setRegisteredModelAlias', { full_name_arg, alias_arg: 'challenger', version })
  if (random.chance(0.1)) thread.uc('createRegisteredModel', { name: `${name}_b`, ...place, owner: '', comment: '' })
}

function registerInWorkspace(thread: Thread, name: string, version: string, source: string, run_id: string): void {
  const { random } = thread
  const model = { name, version }
  const staging = { ...model, stage: 'Staging' }
  thread.log('modelRegistry', 'createModelVersion', { name, source, run_id, tags: '[]', run_link: '' })
  thread.log('modelRegistry', 'setModelVersionTag', { ...model, key: 'stage', value: 'candidate' })
  if (random.chance(0.3)) thread.log('modelRegistry', 'createTransitionRequest', staging)
  if (random.chance(0.3)) {
    thread.log('modelRegistry', 'transitionModelVersionStage', { ...staging, archive_existing_versions: 'false' })
  }
  if (random.chance(0.3)) thread.log('modelRegistry', 'createComment', model)
  if (random.chance(0.3)) thread.log('modelRegistry', 'listModelArtifacts', { ...model, path: '', page_token: '' })
  if (random.chance(0.1)) thread.log('modelRegistry', 'createRegisteredModel', { name: `${name}_legacy`, tags: '[]' })
  if (random.chance(0.05)) {
    thread.log('modelRegistry', 'approveTransitionRequest', { ...staging, archive_existing_versions: 'true' })
  }
}

const features: Work = {
  id: 'feature-store',
  roles: { scientist: 1.2 },
  play(thread) {
    const { random } = thread
    const feature_table = `ml.features.${random.pick(['store_features', 'basket_features', 'click_features'])}`
    thread.log('featureStore', 'searchFeatureTables', { max_results: '50', page_token: '', text: '' })
    thread.log('featureStore', 'getFeatureTable', { name: feature_table })
    thread.log('featureStore', 'getFeatures', { feature_table, max_results: '100' })
    if (random.chance(0.3))
      thread.log('featureStore', 'addConsumer', {
        features: '["avg_basket"]',
        job_run: '',
        notebook: random.digits(16),
      })
    if (random.chance(0.2))
      thread.log('featureStore', 'addProducer', { feature_table, job_run: random.digits(12), notebook: '' })
    if (random.chance(0.1))
      thread.log('featureStore', 'createFeatureTable', {
        name: `${feature_table}_v2`,
        description: '',
        partition_keys: '[]',
        primary_keys: '["store_id"]',
        timestamp_keys: '["day"]',
      })
    if (random.chance(0.1))
      thread.log('featureStore', 'setTags', { feature_table_id: random.hex(16), tags: '[{"key":"team","value":"ml"}]' })
  },
}

const serving: Work = {
  id: 'model-serving',
  roles: { scientist: 0.6, engineer: 0.2 },
  play(thread, { account }) {
    const { random } = thread
    const name = random.pick(account.endpoints)
    thread.log('serverlessRealTimeInference', 'getQuerySchemaPreview', { endpoint_name: name })
    if (random.chance(0.3))
      thread.log('serverlessRealTimeInference', 'updateServingEndpoint', {
        name,
        served_models: `[{"model_name":"ml.features.${random.pick(MODELS)}","model_version":"7","workload_size":"Small"}]`,
        traffic_config: '{"routes":[{"served_model_name":"a","traffic_percentage":100}]}',
      })
    if (random.chance(0.05))
      thread.log('serverlessRealTimeInference', 'createServingEndpoint', {
        name: `${name}-canary`,
        config: '{"served_entities":[{"entity_name":"ml.features.churn_score","entity_version":"3"}]}',
      })
    if (random.chance(0.05))
      thread.log('serverlessRealTimeInference', 'changeInferenceEndpointAcl', {
        shardName: 'nvirginia-prod',
        targetUserId: random.pick(account.people).userId,
        resourceId: random.hex(16),
        aclPermissionSet: 'Query',
      })
  },
}

const search: Routine = {
  id: 'vector-search',
  perDay: 60,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-store-app'), account.prod, random))
    const index = {
      name: 'ml.features.product_index',
      endpoint_name: 'product-search',
      index_name: 'ml.features.product_index',
    }
    thread.log('vectorSearch', 'queryVectorIndex', index)
    if (random.chance(0.1)) thread.log('vectorSearch', 'queryVectorIndexNextPage', { name: index.name })
    if (random.chance(0.1)) thread.log('vectorSearch', 'upsertDataVectorIndex', { name: index.name })
    if (random.chance(0.01))
      thread.log('vectorSearch', 'createVectorIndex', {
        name: 'ml.features.faq_index',
        endpoint_name: 'product-search',
        primary_key: 'id',
        index_type: 'DELTA_SYNC',
        delta_sync_index_spec: '{"source_table":"ml.features.product_embeddings"}',
      })
  },
}

const servingPull: Routine = {
  id: 'serving-pull',
  perDay: 12,
  hours: 'any',
  play({ account, random, start }) {
    const thread = start(serviceSession(serviceNamed(account, 'sp-serving-recommend'), account.prod, random))
    const full_name_arg = `ml.features.${random.pick(MODELS)}`
    thread.uc('getModelVersionByAlias', { full_name_arg, include_aliases: 'true', alias_arg: 'champion' })
    thread.uc('getModelVersion', { full_name_arg, version_arg: '12' })
    thread.uc(
      'generateTemporaryModelVersionCredential',
      {
        full_name_arg,
        version_arg: '12',
        operation: 'MODEL_VERSION_READ',
        model_full_name: full_name_arg,
        model_version: '12',
      },
      created({ expiration_time: thread.timeMs + 3_600_000 }),
    )
  },
}

/** Works of this file. */
export const LEARNING_WORKS: readonly Work[] = [experiment, register, features, serving]

/** Routines of this file. */
export const LEARNING_ROUTINES: readonly Routine[] = [search, servingPull]
