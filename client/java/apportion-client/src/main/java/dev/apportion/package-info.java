/**
 * The client of Apportion, a service that hands out a provider's request budget as leases.
 *
 * <p>A {@linkplain dev.apportion.Permit permit} is the right to hand one request to the provider, now. A permit that leaves its
 * scope counts as used: call {@link dev.apportion.Permit#putBack} on one whose request was certainly not sent. That is the
 * opposite of libraries in which a released permit is cancelled.
 */
package dev.apportion;
