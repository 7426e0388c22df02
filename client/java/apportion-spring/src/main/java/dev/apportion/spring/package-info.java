/** Permits for requests of Spring's HTTP clients. */
package dev.apportion.spring;
