/** A server for the tests of services that take permits. */
package dev.apportion.testing;
