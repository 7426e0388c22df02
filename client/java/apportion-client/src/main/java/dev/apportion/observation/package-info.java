/** What responses of the provider say about its limits: how they are read, and what is reported of them. */
package dev.apportion.observation;
