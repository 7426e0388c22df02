/** Permits in the shape of Resilience4j's rate limiter. */
package dev.apportion.resilience4j;
