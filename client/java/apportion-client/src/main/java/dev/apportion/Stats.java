package dev.apportion;

/**
 * What a client has open.
 *
 * @param held the permits that prefetches hold
 * @param waiting the requests and callers that wait
 * @param openLeases the leases that are not done
 * @param pendingReports the leases whose reports wait to be sent
 */
public record Stats(int held, int waiting, int openLeases, int pendingReports) {}
