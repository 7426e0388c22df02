/** A permit for each attempt of OkHttp. */
package dev.apportion.okhttp;
