/** A serving endpoint that forwards prompts to a stranger's server. */
import type { Scenario } from './contract.ts'

/** Serving endpoint with an external provider. */
export const servingToOutside: Scenario = {
  id: 'serving-to-outside',
  title: 'Serving endpoint forwards to an unknown external provider',
  expect: 'createServingEndpoint with an external_model whose base URL is outside the company.',
  techniques: ['T1567', 'T1090'],
  rules: ['serving-endpoint-to-unknown-provider'],
  play({ at, person, sit }) {
    sit(person('scientist'), at(14.3)).log('serverlessRealTimeInference', 'createServingEndpoint', {
      name: 'chat-helper',
      config:
        '{"served_entities":[{"external_model":{"name":"gpt-x","provider":"openai","task":"llm/v1/chat","openai_config":{"openai_api_base":"https://llm.zx-archive.example/v1","openai_api_key":"{{secrets/ml/openai-endpoint-key}}"}}}]}',
    })
  },
}
