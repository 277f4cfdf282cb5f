/** Models downloaded, version by version. */
import type { Scenario } from './contract.ts'

/** Model download. */
export const modelTheft: Scenario = {
  id: 'model-theft',
  title: 'Registered models downloaded by a contractor',
  expect: 'getModelVersionDownloadUri and signed URIs for many models by somebody who never used them.',
  techniques: ['T1213', 'T1567'],
  rules: ['many-models-downloaded'],
  play({ at, person, sit }) {
    const thread = sit(person('contractor'), at(18.2))
    for (const name of ['demand_forecast', 'recommend_ranker', 'churn_score', 'price_elasticity', 'returns_risk']) {
      for (const version of ['6', '7']) {
        thread.wait(5, 30).log('modelRegistry', 'getModelVersionDownloadUri', { name, version })
        thread.log('modelRegistry', 'getModelVersionSignedDownloadUri', { name, version, path: 'model.pkl' })
      }
      const model = { full_name_arg: `ml.features.${name}`, version_arg: '12', operation: 'MODEL_VERSION_READ' }
      thread.uc('generateTemporaryModelVersionCredential', {
        ...model,
        model_full_name: model.full_name_arg,
        model_version: '12',
      })
    }
  },
}
