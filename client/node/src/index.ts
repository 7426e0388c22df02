/**
 * Permits of a request budget that many services share at one provider, from an Apportion server.
 *
 * A permit that leaves its scope counts as used, also by an exception. Call `putBack` where nothing was sent.
 *
 * @module
 */

export type { Priority } from "./core/grant.js";
export type { QuotaCounts } from "./counts.js";
export {
  AcquireError,
  ApportionError,
  ClosedError,
  ConfigError,
  InvalidResponseError,
  PermitTimeoutError,
  RefusedError,
  UnreachableError,
} from "./errors.js";
export { readHeaders } from "./headers.js";
export type { HeadersLike, Observation, ProviderResponse, Reader } from "./observation.js";
export type { AcquireOptions, PermitOptions, PrefetchOptions, WaitOptions } from "./options.js";
export { Lease, Permit } from "./permit.js";
export { connect, Quota } from "./quota.js";
export type { ConnectOptions, Fallback, TlsOptions } from "./settings.js";
export { OnDemand, type PermitSource, Prefetch } from "./source.js";
