import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** style.md §2: one block per folder says what it may import. */
const only = (files, patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });
const noGateways = { group: ['**/gateways/**'], message: 'Only wiring.ts creates gateways; phases know them as ports.ts.', allowTypeImports: true };
const noSdk = { group: ['@aws-sdk/*', '@actions/*', '@smithy/*'], message: 'SDK types stay inside src/gateways; say it in our words in ports.ts.' };
const noIo = { group: ['node:fs', 'node:fs/*', 'node:net', 'node:http', 'node:child_process', 'node:os'], message: 'This folder is pure: no I/O.' };

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.build/**'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-restricted-syntax': ['error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        { selector: 'TSEnumDeclaration', message: 'A union of literals does it.' }],
    },
  },
  { files: ['*.config.js', 'scripts/**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly', setTimeout: 'readonly', Buffer: 'readonly', URL: 'readonly' } }, rules: { 'no-restricted-syntax': 'off' } },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  only(['src/phases/**/*.ts'], [noGateways, noSdk, noIo]),
  only(['src/plan/**/*.ts', 'src/metadata/**/*.ts', 'src/report/**/*.ts', 'src/comment/**/*.ts', 'src/airflow/**/*.ts', 'src/journal/**/*.ts', 'src/page/**/*.ts', 'src/credentials/**/*.ts'], [noGateways, noSdk, noIo, { group: ['**/phases/**'], message: 'Pure code knows no phase.' }]),
  only(['src/gateways/**/*.ts'], [{ group: ['**/phases/**', '**/plan/**', '**/report/**'], message: 'A gateway knows no phase.' }]),
  only(['test/e2e/oracle/**/*.ts', 'test/e2e/leaks/**/*.ts'], [{ group: ['**/src/**'], message: "A migration's result is checked without the product's own code." }]),
);
