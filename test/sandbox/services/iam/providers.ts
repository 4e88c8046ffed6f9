/** OpenID Connect providers, by which an account trusts an issuer's tokens. */
import { AwsError } from '../../front/contract.js';
import { membersOf, required } from '../../front/query-protocol.js';
import { authorize, type IamOperation, noSuchEntity } from './request.js';

export const PROVIDER_OPERATIONS: Readonly<Record<string, IamOperation>> = {
  CreateOpenIDConnectProvider(call) {
    const { form, account, world } = call;
    const url = required(form, 'Url');
    if (!/^https:\/\/[^/?#]+(?:\/[^?#]*)?$/u.test(url)) throw new AwsError('ValidationError', 'Invalid Open ID Connect Provider URL', 400);
    authorize(call, `arn:aws:iam::${account}:oidc-provider/${url.replace('https://', '')}`);
    const arn = world.createOidcProvider({ account, url, clientIds: membersOf(form, 'ClientIDList'), thumbprints: membersOf(form, 'ThumbprintList') });
    return { OpenIDConnectProviderArn: arn };
  },

  GetOpenIDConnectProvider(call) {
    const arn = required(call.form, 'OpenIDConnectProviderArn');
    authorize(call, arn);
    const provider = call.world.identities.providers.get(arn);
    if (!provider || provider.account !== call.account) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
    return { Url: provider.url, ClientIDList: provider.clientIds, ThumbprintList: provider.thumbprints, CreateDate: provider.created };
  },

  ListOpenIDConnectProviders(call) {
    authorize(call, `arn:aws:iam::${call.account}:oidc-provider/*`);
    const mine = [...call.world.identities.providers.values()].filter(({ account }) => account === call.account);
    return { OpenIDConnectProviderList: mine.map(({ arn }) => ({ Arn: arn })) };
  },
};
