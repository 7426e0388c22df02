/** What can go wrong, as classes. */

/** Every error of this package. */
export class ApportionError extends Error {
  override name = "ApportionError";
}

/** A setting is invalid, or a file that it names cannot be read. The message names the setting and what it must be. */
export class ConfigError extends ApportionError {
  override name = "ConfigError";
}

/** No permit was granted, so nothing may be sent. */
export class AcquireError extends ApportionError {
  override name = "AcquireError";

  /** When asking again may help, in milliseconds. Undefined if the server did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server refused. */
export class RefusedError extends AcquireError {
  override name = "RefusedError";

  /** The reason, such as `WINDOW_EXHAUSTED`. The reference of the API lists all. */
  readonly reason: string;

  constructor(reason: string, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, retryAfterMs, options);
    this.reason = reason;
  }
}

/** No server could be reached in time, or none could serve. */
export class UnreachableError extends AcquireError {
  override name = "UnreachableError";
}

/** No permit became available in time, and no server gave a reason. */
export class PermitTimeoutError extends AcquireError {
  override name = "PermitTimeoutError";
}

/** The server sent what the API does not allow. */
export class InvalidResponseError extends AcquireError {
  override name = "InvalidResponseError";
}

/** The client or the prefetch is closed. */
export class ClosedError extends AcquireError {
  override name = "ClosedError";
}

/** Returns the same error with the stack of its caller, because several callers may share one. */
export function copied(error: AcquireError): AcquireError {
  const options = { cause: error };
  if (error instanceof RefusedError) return new RefusedError(error.reason, error.message, error.retryAfterMs, options);
  const kinds = [UnreachableError, PermitTimeoutError, InvalidResponseError, ClosedError];
  const Kind = kinds.find((kind) => error instanceof kind) ?? AcquireError;
  return new Kind(error.message, error.retryAfterMs, options);
}
