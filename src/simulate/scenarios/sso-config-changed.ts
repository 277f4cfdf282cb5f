/** Single sign-on pointed at another identity provider. */
import type { Scenario } from './contract.ts'

/** SSO configuration changed. */
export const ssoConfigChanged: Scenario = {
  id: 'sso-config-changed',
  title: 'Single sign-on configuration changed',
  expect: 'ssoConfigBackend.update with a new issuer.',
  techniques: ['T1556.007', 'T1484.002'],
  rules: ['sso-configuration-changed'],
  accountLevel: true,
  play({ account, at, person, sit }) {
    sit(person('admin'), at(18.6)).account('ssoConfigBackend', 'update', {
      account_id: account.accountId,
      sso_type: 'SAML',
      config: '{"entity_id":"https://login.halden-sso.example/idp","sso_url":"https://login.halden-sso.example/sso"}',
      status: 'ACTIVE',
    })
  },
}
