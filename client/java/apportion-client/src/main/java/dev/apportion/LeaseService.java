package dev.apportion;

import dev.apportion.v1.AcquireLeaseRequest;
import dev.apportion.v1.AcquireLeaseResponse;
import dev.apportion.v1.BatchSettleLeasesRequest;
import dev.apportion.v1.BatchSettleLeasesResponse;
import dev.apportion.v1.GetSignalsRequest;
import dev.apportion.v1.GetSignalsResponse;
import java.util.function.Consumer;

/**
 * Makes the calls of a client. No call takes longer than its timeout, whatever it waits for. It is used, and answers, in the
 * engine's thread.
 */
interface LeaseService {
    /**
     * What came of a call: one of the two.
     *
     * @param response the response
     * @param failure why there is none
     */
    record Answer<T>(T response, CallFailure failure) {}

    /** A call in flight. */
    interface Call {
        /** Ends the call, which answers at once. */
        void cancel();
    }

    /** Requests a lease. */
    Call acquire(AcquireLeaseRequest request, long timeoutNs, Consumer<Answer<AcquireLeaseResponse>> then);

    /** Reports leases. */
    void settle(BatchSettleLeasesRequest request, long timeoutNs, Consumer<Answer<BatchSettleLeasesResponse>> then);

    /** Gets the signals of a workspace. */
    void signals(GetSignalsRequest request, long timeoutNs, Consumer<Answer<GetSignalsResponse>> then);

    /** Closes all connections. */
    void close();
}
