/** A federation policy lets a stranger's tokens act as a service principal. */
import { serviceNamed } from '../account/account.ts'
import type { Scenario } from './contract.ts'

/** Federation policy with a foreign issuer. */
export const federationPolicyBackdoor: Scenario = {
  id: 'federation-policy-backdoor',
  title: 'Federation policy for a service principal trusts a foreign issuer',
  expect: 'oauth2.createServicePrincipalFederationPolicy names an issuer outside the company.',
  techniques: ['T1484.002', 'T1098.001'],
  rules: ['federation-policy-with-unknown-issuer'],
  accountLevel: true,
  play({ account, at, person, sit }) {
    const robot = serviceNamed(account, 'sp-ci-deploy')
    sit(person('admin'), at(9.9)).account('oauth2', 'createServicePrincipalFederationPolicy', {
      service_principal_id: robot.userId,
      policy:
        '{"oidc_policy":{"issuer":"https://token.actions.githubusercontent.example","subject":"repo:someone/else:ref:refs/heads/main"}}',
    })
  },
}
