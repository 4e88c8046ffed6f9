/** The user can repair this: `why` names the consequence, `fix` the input, permission or command to change. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  constructor(what: string, why: string, fix: string, options?: ErrorOptions) {
    super(`${what}\n  Why: ${why}\n  Fix: ${fix}`, options);
    this.what = what;
    this.why = why;
    this.fix = fix;
  }
}

/** Another runner works on the migration: whoever waits for it may ask again. */
export class LockHeld extends UserError {}

/** Our own mistake. It carries no advice, because only a maintainer can act on it. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** One text for the log and the annotation. A cause's message is added, its stack is not: SDK stacks hold request data. */
export function describeFailure(error: unknown): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof Error)
    return `${error.name}: ${error.message}\n  This is a defect of mwaa-migrate: please report it with the log of this run. Nothing of it is a secret.`;
  return `A value that is no Error was thrown: ${typeof error}`;
}
