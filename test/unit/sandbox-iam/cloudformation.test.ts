import { describe, expect, it } from '@jest/globals';
import { createStack } from '../../sandbox/iam/cloudformation.js';
import { parseTemplate } from '../../sandbox/iam/template.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';

const ACCOUNT = '111122223333';
const TEMPLATE = `
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Prefix: { Type: String, Default: mwaa-migrate }
  Repository: { Type: String }
  Buckets: { Type: CommaDelimitedList, Default: "one, two" }
  KeyArn: { Type: String, Default: "" }
Conditions:
  HasKey: !Not [!Equals [!Ref KeyArn, ""]]
  NoKey: !Not [!Condition HasKey]
  Both: !And [!Condition HasKey, !Equals [!Ref Prefix, mwaa-migrate]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "\${Prefix}-source"
      MaxSessionDuration: 7200
      PermissionsBoundary: !Ref Boundary
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: { Federated: !GetAtt Provider.Arn }
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
              StringEquals:
                token.actions.githubusercontent.com:aud: sts.amazonaws.com
                token.actions.githubusercontent.com:sub: !Sub ["repo:\${R}:environment:source", { R: !Ref Repository }]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: [s3:GetObject]
                Resource: !Sub "arn:\${AWS::Partition}:s3:::\${Prefix}-\${AWS::AccountId}-\${AWS::Region}/\${!aws:username}/*"
              - !If
                - HasKey
                - Effect: Allow
                  Action: kms:Decrypt
                  Resource: !Ref KeyArn
                - !Ref AWS::NoValue
      ManagedPolicyArns: [!Ref Extra]
  Provider:
    Type: AWS::IAM::OIDCProvider
    Properties: { Url: https://token.actions.githubusercontent.com, ClientIdList: [sts.amazonaws.com] }
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: !Join ["-", [!Ref Prefix, boundary]]
      PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "*", Resource: "*" }] }
  Extra:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "logs:*", Resource: !Sub "arn:aws:logs:*:*:\${Second}" }] }
  Inline:
    Type: AWS::IAM::Policy
    Condition: NoKey
    Properties:
      PolicyName: list
      Roles: [!Ref Role]
      PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:ListBucket", Resource: !Sub "arn:aws:s3:::x" }] }
  Key:
    Type: AWS::KMS::Key
    Condition: Both
    Properties:
      KeyPolicy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { AWS: !GetAtt Role.Arn }, Action: "kms:*", Resource: "*" }] }
Outputs:
  RoleArn: { Value: !GetAtt Role.Arn }
  SecondBucket: { Value: !Select [1, !Ref Buckets] }
  Owner: { Value: !Select [0, !Split ["/", !Ref Repository]] }
`.replace('${Second}', 'log-group');

const load = (source: string, parameters: Readonly<Record<string, string>> = { Repository: 'o/r' }) => {
  const world = createIdentityWorld({ accounts: [ACCOUNT] });
  return { world, stack: createStack(world, parseTemplate(source), { account: ACCOUNT, region: 'eu-west-1', parameters, stackName: 'iam' }) };
};

describe('loading a template', () => {
  it('makes the role with everything that belongs to it, in the order of the references', () => {
    const { world, stack } = load(TEMPLATE);
    const role = world.identities.role(ACCOUNT, 'mwaa-migrate-source');
    expect(stack.outputs).toEqual({ RoleArn: role?.arn, SecondBucket: 'two', Owner: 'o' });
    expect(role).toMatchObject({ maxSessionSeconds: 7200, boundary: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-boundary`, attached: [`arn:aws:iam::${ACCOUNT}:policy/iam-Extra`] });
    expect(JSON.parse(role?.trust ?? '')).toMatchObject({ Version: '2012-10-17', Statement: [{
      Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.actions.githubusercontent.com` },
      Condition: { StringEquals: { 'token.actions.githubusercontent.com:sub': 'repo:o/r:environment:source' } },
    }] });
    expect(JSON.parse(role?.inline.get('read') ?? '')).toEqual({ Version: '2012-10-17', Statement: [
      { Effect: 'Allow', Action: ['s3:GetObject'], Resource: `arn:aws:s3:::mwaa-migrate-${ACCOUNT}-eu-west-1/\${aws:username}/*` },
    ] });
    expect([...(role?.inline.keys() ?? [])]).toEqual(['read', 'list']);
    expect(world.kms.keys.size).toBe(0);
  });

  it('takes the other branch of every condition when the parameter is given', () => {
    const { world } = load(TEMPLATE, { Repository: 'o/r', KeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k' });
    const role = world.identities.role(ACCOUNT, 'mwaa-migrate-source');
    expect(JSON.parse(role?.inline.get('read') ?? '')).toMatchObject({ Statement: [{}, { Action: 'kms:Decrypt', Resource: 'arn:aws:kms:eu-west-1:111122223333:key/k' }] });
    expect([...(role?.inline.keys() ?? [])]).toEqual(['read']);
    expect(world.kms.keys.size).toBe(1);
  });

  it.each([
    { source: 'Resources: { Q: { Type: AWS::SQS::Queue } }', message: /resource Q has type AWS::SQS::Queue/u },
    { source: 'Resources: { R: { Type: AWS::IAM::Role, Properties: { RoleName: !ImportValue x } } }', message: /Unresolved tag: !ImportValue/u },
    { source: 'Resources: { R: { Type: AWS::IAM::Role, Properties: { RoleName: { "Fn::ImportValue": x } } } }', message: /unknown function Fn::ImportValue/u },
    { source: 'Resources: { R: { Type: AWS::IAM::Role, Properties: { Surprise: 1, AssumeRolePolicyDocument: {} } } }', message: /resource R has Surprise/u },
    { source: 'Resources: { A: { Type: AWS::IAM::Policy, Properties: { PolicyName: !Ref B } }, B: { Type: AWS::IAM::Policy, Properties: { PolicyName: !Ref A } } }', message: /circular dependency: A → B → A/u },
    { source: 'Resources: { A: { Type: AWS::IAM::Policy, Properties: { PolicyName: !Ref Nowhere } } }', message: /"Nowhere", which is no resource/u },
    { source: 'Transform: x\nResources: {}', message: /unknown section Transform/u },
    { source: 'Parameters: { P: { Type: String } }\nResources: {}', message: /parameter P has no default/u },
  ])('refuses $message', ({ source, message }) => expect(() => load(source, {})).toThrow(message));
});
