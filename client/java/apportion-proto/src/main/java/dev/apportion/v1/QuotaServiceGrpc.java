package dev.apportion.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Grants leases of a request budget that many services share at one provider.
 * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
 * are the ids that services are configured with. `AdminService` uses full resource names, such as
 * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
 * from a field. `Reason` lists every refusal and error.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class QuotaServiceGrpc {

  private QuotaServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "apportion.v1.QuotaService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.AcquireLeaseRequest,
      dev.apportion.v1.AcquireLeaseResponse> getAcquireLeaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AcquireLease",
      requestType = dev.apportion.v1.AcquireLeaseRequest.class,
      responseType = dev.apportion.v1.AcquireLeaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.AcquireLeaseRequest,
      dev.apportion.v1.AcquireLeaseResponse> getAcquireLeaseMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.AcquireLeaseRequest, dev.apportion.v1.AcquireLeaseResponse> getAcquireLeaseMethod;
    if ((getAcquireLeaseMethod = QuotaServiceGrpc.getAcquireLeaseMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getAcquireLeaseMethod = QuotaServiceGrpc.getAcquireLeaseMethod) == null) {
          QuotaServiceGrpc.getAcquireLeaseMethod = getAcquireLeaseMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.AcquireLeaseRequest, dev.apportion.v1.AcquireLeaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AcquireLease"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.AcquireLeaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.AcquireLeaseResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("AcquireLease"))
              .build();
        }
      }
    }
    return getAcquireLeaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.SettleLeaseRequest,
      dev.apportion.v1.SettleLeaseResponse> getSettleLeaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SettleLease",
      requestType = dev.apportion.v1.SettleLeaseRequest.class,
      responseType = dev.apportion.v1.SettleLeaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.SettleLeaseRequest,
      dev.apportion.v1.SettleLeaseResponse> getSettleLeaseMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.SettleLeaseRequest, dev.apportion.v1.SettleLeaseResponse> getSettleLeaseMethod;
    if ((getSettleLeaseMethod = QuotaServiceGrpc.getSettleLeaseMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getSettleLeaseMethod = QuotaServiceGrpc.getSettleLeaseMethod) == null) {
          QuotaServiceGrpc.getSettleLeaseMethod = getSettleLeaseMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.SettleLeaseRequest, dev.apportion.v1.SettleLeaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SettleLease"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.SettleLeaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.SettleLeaseResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("SettleLease"))
              .build();
        }
      }
    }
    return getSettleLeaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.BatchSettleLeasesRequest,
      dev.apportion.v1.BatchSettleLeasesResponse> getBatchSettleLeasesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchSettleLeases",
      requestType = dev.apportion.v1.BatchSettleLeasesRequest.class,
      responseType = dev.apportion.v1.BatchSettleLeasesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.BatchSettleLeasesRequest,
      dev.apportion.v1.BatchSettleLeasesResponse> getBatchSettleLeasesMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.BatchSettleLeasesRequest, dev.apportion.v1.BatchSettleLeasesResponse> getBatchSettleLeasesMethod;
    if ((getBatchSettleLeasesMethod = QuotaServiceGrpc.getBatchSettleLeasesMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getBatchSettleLeasesMethod = QuotaServiceGrpc.getBatchSettleLeasesMethod) == null) {
          QuotaServiceGrpc.getBatchSettleLeasesMethod = getBatchSettleLeasesMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.BatchSettleLeasesRequest, dev.apportion.v1.BatchSettleLeasesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchSettleLeases"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.BatchSettleLeasesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.BatchSettleLeasesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("BatchSettleLeases"))
              .build();
        }
      }
    }
    return getBatchSettleLeasesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ExchangeRequest,
      dev.apportion.v1.ExchangeResponse> getExchangeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Exchange",
      requestType = dev.apportion.v1.ExchangeRequest.class,
      responseType = dev.apportion.v1.ExchangeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ExchangeRequest,
      dev.apportion.v1.ExchangeResponse> getExchangeMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ExchangeRequest, dev.apportion.v1.ExchangeResponse> getExchangeMethod;
    if ((getExchangeMethod = QuotaServiceGrpc.getExchangeMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getExchangeMethod = QuotaServiceGrpc.getExchangeMethod) == null) {
          QuotaServiceGrpc.getExchangeMethod = getExchangeMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ExchangeRequest, dev.apportion.v1.ExchangeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Exchange"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ExchangeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ExchangeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("Exchange"))
              .build();
        }
      }
    }
    return getExchangeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.WatchWorkspaceRequest,
      dev.apportion.v1.WatchWorkspaceResponse> getWatchWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchWorkspace",
      requestType = dev.apportion.v1.WatchWorkspaceRequest.class,
      responseType = dev.apportion.v1.WatchWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.WatchWorkspaceRequest,
      dev.apportion.v1.WatchWorkspaceResponse> getWatchWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.WatchWorkspaceRequest, dev.apportion.v1.WatchWorkspaceResponse> getWatchWorkspaceMethod;
    if ((getWatchWorkspaceMethod = QuotaServiceGrpc.getWatchWorkspaceMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getWatchWorkspaceMethod = QuotaServiceGrpc.getWatchWorkspaceMethod) == null) {
          QuotaServiceGrpc.getWatchWorkspaceMethod = getWatchWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.WatchWorkspaceRequest, dev.apportion.v1.WatchWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.WatchWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.WatchWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("WatchWorkspace"))
              .build();
        }
      }
    }
    return getWatchWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ExplainLeaseRequest,
      dev.apportion.v1.ExplainLeaseResponse> getExplainLeaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExplainLease",
      requestType = dev.apportion.v1.ExplainLeaseRequest.class,
      responseType = dev.apportion.v1.ExplainLeaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ExplainLeaseRequest,
      dev.apportion.v1.ExplainLeaseResponse> getExplainLeaseMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ExplainLeaseRequest, dev.apportion.v1.ExplainLeaseResponse> getExplainLeaseMethod;
    if ((getExplainLeaseMethod = QuotaServiceGrpc.getExplainLeaseMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getExplainLeaseMethod = QuotaServiceGrpc.getExplainLeaseMethod) == null) {
          QuotaServiceGrpc.getExplainLeaseMethod = getExplainLeaseMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ExplainLeaseRequest, dev.apportion.v1.ExplainLeaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExplainLease"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ExplainLeaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ExplainLeaseResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ExplainLease"))
              .build();
        }
      }
    }
    return getExplainLeaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.QueryUsageRequest,
      dev.apportion.v1.QueryUsageResponse> getQueryUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "QueryUsage",
      requestType = dev.apportion.v1.QueryUsageRequest.class,
      responseType = dev.apportion.v1.QueryUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.QueryUsageRequest,
      dev.apportion.v1.QueryUsageResponse> getQueryUsageMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.QueryUsageRequest, dev.apportion.v1.QueryUsageResponse> getQueryUsageMethod;
    if ((getQueryUsageMethod = QuotaServiceGrpc.getQueryUsageMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getQueryUsageMethod = QuotaServiceGrpc.getQueryUsageMethod) == null) {
          QuotaServiceGrpc.getQueryUsageMethod = getQueryUsageMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.QueryUsageRequest, dev.apportion.v1.QueryUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "QueryUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.QueryUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.QueryUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("QueryUsage"))
              .build();
        }
      }
    }
    return getQueryUsageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.GetSignalsRequest,
      dev.apportion.v1.GetSignalsResponse> getGetSignalsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetSignals",
      requestType = dev.apportion.v1.GetSignalsRequest.class,
      responseType = dev.apportion.v1.GetSignalsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.GetSignalsRequest,
      dev.apportion.v1.GetSignalsResponse> getGetSignalsMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.GetSignalsRequest, dev.apportion.v1.GetSignalsResponse> getGetSignalsMethod;
    if ((getGetSignalsMethod = QuotaServiceGrpc.getGetSignalsMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getGetSignalsMethod = QuotaServiceGrpc.getGetSignalsMethod) == null) {
          QuotaServiceGrpc.getGetSignalsMethod = getGetSignalsMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.GetSignalsRequest, dev.apportion.v1.GetSignalsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetSignals"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetSignalsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetSignalsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("GetSignals"))
              .build();
        }
      }
    }
    return getGetSignalsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static QuotaServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceStub>() {
        @java.lang.Override
        public QuotaServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceStub(channel, callOptions);
        }
      };
    return QuotaServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static QuotaServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingV2Stub>() {
        @java.lang.Override
        public QuotaServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return QuotaServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static QuotaServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingStub>() {
        @java.lang.Override
        public QuotaServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceBlockingStub(channel, callOptions);
        }
      };
    return QuotaServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static QuotaServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceFutureStub>() {
        @java.lang.Override
        public QuotaServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceFutureStub(channel, callOptions);
        }
      };
    return QuotaServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Requests a lease, and waits until it is granted or refused. A request that certainly cannot be
     * granted in time is refused on arrival. If the call ends first, the waiting request is
     * withdrawn. If its credential expires first, the call fails with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    default void acquireLease(dev.apportion.v1.AcquireLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.AcquireLeaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAcquireLeaseMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports how many permits of a lease were used, and returns unused ones. May be called
     * repeatedly until the lease ends. Counts are cumulative, so a retry gets the same response.
     * Settling a lease that has ended is not an error: nothing is returned to the budget, but
     * observations still count.
     * </pre>
     */
    default void settleLease(dev.apportion.v1.SettleLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.SettleLeaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSettleLeaseMethod(), responseObserver);
    }

    /**
     * <pre>
     * Settles many leases in one call. Each is settled or refused independently.
     * </pre>
     */
    default void batchSettleLeases(dev.apportion.v1.BatchSettleLeasesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.BatchSettleLeasesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchSettleLeasesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Acquires and settles leases over one stream, without the cost of a call for each. Responses are
     * matched to requests by id and arrive in any order. The server also pushes revocations as soon
     * as the provider throttles. A refusal is a message and does not end the stream. When the stream
     * ends, waiting requests are withdrawn and granted leases stay valid. When the credential
     * expires, the stream ends with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<dev.apportion.v1.ExchangeRequest> exchange(
        io.grpc.stub.StreamObserver<dev.apportion.v1.ExchangeResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getExchangeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the state of a workspace, for display: one snapshot at the start, then one after each
     * change, at most four per second. A slow reader misses snapshots but never gets an outdated one.
     * </pre>
     */
    default void watchWorkspace(dev.apportion.v1.WatchWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.WatchWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Explains what would become of a request for a lease if it came now, and why. Grants nothing.
     * Requires the same permission as `WatchWorkspace`.
     * </pre>
     */
    default void explainLease(dev.apportion.v1.ExplainLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ExplainLeaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExplainLeaseMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports who used what of a workspace in the last minutes, hours or days. Requires the same
     * permission as `WatchWorkspace`.
     * </pre>
     */
    default void queryUsage(dev.apportion.v1.QueryUsageRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.QueryUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getQueryUsageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets how to read the responses of the provider. Call it once at the start, and again when
     * `Lease.signals_version` differs from the version at hand. Any credential for the workspace or
     * for a team of it suffices.
     * </pre>
     */
    default void getSignals(dev.apportion.v1.GetSignalsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetSignalsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetSignalsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service QuotaService.
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public static abstract class QuotaServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return QuotaServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service QuotaService.
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public static final class QuotaServiceStub
      extends io.grpc.stub.AbstractAsyncStub<QuotaServiceStub> {
    private QuotaServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Requests a lease, and waits until it is granted or refused. A request that certainly cannot be
     * granted in time is refused on arrival. If the call ends first, the waiting request is
     * withdrawn. If its credential expires first, the call fails with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    public void acquireLease(dev.apportion.v1.AcquireLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.AcquireLeaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAcquireLeaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports how many permits of a lease were used, and returns unused ones. May be called
     * repeatedly until the lease ends. Counts are cumulative, so a retry gets the same response.
     * Settling a lease that has ended is not an error: nothing is returned to the budget, but
     * observations still count.
     * </pre>
     */
    public void settleLease(dev.apportion.v1.SettleLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.SettleLeaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSettleLeaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Settles many leases in one call. Each is settled or refused independently.
     * </pre>
     */
    public void batchSettleLeases(dev.apportion.v1.BatchSettleLeasesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.BatchSettleLeasesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchSettleLeasesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Acquires and settles leases over one stream, without the cost of a call for each. Responses are
     * matched to requests by id and arrive in any order. The server also pushes revocations as soon
     * as the provider throttles. A refusal is a message and does not end the stream. When the stream
     * ends, waiting requests are withdrawn and granted leases stay valid. When the credential
     * expires, the stream ends with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<dev.apportion.v1.ExchangeRequest> exchange(
        io.grpc.stub.StreamObserver<dev.apportion.v1.ExchangeResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getExchangeMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Streams the state of a workspace, for display: one snapshot at the start, then one after each
     * change, at most four per second. A slow reader misses snapshots but never gets an outdated one.
     * </pre>
     */
    public void watchWorkspace(dev.apportion.v1.WatchWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.WatchWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Explains what would become of a request for a lease if it came now, and why. Grants nothing.
     * Requires the same permission as `WatchWorkspace`.
     * </pre>
     */
    public void explainLease(dev.apportion.v1.ExplainLeaseRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ExplainLeaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExplainLeaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports who used what of a workspace in the last minutes, hours or days. Requires the same
     * permission as `WatchWorkspace`.
     * </pre>
     */
    public void queryUsage(dev.apportion.v1.QueryUsageRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.QueryUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getQueryUsageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets how to read the responses of the provider. Call it once at the start, and again when
     * `Lease.signals_version` differs from the version at hand. Any credential for the workspace or
     * for a team of it suffices.
     * </pre>
     */
    public void getSignals(dev.apportion.v1.GetSignalsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetSignalsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetSignalsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service QuotaService.
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public static final class QuotaServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<QuotaServiceBlockingV2Stub> {
    private QuotaServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Requests a lease, and waits until it is granted or refused. A request that certainly cannot be
     * granted in time is refused on arrival. If the call ends first, the waiting request is
     * withdrawn. If its credential expires first, the call fails with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    public dev.apportion.v1.AcquireLeaseResponse acquireLease(dev.apportion.v1.AcquireLeaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAcquireLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports how many permits of a lease were used, and returns unused ones. May be called
     * repeatedly until the lease ends. Counts are cumulative, so a retry gets the same response.
     * Settling a lease that has ended is not an error: nothing is returned to the budget, but
     * observations still count.
     * </pre>
     */
    public dev.apportion.v1.SettleLeaseResponse settleLease(dev.apportion.v1.SettleLeaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSettleLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Settles many leases in one call. Each is settled or refused independently.
     * </pre>
     */
    public dev.apportion.v1.BatchSettleLeasesResponse batchSettleLeases(dev.apportion.v1.BatchSettleLeasesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchSettleLeasesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Acquires and settles leases over one stream, without the cost of a call for each. Responses are
     * matched to requests by id and arrive in any order. The server also pushes revocations as soon
     * as the provider throttles. A refusal is a message and does not end the stream. When the stream
     * ends, waiting requests are withdrawn and granted leases stay valid. When the credential
     * expires, the stream ends with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<dev.apportion.v1.ExchangeRequest, dev.apportion.v1.ExchangeResponse>
        exchange() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getExchangeMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Streams the state of a workspace, for display: one snapshot at the start, then one after each
     * change, at most four per second. A slow reader misses snapshots but never gets an outdated one.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.apportion.v1.WatchWorkspaceResponse>
        watchWorkspace(dev.apportion.v1.WatchWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Explains what would become of a request for a lease if it came now, and why. Grants nothing.
     * Requires the same permission as `WatchWorkspace`.
     * </pre>
     */
    public dev.apportion.v1.ExplainLeaseResponse explainLease(dev.apportion.v1.ExplainLeaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExplainLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports who used what of a workspace in the last minutes, hours or days. Requires the same
     * permission as `WatchWorkspace`.
     * </pre>
     */
    public dev.apportion.v1.QueryUsageResponse queryUsage(dev.apportion.v1.QueryUsageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getQueryUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets how to read the responses of the provider. Call it once at the start, and again when
     * `Lease.signals_version` differs from the version at hand. Any credential for the workspace or
     * for a team of it suffices.
     * </pre>
     */
    public dev.apportion.v1.GetSignalsResponse getSignals(dev.apportion.v1.GetSignalsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetSignalsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service QuotaService.
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public static final class QuotaServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<QuotaServiceBlockingStub> {
    private QuotaServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Requests a lease, and waits until it is granted or refused. A request that certainly cannot be
     * granted in time is refused on arrival. If the call ends first, the waiting request is
     * withdrawn. If its credential expires first, the call fails with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    public dev.apportion.v1.AcquireLeaseResponse acquireLease(dev.apportion.v1.AcquireLeaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAcquireLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports how many permits of a lease were used, and returns unused ones. May be called
     * repeatedly until the lease ends. Counts are cumulative, so a retry gets the same response.
     * Settling a lease that has ended is not an error: nothing is returned to the budget, but
     * observations still count.
     * </pre>
     */
    public dev.apportion.v1.SettleLeaseResponse settleLease(dev.apportion.v1.SettleLeaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSettleLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Settles many leases in one call. Each is settled or refused independently.
     * </pre>
     */
    public dev.apportion.v1.BatchSettleLeasesResponse batchSettleLeases(dev.apportion.v1.BatchSettleLeasesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchSettleLeasesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the state of a workspace, for display: one snapshot at the start, then one after each
     * change, at most four per second. A slow reader misses snapshots but never gets an outdated one.
     * </pre>
     */
    public java.util.Iterator<dev.apportion.v1.WatchWorkspaceResponse> watchWorkspace(
        dev.apportion.v1.WatchWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Explains what would become of a request for a lease if it came now, and why. Grants nothing.
     * Requires the same permission as `WatchWorkspace`.
     * </pre>
     */
    public dev.apportion.v1.ExplainLeaseResponse explainLease(dev.apportion.v1.ExplainLeaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExplainLeaseMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports who used what of a workspace in the last minutes, hours or days. Requires the same
     * permission as `WatchWorkspace`.
     * </pre>
     */
    public dev.apportion.v1.QueryUsageResponse queryUsage(dev.apportion.v1.QueryUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getQueryUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets how to read the responses of the provider. Call it once at the start, and again when
     * `Lease.signals_version` differs from the version at hand. Any credential for the workspace or
     * for a team of it suffices.
     * </pre>
     */
    public dev.apportion.v1.GetSignalsResponse getSignals(dev.apportion.v1.GetSignalsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetSignalsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service QuotaService.
   * <pre>
   * Grants leases of a request budget that many services share at one provider.
   * This service identifies workspaces, teams and limits by their bare ids, such as `default`. These
   * are the ids that services are configured with. `AdminService` uses full resource names, such as
   * `workspaces/default/teams/default`. What a caller may do follows from its credential alone, never
   * from a field. `Reason` lists every refusal and error.
   * </pre>
   */
  public static final class QuotaServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<QuotaServiceFutureStub> {
    private QuotaServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Requests a lease, and waits until it is granted or refused. A request that certainly cannot be
     * granted in time is refused on arrival. If the call ends first, the waiting request is
     * withdrawn. If its credential expires first, the call fails with `REASON_UNAUTHENTICATED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.AcquireLeaseResponse> acquireLease(
        dev.apportion.v1.AcquireLeaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAcquireLeaseMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports how many permits of a lease were used, and returns unused ones. May be called
     * repeatedly until the lease ends. Counts are cumulative, so a retry gets the same response.
     * Settling a lease that has ended is not an error: nothing is returned to the budget, but
     * observations still count.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.SettleLeaseResponse> settleLease(
        dev.apportion.v1.SettleLeaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSettleLeaseMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Settles many leases in one call. Each is settled or refused independently.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.BatchSettleLeasesResponse> batchSettleLeases(
        dev.apportion.v1.BatchSettleLeasesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchSettleLeasesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Explains what would become of a request for a lease if it came now, and why. Grants nothing.
     * Requires the same permission as `WatchWorkspace`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ExplainLeaseResponse> explainLease(
        dev.apportion.v1.ExplainLeaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExplainLeaseMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports who used what of a workspace in the last minutes, hours or days. Requires the same
     * permission as `WatchWorkspace`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.QueryUsageResponse> queryUsage(
        dev.apportion.v1.QueryUsageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getQueryUsageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets how to read the responses of the provider. Call it once at the start, and again when
     * `Lease.signals_version` differs from the version at hand. Any credential for the workspace or
     * for a team of it suffices.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.GetSignalsResponse> getSignals(
        dev.apportion.v1.GetSignalsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetSignalsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_ACQUIRE_LEASE = 0;
  private static final int METHODID_SETTLE_LEASE = 1;
  private static final int METHODID_BATCH_SETTLE_LEASES = 2;
  private static final int METHODID_WATCH_WORKSPACE = 3;
  private static final int METHODID_EXPLAIN_LEASE = 4;
  private static final int METHODID_QUERY_USAGE = 5;
  private static final int METHODID_GET_SIGNALS = 6;
  private static final int METHODID_EXCHANGE = 7;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_ACQUIRE_LEASE:
          serviceImpl.acquireLease((dev.apportion.v1.AcquireLeaseRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.AcquireLeaseResponse>) responseObserver);
          break;
        case METHODID_SETTLE_LEASE:
          serviceImpl.settleLease((dev.apportion.v1.SettleLeaseRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.SettleLeaseResponse>) responseObserver);
          break;
        case METHODID_BATCH_SETTLE_LEASES:
          serviceImpl.batchSettleLeases((dev.apportion.v1.BatchSettleLeasesRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.BatchSettleLeasesResponse>) responseObserver);
          break;
        case METHODID_WATCH_WORKSPACE:
          serviceImpl.watchWorkspace((dev.apportion.v1.WatchWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.WatchWorkspaceResponse>) responseObserver);
          break;
        case METHODID_EXPLAIN_LEASE:
          serviceImpl.explainLease((dev.apportion.v1.ExplainLeaseRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ExplainLeaseResponse>) responseObserver);
          break;
        case METHODID_QUERY_USAGE:
          serviceImpl.queryUsage((dev.apportion.v1.QueryUsageRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.QueryUsageResponse>) responseObserver);
          break;
        case METHODID_GET_SIGNALS:
          serviceImpl.getSignals((dev.apportion.v1.GetSignalsRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.GetSignalsResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_EXCHANGE:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.exchange(
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ExchangeResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getAcquireLeaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.AcquireLeaseRequest,
              dev.apportion.v1.AcquireLeaseResponse>(
                service, METHODID_ACQUIRE_LEASE)))
        .addMethod(
          getSettleLeaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.SettleLeaseRequest,
              dev.apportion.v1.SettleLeaseResponse>(
                service, METHODID_SETTLE_LEASE)))
        .addMethod(
          getBatchSettleLeasesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.BatchSettleLeasesRequest,
              dev.apportion.v1.BatchSettleLeasesResponse>(
                service, METHODID_BATCH_SETTLE_LEASES)))
        .addMethod(
          getExchangeMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              dev.apportion.v1.ExchangeRequest,
              dev.apportion.v1.ExchangeResponse>(
                service, METHODID_EXCHANGE)))
        .addMethod(
          getWatchWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.apportion.v1.WatchWorkspaceRequest,
              dev.apportion.v1.WatchWorkspaceResponse>(
                service, METHODID_WATCH_WORKSPACE)))
        .addMethod(
          getExplainLeaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ExplainLeaseRequest,
              dev.apportion.v1.ExplainLeaseResponse>(
                service, METHODID_EXPLAIN_LEASE)))
        .addMethod(
          getQueryUsageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.QueryUsageRequest,
              dev.apportion.v1.QueryUsageResponse>(
                service, METHODID_QUERY_USAGE)))
        .addMethod(
          getGetSignalsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.GetSignalsRequest,
              dev.apportion.v1.GetSignalsResponse>(
                service, METHODID_GET_SIGNALS)))
        .build();
  }

  private static abstract class QuotaServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    QuotaServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.apportion.v1.QuotaServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("QuotaService");
    }
  }

  private static final class QuotaServiceFileDescriptorSupplier
      extends QuotaServiceBaseDescriptorSupplier {
    QuotaServiceFileDescriptorSupplier() {}
  }

  private static final class QuotaServiceMethodDescriptorSupplier
      extends QuotaServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    QuotaServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (QuotaServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new QuotaServiceFileDescriptorSupplier())
              .addMethod(getAcquireLeaseMethod())
              .addMethod(getSettleLeaseMethod())
              .addMethod(getBatchSettleLeasesMethod())
              .addMethod(getExchangeMethod())
              .addMethod(getWatchWorkspaceMethod())
              .addMethod(getExplainLeaseMethod())
              .addMethod(getQueryUsageMethod())
              .addMethod(getGetSignalsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
