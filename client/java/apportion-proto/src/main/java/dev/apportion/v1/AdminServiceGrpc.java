package dev.apportion.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Reads and changes the configuration. Names of resources follow the Google AIPs:
 * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
 * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
 * - A change and its audit entry are durable before the response. The change takes effect with the
 *   next decision, also for waiting requests. A changed budget takes effect with the next window.
 * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
 *   the call would otherwise have.
 * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
 *   `REASON_STALE_ETAG`. If unset, it is not checked.
 * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
 *   the resource is reset to its default. Without a mask, the update changes the fields that are
 *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
 *   with `REASON_MALFORMED`.
 * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
 *   it is empty.
 * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
 *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AdminServiceGrpc {

  private AdminServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "apportion.v1.AdminService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.CreateWorkspaceRequest,
      dev.apportion.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateWorkspace",
      requestType = dev.apportion.v1.CreateWorkspaceRequest.class,
      responseType = dev.apportion.v1.CreateWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.CreateWorkspaceRequest,
      dev.apportion.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.CreateWorkspaceRequest, dev.apportion.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod;
    if ((getCreateWorkspaceMethod = AdminServiceGrpc.getCreateWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateWorkspaceMethod = AdminServiceGrpc.getCreateWorkspaceMethod) == null) {
          AdminServiceGrpc.getCreateWorkspaceMethod = getCreateWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.CreateWorkspaceRequest, dev.apportion.v1.CreateWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateWorkspace"))
              .build();
        }
      }
    }
    return getCreateWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.GetWorkspaceRequest,
      dev.apportion.v1.GetWorkspaceResponse> getGetWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetWorkspace",
      requestType = dev.apportion.v1.GetWorkspaceRequest.class,
      responseType = dev.apportion.v1.GetWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.GetWorkspaceRequest,
      dev.apportion.v1.GetWorkspaceResponse> getGetWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.GetWorkspaceRequest, dev.apportion.v1.GetWorkspaceResponse> getGetWorkspaceMethod;
    if ((getGetWorkspaceMethod = AdminServiceGrpc.getGetWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getGetWorkspaceMethod = AdminServiceGrpc.getGetWorkspaceMethod) == null) {
          AdminServiceGrpc.getGetWorkspaceMethod = getGetWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.GetWorkspaceRequest, dev.apportion.v1.GetWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("GetWorkspace"))
              .build();
        }
      }
    }
    return getGetWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ListWorkspacesRequest,
      dev.apportion.v1.ListWorkspacesResponse> getListWorkspacesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWorkspaces",
      requestType = dev.apportion.v1.ListWorkspacesRequest.class,
      responseType = dev.apportion.v1.ListWorkspacesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ListWorkspacesRequest,
      dev.apportion.v1.ListWorkspacesResponse> getListWorkspacesMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ListWorkspacesRequest, dev.apportion.v1.ListWorkspacesResponse> getListWorkspacesMethod;
    if ((getListWorkspacesMethod = AdminServiceGrpc.getListWorkspacesMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListWorkspacesMethod = AdminServiceGrpc.getListWorkspacesMethod) == null) {
          AdminServiceGrpc.getListWorkspacesMethod = getListWorkspacesMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ListWorkspacesRequest, dev.apportion.v1.ListWorkspacesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWorkspaces"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListWorkspacesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListWorkspacesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListWorkspaces"))
              .build();
        }
      }
    }
    return getListWorkspacesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.UpdateWorkspaceRequest,
      dev.apportion.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateWorkspace",
      requestType = dev.apportion.v1.UpdateWorkspaceRequest.class,
      responseType = dev.apportion.v1.UpdateWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.UpdateWorkspaceRequest,
      dev.apportion.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.UpdateWorkspaceRequest, dev.apportion.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod;
    if ((getUpdateWorkspaceMethod = AdminServiceGrpc.getUpdateWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getUpdateWorkspaceMethod = AdminServiceGrpc.getUpdateWorkspaceMethod) == null) {
          AdminServiceGrpc.getUpdateWorkspaceMethod = getUpdateWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.UpdateWorkspaceRequest, dev.apportion.v1.UpdateWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("UpdateWorkspace"))
              .build();
        }
      }
    }
    return getUpdateWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.DeleteWorkspaceRequest,
      dev.apportion.v1.DeleteWorkspaceResponse> getDeleteWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteWorkspace",
      requestType = dev.apportion.v1.DeleteWorkspaceRequest.class,
      responseType = dev.apportion.v1.DeleteWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.DeleteWorkspaceRequest,
      dev.apportion.v1.DeleteWorkspaceResponse> getDeleteWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.DeleteWorkspaceRequest, dev.apportion.v1.DeleteWorkspaceResponse> getDeleteWorkspaceMethod;
    if ((getDeleteWorkspaceMethod = AdminServiceGrpc.getDeleteWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDeleteWorkspaceMethod = AdminServiceGrpc.getDeleteWorkspaceMethod) == null) {
          AdminServiceGrpc.getDeleteWorkspaceMethod = getDeleteWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.DeleteWorkspaceRequest, dev.apportion.v1.DeleteWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DeleteWorkspace"))
              .build();
        }
      }
    }
    return getDeleteWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.CreateTeamRequest,
      dev.apportion.v1.CreateTeamResponse> getCreateTeamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateTeam",
      requestType = dev.apportion.v1.CreateTeamRequest.class,
      responseType = dev.apportion.v1.CreateTeamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.CreateTeamRequest,
      dev.apportion.v1.CreateTeamResponse> getCreateTeamMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.CreateTeamRequest, dev.apportion.v1.CreateTeamResponse> getCreateTeamMethod;
    if ((getCreateTeamMethod = AdminServiceGrpc.getCreateTeamMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateTeamMethod = AdminServiceGrpc.getCreateTeamMethod) == null) {
          AdminServiceGrpc.getCreateTeamMethod = getCreateTeamMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.CreateTeamRequest, dev.apportion.v1.CreateTeamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateTeam"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateTeamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateTeamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateTeam"))
              .build();
        }
      }
    }
    return getCreateTeamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.GetTeamRequest,
      dev.apportion.v1.GetTeamResponse> getGetTeamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTeam",
      requestType = dev.apportion.v1.GetTeamRequest.class,
      responseType = dev.apportion.v1.GetTeamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.GetTeamRequest,
      dev.apportion.v1.GetTeamResponse> getGetTeamMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.GetTeamRequest, dev.apportion.v1.GetTeamResponse> getGetTeamMethod;
    if ((getGetTeamMethod = AdminServiceGrpc.getGetTeamMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getGetTeamMethod = AdminServiceGrpc.getGetTeamMethod) == null) {
          AdminServiceGrpc.getGetTeamMethod = getGetTeamMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.GetTeamRequest, dev.apportion.v1.GetTeamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTeam"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetTeamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetTeamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("GetTeam"))
              .build();
        }
      }
    }
    return getGetTeamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ListTeamsRequest,
      dev.apportion.v1.ListTeamsResponse> getListTeamsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTeams",
      requestType = dev.apportion.v1.ListTeamsRequest.class,
      responseType = dev.apportion.v1.ListTeamsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ListTeamsRequest,
      dev.apportion.v1.ListTeamsResponse> getListTeamsMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ListTeamsRequest, dev.apportion.v1.ListTeamsResponse> getListTeamsMethod;
    if ((getListTeamsMethod = AdminServiceGrpc.getListTeamsMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListTeamsMethod = AdminServiceGrpc.getListTeamsMethod) == null) {
          AdminServiceGrpc.getListTeamsMethod = getListTeamsMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ListTeamsRequest, dev.apportion.v1.ListTeamsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTeams"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListTeamsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListTeamsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListTeams"))
              .build();
        }
      }
    }
    return getListTeamsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.UpdateTeamRequest,
      dev.apportion.v1.UpdateTeamResponse> getUpdateTeamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateTeam",
      requestType = dev.apportion.v1.UpdateTeamRequest.class,
      responseType = dev.apportion.v1.UpdateTeamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.UpdateTeamRequest,
      dev.apportion.v1.UpdateTeamResponse> getUpdateTeamMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.UpdateTeamRequest, dev.apportion.v1.UpdateTeamResponse> getUpdateTeamMethod;
    if ((getUpdateTeamMethod = AdminServiceGrpc.getUpdateTeamMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getUpdateTeamMethod = AdminServiceGrpc.getUpdateTeamMethod) == null) {
          AdminServiceGrpc.getUpdateTeamMethod = getUpdateTeamMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.UpdateTeamRequest, dev.apportion.v1.UpdateTeamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateTeam"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateTeamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateTeamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("UpdateTeam"))
              .build();
        }
      }
    }
    return getUpdateTeamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTeamRequest,
      dev.apportion.v1.DeleteTeamResponse> getDeleteTeamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteTeam",
      requestType = dev.apportion.v1.DeleteTeamRequest.class,
      responseType = dev.apportion.v1.DeleteTeamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTeamRequest,
      dev.apportion.v1.DeleteTeamResponse> getDeleteTeamMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTeamRequest, dev.apportion.v1.DeleteTeamResponse> getDeleteTeamMethod;
    if ((getDeleteTeamMethod = AdminServiceGrpc.getDeleteTeamMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDeleteTeamMethod = AdminServiceGrpc.getDeleteTeamMethod) == null) {
          AdminServiceGrpc.getDeleteTeamMethod = getDeleteTeamMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.DeleteTeamRequest, dev.apportion.v1.DeleteTeamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteTeam"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteTeamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteTeamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DeleteTeam"))
              .build();
        }
      }
    }
    return getDeleteTeamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.CreateDomainRequest,
      dev.apportion.v1.CreateDomainResponse> getCreateDomainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateDomain",
      requestType = dev.apportion.v1.CreateDomainRequest.class,
      responseType = dev.apportion.v1.CreateDomainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.CreateDomainRequest,
      dev.apportion.v1.CreateDomainResponse> getCreateDomainMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.CreateDomainRequest, dev.apportion.v1.CreateDomainResponse> getCreateDomainMethod;
    if ((getCreateDomainMethod = AdminServiceGrpc.getCreateDomainMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateDomainMethod = AdminServiceGrpc.getCreateDomainMethod) == null) {
          AdminServiceGrpc.getCreateDomainMethod = getCreateDomainMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.CreateDomainRequest, dev.apportion.v1.CreateDomainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateDomain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateDomainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateDomainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateDomain"))
              .build();
        }
      }
    }
    return getCreateDomainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.GetDomainRequest,
      dev.apportion.v1.GetDomainResponse> getGetDomainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDomain",
      requestType = dev.apportion.v1.GetDomainRequest.class,
      responseType = dev.apportion.v1.GetDomainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.GetDomainRequest,
      dev.apportion.v1.GetDomainResponse> getGetDomainMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.GetDomainRequest, dev.apportion.v1.GetDomainResponse> getGetDomainMethod;
    if ((getGetDomainMethod = AdminServiceGrpc.getGetDomainMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getGetDomainMethod = AdminServiceGrpc.getGetDomainMethod) == null) {
          AdminServiceGrpc.getGetDomainMethod = getGetDomainMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.GetDomainRequest, dev.apportion.v1.GetDomainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDomain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetDomainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetDomainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("GetDomain"))
              .build();
        }
      }
    }
    return getGetDomainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ListDomainsRequest,
      dev.apportion.v1.ListDomainsResponse> getListDomainsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDomains",
      requestType = dev.apportion.v1.ListDomainsRequest.class,
      responseType = dev.apportion.v1.ListDomainsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ListDomainsRequest,
      dev.apportion.v1.ListDomainsResponse> getListDomainsMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ListDomainsRequest, dev.apportion.v1.ListDomainsResponse> getListDomainsMethod;
    if ((getListDomainsMethod = AdminServiceGrpc.getListDomainsMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListDomainsMethod = AdminServiceGrpc.getListDomainsMethod) == null) {
          AdminServiceGrpc.getListDomainsMethod = getListDomainsMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ListDomainsRequest, dev.apportion.v1.ListDomainsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDomains"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListDomainsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListDomainsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListDomains"))
              .build();
        }
      }
    }
    return getListDomainsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.UpdateDomainRequest,
      dev.apportion.v1.UpdateDomainResponse> getUpdateDomainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateDomain",
      requestType = dev.apportion.v1.UpdateDomainRequest.class,
      responseType = dev.apportion.v1.UpdateDomainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.UpdateDomainRequest,
      dev.apportion.v1.UpdateDomainResponse> getUpdateDomainMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.UpdateDomainRequest, dev.apportion.v1.UpdateDomainResponse> getUpdateDomainMethod;
    if ((getUpdateDomainMethod = AdminServiceGrpc.getUpdateDomainMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getUpdateDomainMethod = AdminServiceGrpc.getUpdateDomainMethod) == null) {
          AdminServiceGrpc.getUpdateDomainMethod = getUpdateDomainMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.UpdateDomainRequest, dev.apportion.v1.UpdateDomainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateDomain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateDomainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UpdateDomainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("UpdateDomain"))
              .build();
        }
      }
    }
    return getUpdateDomainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.DeleteDomainRequest,
      dev.apportion.v1.DeleteDomainResponse> getDeleteDomainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteDomain",
      requestType = dev.apportion.v1.DeleteDomainRequest.class,
      responseType = dev.apportion.v1.DeleteDomainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.DeleteDomainRequest,
      dev.apportion.v1.DeleteDomainResponse> getDeleteDomainMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.DeleteDomainRequest, dev.apportion.v1.DeleteDomainResponse> getDeleteDomainMethod;
    if ((getDeleteDomainMethod = AdminServiceGrpc.getDeleteDomainMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDeleteDomainMethod = AdminServiceGrpc.getDeleteDomainMethod) == null) {
          AdminServiceGrpc.getDeleteDomainMethod = getDeleteDomainMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.DeleteDomainRequest, dev.apportion.v1.DeleteDomainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteDomain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteDomainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteDomainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DeleteDomain"))
              .build();
        }
      }
    }
    return getDeleteDomainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.CreateTokenRequest,
      dev.apportion.v1.CreateTokenResponse> getCreateTokenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateToken",
      requestType = dev.apportion.v1.CreateTokenRequest.class,
      responseType = dev.apportion.v1.CreateTokenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.CreateTokenRequest,
      dev.apportion.v1.CreateTokenResponse> getCreateTokenMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.CreateTokenRequest, dev.apportion.v1.CreateTokenResponse> getCreateTokenMethod;
    if ((getCreateTokenMethod = AdminServiceGrpc.getCreateTokenMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getCreateTokenMethod = AdminServiceGrpc.getCreateTokenMethod) == null) {
          AdminServiceGrpc.getCreateTokenMethod = getCreateTokenMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.CreateTokenRequest, dev.apportion.v1.CreateTokenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateToken"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateTokenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.CreateTokenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("CreateToken"))
              .build();
        }
      }
    }
    return getCreateTokenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ListTokensRequest,
      dev.apportion.v1.ListTokensResponse> getListTokensMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTokens",
      requestType = dev.apportion.v1.ListTokensRequest.class,
      responseType = dev.apportion.v1.ListTokensResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ListTokensRequest,
      dev.apportion.v1.ListTokensResponse> getListTokensMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ListTokensRequest, dev.apportion.v1.ListTokensResponse> getListTokensMethod;
    if ((getListTokensMethod = AdminServiceGrpc.getListTokensMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListTokensMethod = AdminServiceGrpc.getListTokensMethod) == null) {
          AdminServiceGrpc.getListTokensMethod = getListTokensMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ListTokensRequest, dev.apportion.v1.ListTokensResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTokens"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListTokensRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListTokensResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListTokens"))
              .build();
        }
      }
    }
    return getListTokensMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTokenRequest,
      dev.apportion.v1.DeleteTokenResponse> getDeleteTokenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteToken",
      requestType = dev.apportion.v1.DeleteTokenRequest.class,
      responseType = dev.apportion.v1.DeleteTokenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTokenRequest,
      dev.apportion.v1.DeleteTokenResponse> getDeleteTokenMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.DeleteTokenRequest, dev.apportion.v1.DeleteTokenResponse> getDeleteTokenMethod;
    if ((getDeleteTokenMethod = AdminServiceGrpc.getDeleteTokenMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDeleteTokenMethod = AdminServiceGrpc.getDeleteTokenMethod) == null) {
          AdminServiceGrpc.getDeleteTokenMethod = getDeleteTokenMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.DeleteTokenRequest, dev.apportion.v1.DeleteTokenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteToken"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteTokenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DeleteTokenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DeleteToken"))
              .build();
        }
      }
    }
    return getDeleteTokenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ListAuditEntriesRequest,
      dev.apportion.v1.ListAuditEntriesResponse> getListAuditEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAuditEntries",
      requestType = dev.apportion.v1.ListAuditEntriesRequest.class,
      responseType = dev.apportion.v1.ListAuditEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ListAuditEntriesRequest,
      dev.apportion.v1.ListAuditEntriesResponse> getListAuditEntriesMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ListAuditEntriesRequest, dev.apportion.v1.ListAuditEntriesResponse> getListAuditEntriesMethod;
    if ((getListAuditEntriesMethod = AdminServiceGrpc.getListAuditEntriesMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getListAuditEntriesMethod = AdminServiceGrpc.getListAuditEntriesMethod) == null) {
          AdminServiceGrpc.getListAuditEntriesMethod = getListAuditEntriesMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ListAuditEntriesRequest, dev.apportion.v1.ListAuditEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAuditEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListAuditEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ListAuditEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ListAuditEntries"))
              .build();
        }
      }
    }
    return getListAuditEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.GetClusterRequest,
      dev.apportion.v1.GetClusterResponse> getGetClusterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetCluster",
      requestType = dev.apportion.v1.GetClusterRequest.class,
      responseType = dev.apportion.v1.GetClusterResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.GetClusterRequest,
      dev.apportion.v1.GetClusterResponse> getGetClusterMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.GetClusterRequest, dev.apportion.v1.GetClusterResponse> getGetClusterMethod;
    if ((getGetClusterMethod = AdminServiceGrpc.getGetClusterMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getGetClusterMethod = AdminServiceGrpc.getGetClusterMethod) == null) {
          AdminServiceGrpc.getGetClusterMethod = getGetClusterMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.GetClusterRequest, dev.apportion.v1.GetClusterResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetCluster"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetClusterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.GetClusterResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("GetCluster"))
              .build();
        }
      }
    }
    return getGetClusterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.DrainNodeRequest,
      dev.apportion.v1.DrainNodeResponse> getDrainNodeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DrainNode",
      requestType = dev.apportion.v1.DrainNodeRequest.class,
      responseType = dev.apportion.v1.DrainNodeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.DrainNodeRequest,
      dev.apportion.v1.DrainNodeResponse> getDrainNodeMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.DrainNodeRequest, dev.apportion.v1.DrainNodeResponse> getDrainNodeMethod;
    if ((getDrainNodeMethod = AdminServiceGrpc.getDrainNodeMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getDrainNodeMethod = AdminServiceGrpc.getDrainNodeMethod) == null) {
          AdminServiceGrpc.getDrainNodeMethod = getDrainNodeMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.DrainNodeRequest, dev.apportion.v1.DrainNodeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DrainNode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DrainNodeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.DrainNodeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("DrainNode"))
              .build();
        }
      }
    }
    return getDrainNodeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.UndrainNodeRequest,
      dev.apportion.v1.UndrainNodeResponse> getUndrainNodeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UndrainNode",
      requestType = dev.apportion.v1.UndrainNodeRequest.class,
      responseType = dev.apportion.v1.UndrainNodeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.UndrainNodeRequest,
      dev.apportion.v1.UndrainNodeResponse> getUndrainNodeMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.UndrainNodeRequest, dev.apportion.v1.UndrainNodeResponse> getUndrainNodeMethod;
    if ((getUndrainNodeMethod = AdminServiceGrpc.getUndrainNodeMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getUndrainNodeMethod = AdminServiceGrpc.getUndrainNodeMethod) == null) {
          AdminServiceGrpc.getUndrainNodeMethod = getUndrainNodeMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.UndrainNodeRequest, dev.apportion.v1.UndrainNodeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UndrainNode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UndrainNodeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.UndrainNodeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("UndrainNode"))
              .build();
        }
      }
    }
    return getUndrainNodeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.MoveWorkspaceRequest,
      dev.apportion.v1.MoveWorkspaceResponse> getMoveWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "MoveWorkspace",
      requestType = dev.apportion.v1.MoveWorkspaceRequest.class,
      responseType = dev.apportion.v1.MoveWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.MoveWorkspaceRequest,
      dev.apportion.v1.MoveWorkspaceResponse> getMoveWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.MoveWorkspaceRequest, dev.apportion.v1.MoveWorkspaceResponse> getMoveWorkspaceMethod;
    if ((getMoveWorkspaceMethod = AdminServiceGrpc.getMoveWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getMoveWorkspaceMethod = AdminServiceGrpc.getMoveWorkspaceMethod) == null) {
          AdminServiceGrpc.getMoveWorkspaceMethod = getMoveWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.MoveWorkspaceRequest, dev.apportion.v1.MoveWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "MoveWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.MoveWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.MoveWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("MoveWorkspace"))
              .build();
        }
      }
    }
    return getMoveWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.ReleaseWorkspaceRequest,
      dev.apportion.v1.ReleaseWorkspaceResponse> getReleaseWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReleaseWorkspace",
      requestType = dev.apportion.v1.ReleaseWorkspaceRequest.class,
      responseType = dev.apportion.v1.ReleaseWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.ReleaseWorkspaceRequest,
      dev.apportion.v1.ReleaseWorkspaceResponse> getReleaseWorkspaceMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.ReleaseWorkspaceRequest, dev.apportion.v1.ReleaseWorkspaceResponse> getReleaseWorkspaceMethod;
    if ((getReleaseWorkspaceMethod = AdminServiceGrpc.getReleaseWorkspaceMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getReleaseWorkspaceMethod = AdminServiceGrpc.getReleaseWorkspaceMethod) == null) {
          AdminServiceGrpc.getReleaseWorkspaceMethod = getReleaseWorkspaceMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.ReleaseWorkspaceRequest, dev.apportion.v1.ReleaseWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReleaseWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ReleaseWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.ReleaseWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("ReleaseWorkspace"))
              .build();
        }
      }
    }
    return getReleaseWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.apportion.v1.BackupStoreRequest,
      dev.apportion.v1.BackupStoreResponse> getBackupStoreMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BackupStore",
      requestType = dev.apportion.v1.BackupStoreRequest.class,
      responseType = dev.apportion.v1.BackupStoreResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.apportion.v1.BackupStoreRequest,
      dev.apportion.v1.BackupStoreResponse> getBackupStoreMethod() {
    io.grpc.MethodDescriptor<dev.apportion.v1.BackupStoreRequest, dev.apportion.v1.BackupStoreResponse> getBackupStoreMethod;
    if ((getBackupStoreMethod = AdminServiceGrpc.getBackupStoreMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getBackupStoreMethod = AdminServiceGrpc.getBackupStoreMethod) == null) {
          AdminServiceGrpc.getBackupStoreMethod = getBackupStoreMethod =
              io.grpc.MethodDescriptor.<dev.apportion.v1.BackupStoreRequest, dev.apportion.v1.BackupStoreResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BackupStore"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.BackupStoreRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.apportion.v1.BackupStoreResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("BackupStore"))
              .build();
        }
      }
    }
    return getBackupStoreMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AdminServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub>() {
        @java.lang.Override
        public AdminServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceStub(channel, callOptions);
        }
      };
    return AdminServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AdminServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub>() {
        @java.lang.Override
        public AdminServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AdminServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AdminServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub>() {
        @java.lang.Override
        public AdminServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingStub(channel, callOptions);
        }
      };
    return AdminServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AdminServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub>() {
        @java.lang.Override
        public AdminServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceFutureStub(channel, callOptions);
        }
      };
    return AdminServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a workspace with the team `default`.
     * </pre>
     */
    default void createWorkspace(dev.apportion.v1.CreateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a workspace.
     * </pre>
     */
    default void getWorkspace(dev.apportion.v1.GetWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the workspaces that the caller may see, in order of id.
     * </pre>
     */
    default void listWorkspaces(dev.apportion.v1.ListWorkspacesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListWorkspacesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWorkspacesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates a workspace: its limits, and how it shares them among priorities.
     * </pre>
     */
    default void updateWorkspace(dev.apportion.v1.UpdateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a workspace. Its waiting requests are refused with `REASON_UNKNOWN_WORKSPACE`. Granted
     * leases stay valid until they end.
     * </pre>
     */
    default void deleteWorkspace(dev.apportion.v1.DeleteWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a team.
     * </pre>
     */
    default void createTeam(dev.apportion.v1.CreateTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTeamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTeamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a team.
     * </pre>
     */
    default void getTeam(dev.apportion.v1.GetTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetTeamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTeamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the teams of a workspace that the caller may see, in order of id.
     * </pre>
     */
    default void listTeams(dev.apportion.v1.ListTeamsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListTeamsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTeamsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates a team: its priorities, weight, reservation, cap or parent.
     * </pre>
     */
    default void updateTeam(dev.apportion.v1.UpdateTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateTeamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateTeamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a team that has no child teams. Its waiting requests are refused with
     * `REASON_UNKNOWN_TEAM`. Granted leases stay valid until they end.
     * </pre>
     */
    default void deleteTeam(dev.apportion.v1.DeleteTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTeamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteTeamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a domain of Envoy, bound to a workspace.
     * </pre>
     */
    default void createDomain(dev.apportion.v1.CreateDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateDomainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateDomainMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a domain.
     * </pre>
     */
    default void getDomain(dev.apportion.v1.GetDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetDomainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDomainMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the domains of the workspaces that the caller may see, in order of id.
     * </pre>
     */
    default void listDomains(dev.apportion.v1.ListDomainsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListDomainsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDomainsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Updates a domain: its workspace, and what its keys name.
     * </pre>
     */
    default void updateDomain(dev.apportion.v1.UpdateDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateDomainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateDomainMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a domain. Envoy's calls of it fail from then on.
     * </pre>
     */
    default void deleteDomain(dev.apportion.v1.DeleteDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteDomainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteDomainMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a token. The response contains the secret, unless the caller made it. The secret cannot
     * be read again.
     * </pre>
     */
    default void createToken(dev.apportion.v1.CreateTokenRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTokenResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTokenMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the tokens without their secrets, in order of id.
     * </pre>
     */
    default void listTokens(dev.apportion.v1.ListTokensRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListTokensResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTokensMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a token. The token is invalid from then on, also for open streams.
     * </pre>
     */
    default void deleteToken(dev.apportion.v1.DeleteTokenRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTokenResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteTokenMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the audit log, the newest entry first.
     * </pre>
     */
    default void listAuditEntries(dev.apportion.v1.ListAuditEntriesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListAuditEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAuditEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets the cluster as the node that answers sees it: its nodes, their shards, and shards that
     * move. This call and the four below fail with `REASON_NO_CLUSTER` where the server is not a node
     * of a cluster. Any node takes them.
     * </pre>
     */
    default void getCluster(dev.apportion.v1.GetClusterRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetClusterResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetClusterMethod(), responseObserver);
    }

    /**
     * <pre>
     * Drains a node: it hands its shards over to the other nodes, claims none, and keeps passing
     * calls on. The drain outlasts restarts of the node, and holds until `UndrainNode` ends it. Where
     * every node drains, each keeps the shards that it has. Has no effect on a node that drains.
     * </pre>
     */
    default void drainNode(dev.apportion.v1.DrainNodeRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DrainNodeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDrainNodeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends the drain of a node: it gets its shards back. Has no effect on a node that does not drain.
     * </pre>
     */
    default void undrainNode(dev.apportion.v1.UndrainNodeRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UndrainNodeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUndrainNodeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Moves the shard of a workspace to a node and pins it there. The other workspaces of the shard
     * move too.
     * </pre>
     */
    default void moveWorkspace(dev.apportion.v1.MoveWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.MoveWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getMoveWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends the pin of the shard of a workspace. Has no effect on a shard without a pin.
     * </pre>
     */
    default void releaseWorkspace(dev.apportion.v1.ReleaseWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ReleaseWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReleaseWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a consistent copy of the store while the server keeps running. The copy contains every
     * change that was acknowledged before the call. Only one backup runs at a time: a second one
     * waits for two seconds and then fails with `REASON_SERVER_FULL`. The server aborts a backup
     * whose client reads nothing for one minute.
     * </pre>
     */
    default void backupStore(dev.apportion.v1.BackupStoreRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.BackupStoreResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBackupStoreMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AdminService.
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public static abstract class AdminServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AdminServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AdminService.
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public static final class AdminServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AdminServiceStub> {
    private AdminServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace with the team `default`.
     * </pre>
     */
    public void createWorkspace(dev.apportion.v1.CreateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a workspace.
     * </pre>
     */
    public void getWorkspace(dev.apportion.v1.GetWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public void listWorkspaces(dev.apportion.v1.ListWorkspacesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListWorkspacesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWorkspacesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates a workspace: its limits, and how it shares them among priorities.
     * </pre>
     */
    public void updateWorkspace(dev.apportion.v1.UpdateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a workspace. Its waiting requests are refused with `REASON_UNKNOWN_WORKSPACE`. Granted
     * leases stay valid until they end.
     * </pre>
     */
    public void deleteWorkspace(dev.apportion.v1.DeleteWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a team.
     * </pre>
     */
    public void createTeam(dev.apportion.v1.CreateTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTeamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTeamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a team.
     * </pre>
     */
    public void getTeam(dev.apportion.v1.GetTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetTeamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTeamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the teams of a workspace that the caller may see, in order of id.
     * </pre>
     */
    public void listTeams(dev.apportion.v1.ListTeamsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListTeamsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTeamsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates a team: its priorities, weight, reservation, cap or parent.
     * </pre>
     */
    public void updateTeam(dev.apportion.v1.UpdateTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateTeamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateTeamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a team that has no child teams. Its waiting requests are refused with
     * `REASON_UNKNOWN_TEAM`. Granted leases stay valid until they end.
     * </pre>
     */
    public void deleteTeam(dev.apportion.v1.DeleteTeamRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTeamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteTeamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a domain of Envoy, bound to a workspace.
     * </pre>
     */
    public void createDomain(dev.apportion.v1.CreateDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateDomainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateDomainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a domain.
     * </pre>
     */
    public void getDomain(dev.apportion.v1.GetDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetDomainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDomainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the domains of the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public void listDomains(dev.apportion.v1.ListDomainsRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListDomainsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDomainsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Updates a domain: its workspace, and what its keys name.
     * </pre>
     */
    public void updateDomain(dev.apportion.v1.UpdateDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateDomainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateDomainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a domain. Envoy's calls of it fail from then on.
     * </pre>
     */
    public void deleteDomain(dev.apportion.v1.DeleteDomainRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteDomainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteDomainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a token. The response contains the secret, unless the caller made it. The secret cannot
     * be read again.
     * </pre>
     */
    public void createToken(dev.apportion.v1.CreateTokenRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTokenResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTokenMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the tokens without their secrets, in order of id.
     * </pre>
     */
    public void listTokens(dev.apportion.v1.ListTokensRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListTokensResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTokensMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a token. The token is invalid from then on, also for open streams.
     * </pre>
     */
    public void deleteToken(dev.apportion.v1.DeleteTokenRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTokenResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteTokenMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the audit log, the newest entry first.
     * </pre>
     */
    public void listAuditEntries(dev.apportion.v1.ListAuditEntriesRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ListAuditEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAuditEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets the cluster as the node that answers sees it: its nodes, their shards, and shards that
     * move. This call and the four below fail with `REASON_NO_CLUSTER` where the server is not a node
     * of a cluster. Any node takes them.
     * </pre>
     */
    public void getCluster(dev.apportion.v1.GetClusterRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.GetClusterResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetClusterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Drains a node: it hands its shards over to the other nodes, claims none, and keeps passing
     * calls on. The drain outlasts restarts of the node, and holds until `UndrainNode` ends it. Where
     * every node drains, each keeps the shards that it has. Has no effect on a node that drains.
     * </pre>
     */
    public void drainNode(dev.apportion.v1.DrainNodeRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.DrainNodeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDrainNodeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends the drain of a node: it gets its shards back. Has no effect on a node that does not drain.
     * </pre>
     */
    public void undrainNode(dev.apportion.v1.UndrainNodeRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.UndrainNodeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUndrainNodeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Moves the shard of a workspace to a node and pins it there. The other workspaces of the shard
     * move too.
     * </pre>
     */
    public void moveWorkspace(dev.apportion.v1.MoveWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.MoveWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getMoveWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends the pin of the shard of a workspace. Has no effect on a shard without a pin.
     * </pre>
     */
    public void releaseWorkspace(dev.apportion.v1.ReleaseWorkspaceRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.ReleaseWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReleaseWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a consistent copy of the store while the server keeps running. The copy contains every
     * change that was acknowledged before the call. Only one backup runs at a time: a second one
     * waits for two seconds and then fails with `REASON_SERVER_FULL`. The server aborts a backup
     * whose client reads nothing for one minute.
     * </pre>
     */
    public void backupStore(dev.apportion.v1.BackupStoreRequest request,
        io.grpc.stub.StreamObserver<dev.apportion.v1.BackupStoreResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getBackupStoreMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AdminService.
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public static final class AdminServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingV2Stub> {
    private AdminServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace with the team `default`.
     * </pre>
     */
    public dev.apportion.v1.CreateWorkspaceResponse createWorkspace(dev.apportion.v1.CreateWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a workspace.
     * </pre>
     */
    public dev.apportion.v1.GetWorkspaceResponse getWorkspace(dev.apportion.v1.GetWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListWorkspacesResponse listWorkspaces(dev.apportion.v1.ListWorkspacesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListWorkspacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a workspace: its limits, and how it shares them among priorities.
     * </pre>
     */
    public dev.apportion.v1.UpdateWorkspaceResponse updateWorkspace(dev.apportion.v1.UpdateWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a workspace. Its waiting requests are refused with `REASON_UNKNOWN_WORKSPACE`. Granted
     * leases stay valid until they end.
     * </pre>
     */
    public dev.apportion.v1.DeleteWorkspaceResponse deleteWorkspace(dev.apportion.v1.DeleteWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a team.
     * </pre>
     */
    public dev.apportion.v1.CreateTeamResponse createTeam(dev.apportion.v1.CreateTeamRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a team.
     * </pre>
     */
    public dev.apportion.v1.GetTeamResponse getTeam(dev.apportion.v1.GetTeamRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the teams of a workspace that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListTeamsResponse listTeams(dev.apportion.v1.ListTeamsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTeamsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a team: its priorities, weight, reservation, cap or parent.
     * </pre>
     */
    public dev.apportion.v1.UpdateTeamResponse updateTeam(dev.apportion.v1.UpdateTeamRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a team that has no child teams. Its waiting requests are refused with
     * `REASON_UNKNOWN_TEAM`. Granted leases stay valid until they end.
     * </pre>
     */
    public dev.apportion.v1.DeleteTeamResponse deleteTeam(dev.apportion.v1.DeleteTeamRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a domain of Envoy, bound to a workspace.
     * </pre>
     */
    public dev.apportion.v1.CreateDomainResponse createDomain(dev.apportion.v1.CreateDomainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a domain.
     * </pre>
     */
    public dev.apportion.v1.GetDomainResponse getDomain(dev.apportion.v1.GetDomainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the domains of the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListDomainsResponse listDomains(dev.apportion.v1.ListDomainsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDomainsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a domain: its workspace, and what its keys name.
     * </pre>
     */
    public dev.apportion.v1.UpdateDomainResponse updateDomain(dev.apportion.v1.UpdateDomainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a domain. Envoy's calls of it fail from then on.
     * </pre>
     */
    public dev.apportion.v1.DeleteDomainResponse deleteDomain(dev.apportion.v1.DeleteDomainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a token. The response contains the secret, unless the caller made it. The secret cannot
     * be read again.
     * </pre>
     */
    public dev.apportion.v1.CreateTokenResponse createToken(dev.apportion.v1.CreateTokenRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tokens without their secrets, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListTokensResponse listTokens(dev.apportion.v1.ListTokensRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTokensMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a token. The token is invalid from then on, also for open streams.
     * </pre>
     */
    public dev.apportion.v1.DeleteTokenResponse deleteToken(dev.apportion.v1.DeleteTokenRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the audit log, the newest entry first.
     * </pre>
     */
    public dev.apportion.v1.ListAuditEntriesResponse listAuditEntries(dev.apportion.v1.ListAuditEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAuditEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets the cluster as the node that answers sees it: its nodes, their shards, and shards that
     * move. This call and the four below fail with `REASON_NO_CLUSTER` where the server is not a node
     * of a cluster. Any node takes them.
     * </pre>
     */
    public dev.apportion.v1.GetClusterResponse getCluster(dev.apportion.v1.GetClusterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetClusterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Drains a node: it hands its shards over to the other nodes, claims none, and keeps passing
     * calls on. The drain outlasts restarts of the node, and holds until `UndrainNode` ends it. Where
     * every node drains, each keeps the shards that it has. Has no effect on a node that drains.
     * </pre>
     */
    public dev.apportion.v1.DrainNodeResponse drainNode(dev.apportion.v1.DrainNodeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the drain of a node: it gets its shards back. Has no effect on a node that does not drain.
     * </pre>
     */
    public dev.apportion.v1.UndrainNodeResponse undrainNode(dev.apportion.v1.UndrainNodeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUndrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves the shard of a workspace to a node and pins it there. The other workspaces of the shard
     * move too.
     * </pre>
     */
    public dev.apportion.v1.MoveWorkspaceResponse moveWorkspace(dev.apportion.v1.MoveWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getMoveWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the pin of the shard of a workspace. Has no effect on a shard without a pin.
     * </pre>
     */
    public dev.apportion.v1.ReleaseWorkspaceResponse releaseWorkspace(dev.apportion.v1.ReleaseWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReleaseWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a consistent copy of the store while the server keeps running. The copy contains every
     * change that was acknowledged before the call. Only one backup runs at a time: a second one
     * waits for two seconds and then fails with `REASON_SERVER_FULL`. The server aborts a backup
     * whose client reads nothing for one minute.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.apportion.v1.BackupStoreResponse>
        backupStore(dev.apportion.v1.BackupStoreRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getBackupStoreMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AdminService.
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public static final class AdminServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingStub> {
    private AdminServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace with the team `default`.
     * </pre>
     */
    public dev.apportion.v1.CreateWorkspaceResponse createWorkspace(dev.apportion.v1.CreateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a workspace.
     * </pre>
     */
    public dev.apportion.v1.GetWorkspaceResponse getWorkspace(dev.apportion.v1.GetWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListWorkspacesResponse listWorkspaces(dev.apportion.v1.ListWorkspacesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWorkspacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a workspace: its limits, and how it shares them among priorities.
     * </pre>
     */
    public dev.apportion.v1.UpdateWorkspaceResponse updateWorkspace(dev.apportion.v1.UpdateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a workspace. Its waiting requests are refused with `REASON_UNKNOWN_WORKSPACE`. Granted
     * leases stay valid until they end.
     * </pre>
     */
    public dev.apportion.v1.DeleteWorkspaceResponse deleteWorkspace(dev.apportion.v1.DeleteWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a team.
     * </pre>
     */
    public dev.apportion.v1.CreateTeamResponse createTeam(dev.apportion.v1.CreateTeamRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a team.
     * </pre>
     */
    public dev.apportion.v1.GetTeamResponse getTeam(dev.apportion.v1.GetTeamRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the teams of a workspace that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListTeamsResponse listTeams(dev.apportion.v1.ListTeamsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTeamsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a team: its priorities, weight, reservation, cap or parent.
     * </pre>
     */
    public dev.apportion.v1.UpdateTeamResponse updateTeam(dev.apportion.v1.UpdateTeamRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a team that has no child teams. Its waiting requests are refused with
     * `REASON_UNKNOWN_TEAM`. Granted leases stay valid until they end.
     * </pre>
     */
    public dev.apportion.v1.DeleteTeamResponse deleteTeam(dev.apportion.v1.DeleteTeamRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a domain of Envoy, bound to a workspace.
     * </pre>
     */
    public dev.apportion.v1.CreateDomainResponse createDomain(dev.apportion.v1.CreateDomainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a domain.
     * </pre>
     */
    public dev.apportion.v1.GetDomainResponse getDomain(dev.apportion.v1.GetDomainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the domains of the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListDomainsResponse listDomains(dev.apportion.v1.ListDomainsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDomainsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Updates a domain: its workspace, and what its keys name.
     * </pre>
     */
    public dev.apportion.v1.UpdateDomainResponse updateDomain(dev.apportion.v1.UpdateDomainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a domain. Envoy's calls of it fail from then on.
     * </pre>
     */
    public dev.apportion.v1.DeleteDomainResponse deleteDomain(dev.apportion.v1.DeleteDomainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteDomainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a token. The response contains the secret, unless the caller made it. The secret cannot
     * be read again.
     * </pre>
     */
    public dev.apportion.v1.CreateTokenResponse createToken(dev.apportion.v1.CreateTokenRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the tokens without their secrets, in order of id.
     * </pre>
     */
    public dev.apportion.v1.ListTokensResponse listTokens(dev.apportion.v1.ListTokensRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTokensMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a token. The token is invalid from then on, also for open streams.
     * </pre>
     */
    public dev.apportion.v1.DeleteTokenResponse deleteToken(dev.apportion.v1.DeleteTokenRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the audit log, the newest entry first.
     * </pre>
     */
    public dev.apportion.v1.ListAuditEntriesResponse listAuditEntries(dev.apportion.v1.ListAuditEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAuditEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets the cluster as the node that answers sees it: its nodes, their shards, and shards that
     * move. This call and the four below fail with `REASON_NO_CLUSTER` where the server is not a node
     * of a cluster. Any node takes them.
     * </pre>
     */
    public dev.apportion.v1.GetClusterResponse getCluster(dev.apportion.v1.GetClusterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetClusterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Drains a node: it hands its shards over to the other nodes, claims none, and keeps passing
     * calls on. The drain outlasts restarts of the node, and holds until `UndrainNode` ends it. Where
     * every node drains, each keeps the shards that it has. Has no effect on a node that drains.
     * </pre>
     */
    public dev.apportion.v1.DrainNodeResponse drainNode(dev.apportion.v1.DrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the drain of a node: it gets its shards back. Has no effect on a node that does not drain.
     * </pre>
     */
    public dev.apportion.v1.UndrainNodeResponse undrainNode(dev.apportion.v1.UndrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUndrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves the shard of a workspace to a node and pins it there. The other workspaces of the shard
     * move too.
     * </pre>
     */
    public dev.apportion.v1.MoveWorkspaceResponse moveWorkspace(dev.apportion.v1.MoveWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getMoveWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends the pin of the shard of a workspace. Has no effect on a shard without a pin.
     * </pre>
     */
    public dev.apportion.v1.ReleaseWorkspaceResponse releaseWorkspace(dev.apportion.v1.ReleaseWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReleaseWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a consistent copy of the store while the server keeps running. The copy contains every
     * change that was acknowledged before the call. Only one backup runs at a time: a second one
     * waits for two seconds and then fails with `REASON_SERVER_FULL`. The server aborts a backup
     * whose client reads nothing for one minute.
     * </pre>
     */
    public java.util.Iterator<dev.apportion.v1.BackupStoreResponse> backupStore(
        dev.apportion.v1.BackupStoreRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getBackupStoreMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AdminService.
   * <pre>
   * Reads and changes the configuration. Names of resources follow the Google AIPs:
   * `workspaces/{workspace}`, `workspaces/{workspace}/teams/{team}`, `domains/{domain}`,
   * `tokens/{token}`, `nodes/{node}`, and `auditEntries/{audit_entry}` in the audit log.
   * - A change and its audit entry are durable before the response. The change takes effect with the
   *   next decision, also for waiting requests. A changed budget takes effect with the next window.
   * - `validate_only` runs all checks and changes nothing. The response or the error is the one that
   *   the call would otherwise have.
   * - `etag`, if set, must be the current etag of the resource. If not, the call fails with
   *   `REASON_STALE_ETAG`. If unset, it is not checked.
   * - An update changes the fields that `update_mask` names. A field that is in the mask but unset in
   *   the resource is reset to its default. Without a mask, the update changes the fields that are
   *   set. The mask `*` replaces all fields. Output-only fields are ignored. An unknown field fails
   *   with `REASON_MALFORMED`.
   * - Lists are paged. Pass `next_page_token` as `page_token`, with the other fields unchanged, until
   *   it is empty.
   * - The role ADMIN may make every call. OBSERVER may get and list the workspaces and teams in its
   *   scopes, and the domains of these workspaces. CLIENT may make no call of this service.
   * </pre>
   */
  public static final class AdminServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AdminServiceFutureStub> {
    private AdminServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace with the team `default`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.CreateWorkspaceResponse> createWorkspace(
        dev.apportion.v1.CreateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a workspace.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.GetWorkspaceResponse> getWorkspace(
        dev.apportion.v1.GetWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ListWorkspacesResponse> listWorkspaces(
        dev.apportion.v1.ListWorkspacesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWorkspacesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates a workspace: its limits, and how it shares them among priorities.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.UpdateWorkspaceResponse> updateWorkspace(
        dev.apportion.v1.UpdateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a workspace. Its waiting requests are refused with `REASON_UNKNOWN_WORKSPACE`. Granted
     * leases stay valid until they end.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.DeleteWorkspaceResponse> deleteWorkspace(
        dev.apportion.v1.DeleteWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a team.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.CreateTeamResponse> createTeam(
        dev.apportion.v1.CreateTeamRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTeamMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a team.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.GetTeamResponse> getTeam(
        dev.apportion.v1.GetTeamRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTeamMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the teams of a workspace that the caller may see, in order of id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ListTeamsResponse> listTeams(
        dev.apportion.v1.ListTeamsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTeamsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates a team: its priorities, weight, reservation, cap or parent.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.UpdateTeamResponse> updateTeam(
        dev.apportion.v1.UpdateTeamRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateTeamMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a team that has no child teams. Its waiting requests are refused with
     * `REASON_UNKNOWN_TEAM`. Granted leases stay valid until they end.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.DeleteTeamResponse> deleteTeam(
        dev.apportion.v1.DeleteTeamRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteTeamMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a domain of Envoy, bound to a workspace.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.CreateDomainResponse> createDomain(
        dev.apportion.v1.CreateDomainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateDomainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a domain.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.GetDomainResponse> getDomain(
        dev.apportion.v1.GetDomainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDomainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the domains of the workspaces that the caller may see, in order of id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ListDomainsResponse> listDomains(
        dev.apportion.v1.ListDomainsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDomainsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Updates a domain: its workspace, and what its keys name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.UpdateDomainResponse> updateDomain(
        dev.apportion.v1.UpdateDomainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateDomainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a domain. Envoy's calls of it fail from then on.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.DeleteDomainResponse> deleteDomain(
        dev.apportion.v1.DeleteDomainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteDomainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a token. The response contains the secret, unless the caller made it. The secret cannot
     * be read again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.CreateTokenResponse> createToken(
        dev.apportion.v1.CreateTokenRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTokenMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the tokens without their secrets, in order of id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ListTokensResponse> listTokens(
        dev.apportion.v1.ListTokensRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTokensMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a token. The token is invalid from then on, also for open streams.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.DeleteTokenResponse> deleteToken(
        dev.apportion.v1.DeleteTokenRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteTokenMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the audit log, the newest entry first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ListAuditEntriesResponse> listAuditEntries(
        dev.apportion.v1.ListAuditEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAuditEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets the cluster as the node that answers sees it: its nodes, their shards, and shards that
     * move. This call and the four below fail with `REASON_NO_CLUSTER` where the server is not a node
     * of a cluster. Any node takes them.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.GetClusterResponse> getCluster(
        dev.apportion.v1.GetClusterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetClusterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Drains a node: it hands its shards over to the other nodes, claims none, and keeps passing
     * calls on. The drain outlasts restarts of the node, and holds until `UndrainNode` ends it. Where
     * every node drains, each keeps the shards that it has. Has no effect on a node that drains.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.DrainNodeResponse> drainNode(
        dev.apportion.v1.DrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDrainNodeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends the drain of a node: it gets its shards back. Has no effect on a node that does not drain.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.UndrainNodeResponse> undrainNode(
        dev.apportion.v1.UndrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUndrainNodeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Moves the shard of a workspace to a node and pins it there. The other workspaces of the shard
     * move too.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.MoveWorkspaceResponse> moveWorkspace(
        dev.apportion.v1.MoveWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getMoveWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends the pin of the shard of a workspace. Has no effect on a shard without a pin.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.apportion.v1.ReleaseWorkspaceResponse> releaseWorkspace(
        dev.apportion.v1.ReleaseWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReleaseWorkspaceMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_WORKSPACE = 0;
  private static final int METHODID_GET_WORKSPACE = 1;
  private static final int METHODID_LIST_WORKSPACES = 2;
  private static final int METHODID_UPDATE_WORKSPACE = 3;
  private static final int METHODID_DELETE_WORKSPACE = 4;
  private static final int METHODID_CREATE_TEAM = 5;
  private static final int METHODID_GET_TEAM = 6;
  private static final int METHODID_LIST_TEAMS = 7;
  private static final int METHODID_UPDATE_TEAM = 8;
  private static final int METHODID_DELETE_TEAM = 9;
  private static final int METHODID_CREATE_DOMAIN = 10;
  private static final int METHODID_GET_DOMAIN = 11;
  private static final int METHODID_LIST_DOMAINS = 12;
  private static final int METHODID_UPDATE_DOMAIN = 13;
  private static final int METHODID_DELETE_DOMAIN = 14;
  private static final int METHODID_CREATE_TOKEN = 15;
  private static final int METHODID_LIST_TOKENS = 16;
  private static final int METHODID_DELETE_TOKEN = 17;
  private static final int METHODID_LIST_AUDIT_ENTRIES = 18;
  private static final int METHODID_GET_CLUSTER = 19;
  private static final int METHODID_DRAIN_NODE = 20;
  private static final int METHODID_UNDRAIN_NODE = 21;
  private static final int METHODID_MOVE_WORKSPACE = 22;
  private static final int METHODID_RELEASE_WORKSPACE = 23;
  private static final int METHODID_BACKUP_STORE = 24;

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
        case METHODID_CREATE_WORKSPACE:
          serviceImpl.createWorkspace((dev.apportion.v1.CreateWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.CreateWorkspaceResponse>) responseObserver);
          break;
        case METHODID_GET_WORKSPACE:
          serviceImpl.getWorkspace((dev.apportion.v1.GetWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.GetWorkspaceResponse>) responseObserver);
          break;
        case METHODID_LIST_WORKSPACES:
          serviceImpl.listWorkspaces((dev.apportion.v1.ListWorkspacesRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ListWorkspacesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_WORKSPACE:
          serviceImpl.updateWorkspace((dev.apportion.v1.UpdateWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateWorkspaceResponse>) responseObserver);
          break;
        case METHODID_DELETE_WORKSPACE:
          serviceImpl.deleteWorkspace((dev.apportion.v1.DeleteWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteWorkspaceResponse>) responseObserver);
          break;
        case METHODID_CREATE_TEAM:
          serviceImpl.createTeam((dev.apportion.v1.CreateTeamRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTeamResponse>) responseObserver);
          break;
        case METHODID_GET_TEAM:
          serviceImpl.getTeam((dev.apportion.v1.GetTeamRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.GetTeamResponse>) responseObserver);
          break;
        case METHODID_LIST_TEAMS:
          serviceImpl.listTeams((dev.apportion.v1.ListTeamsRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ListTeamsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_TEAM:
          serviceImpl.updateTeam((dev.apportion.v1.UpdateTeamRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateTeamResponse>) responseObserver);
          break;
        case METHODID_DELETE_TEAM:
          serviceImpl.deleteTeam((dev.apportion.v1.DeleteTeamRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTeamResponse>) responseObserver);
          break;
        case METHODID_CREATE_DOMAIN:
          serviceImpl.createDomain((dev.apportion.v1.CreateDomainRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.CreateDomainResponse>) responseObserver);
          break;
        case METHODID_GET_DOMAIN:
          serviceImpl.getDomain((dev.apportion.v1.GetDomainRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.GetDomainResponse>) responseObserver);
          break;
        case METHODID_LIST_DOMAINS:
          serviceImpl.listDomains((dev.apportion.v1.ListDomainsRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ListDomainsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_DOMAIN:
          serviceImpl.updateDomain((dev.apportion.v1.UpdateDomainRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.UpdateDomainResponse>) responseObserver);
          break;
        case METHODID_DELETE_DOMAIN:
          serviceImpl.deleteDomain((dev.apportion.v1.DeleteDomainRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteDomainResponse>) responseObserver);
          break;
        case METHODID_CREATE_TOKEN:
          serviceImpl.createToken((dev.apportion.v1.CreateTokenRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.CreateTokenResponse>) responseObserver);
          break;
        case METHODID_LIST_TOKENS:
          serviceImpl.listTokens((dev.apportion.v1.ListTokensRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ListTokensResponse>) responseObserver);
          break;
        case METHODID_DELETE_TOKEN:
          serviceImpl.deleteToken((dev.apportion.v1.DeleteTokenRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.DeleteTokenResponse>) responseObserver);
          break;
        case METHODID_LIST_AUDIT_ENTRIES:
          serviceImpl.listAuditEntries((dev.apportion.v1.ListAuditEntriesRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ListAuditEntriesResponse>) responseObserver);
          break;
        case METHODID_GET_CLUSTER:
          serviceImpl.getCluster((dev.apportion.v1.GetClusterRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.GetClusterResponse>) responseObserver);
          break;
        case METHODID_DRAIN_NODE:
          serviceImpl.drainNode((dev.apportion.v1.DrainNodeRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.DrainNodeResponse>) responseObserver);
          break;
        case METHODID_UNDRAIN_NODE:
          serviceImpl.undrainNode((dev.apportion.v1.UndrainNodeRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.UndrainNodeResponse>) responseObserver);
          break;
        case METHODID_MOVE_WORKSPACE:
          serviceImpl.moveWorkspace((dev.apportion.v1.MoveWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.MoveWorkspaceResponse>) responseObserver);
          break;
        case METHODID_RELEASE_WORKSPACE:
          serviceImpl.releaseWorkspace((dev.apportion.v1.ReleaseWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.ReleaseWorkspaceResponse>) responseObserver);
          break;
        case METHODID_BACKUP_STORE:
          serviceImpl.backupStore((dev.apportion.v1.BackupStoreRequest) request,
              (io.grpc.stub.StreamObserver<dev.apportion.v1.BackupStoreResponse>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.CreateWorkspaceRequest,
              dev.apportion.v1.CreateWorkspaceResponse>(
                service, METHODID_CREATE_WORKSPACE)))
        .addMethod(
          getGetWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.GetWorkspaceRequest,
              dev.apportion.v1.GetWorkspaceResponse>(
                service, METHODID_GET_WORKSPACE)))
        .addMethod(
          getListWorkspacesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ListWorkspacesRequest,
              dev.apportion.v1.ListWorkspacesResponse>(
                service, METHODID_LIST_WORKSPACES)))
        .addMethod(
          getUpdateWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.UpdateWorkspaceRequest,
              dev.apportion.v1.UpdateWorkspaceResponse>(
                service, METHODID_UPDATE_WORKSPACE)))
        .addMethod(
          getDeleteWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.DeleteWorkspaceRequest,
              dev.apportion.v1.DeleteWorkspaceResponse>(
                service, METHODID_DELETE_WORKSPACE)))
        .addMethod(
          getCreateTeamMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.CreateTeamRequest,
              dev.apportion.v1.CreateTeamResponse>(
                service, METHODID_CREATE_TEAM)))
        .addMethod(
          getGetTeamMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.GetTeamRequest,
              dev.apportion.v1.GetTeamResponse>(
                service, METHODID_GET_TEAM)))
        .addMethod(
          getListTeamsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ListTeamsRequest,
              dev.apportion.v1.ListTeamsResponse>(
                service, METHODID_LIST_TEAMS)))
        .addMethod(
          getUpdateTeamMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.UpdateTeamRequest,
              dev.apportion.v1.UpdateTeamResponse>(
                service, METHODID_UPDATE_TEAM)))
        .addMethod(
          getDeleteTeamMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.DeleteTeamRequest,
              dev.apportion.v1.DeleteTeamResponse>(
                service, METHODID_DELETE_TEAM)))
        .addMethod(
          getCreateDomainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.CreateDomainRequest,
              dev.apportion.v1.CreateDomainResponse>(
                service, METHODID_CREATE_DOMAIN)))
        .addMethod(
          getGetDomainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.GetDomainRequest,
              dev.apportion.v1.GetDomainResponse>(
                service, METHODID_GET_DOMAIN)))
        .addMethod(
          getListDomainsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ListDomainsRequest,
              dev.apportion.v1.ListDomainsResponse>(
                service, METHODID_LIST_DOMAINS)))
        .addMethod(
          getUpdateDomainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.UpdateDomainRequest,
              dev.apportion.v1.UpdateDomainResponse>(
                service, METHODID_UPDATE_DOMAIN)))
        .addMethod(
          getDeleteDomainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.DeleteDomainRequest,
              dev.apportion.v1.DeleteDomainResponse>(
                service, METHODID_DELETE_DOMAIN)))
        .addMethod(
          getCreateTokenMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.CreateTokenRequest,
              dev.apportion.v1.CreateTokenResponse>(
                service, METHODID_CREATE_TOKEN)))
        .addMethod(
          getListTokensMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ListTokensRequest,
              dev.apportion.v1.ListTokensResponse>(
                service, METHODID_LIST_TOKENS)))
        .addMethod(
          getDeleteTokenMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.DeleteTokenRequest,
              dev.apportion.v1.DeleteTokenResponse>(
                service, METHODID_DELETE_TOKEN)))
        .addMethod(
          getListAuditEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ListAuditEntriesRequest,
              dev.apportion.v1.ListAuditEntriesResponse>(
                service, METHODID_LIST_AUDIT_ENTRIES)))
        .addMethod(
          getGetClusterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.GetClusterRequest,
              dev.apportion.v1.GetClusterResponse>(
                service, METHODID_GET_CLUSTER)))
        .addMethod(
          getDrainNodeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.DrainNodeRequest,
              dev.apportion.v1.DrainNodeResponse>(
                service, METHODID_DRAIN_NODE)))
        .addMethod(
          getUndrainNodeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.UndrainNodeRequest,
              dev.apportion.v1.UndrainNodeResponse>(
                service, METHODID_UNDRAIN_NODE)))
        .addMethod(
          getMoveWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.MoveWorkspaceRequest,
              dev.apportion.v1.MoveWorkspaceResponse>(
                service, METHODID_MOVE_WORKSPACE)))
        .addMethod(
          getReleaseWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.apportion.v1.ReleaseWorkspaceRequest,
              dev.apportion.v1.ReleaseWorkspaceResponse>(
                service, METHODID_RELEASE_WORKSPACE)))
        .addMethod(
          getBackupStoreMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.apportion.v1.BackupStoreRequest,
              dev.apportion.v1.BackupStoreResponse>(
                service, METHODID_BACKUP_STORE)))
        .build();
  }

  private static abstract class AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AdminServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.apportion.v1.AdminServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AdminService");
    }
  }

  private static final class AdminServiceFileDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier {
    AdminServiceFileDescriptorSupplier() {}
  }

  private static final class AdminServiceMethodDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AdminServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AdminServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AdminServiceFileDescriptorSupplier())
              .addMethod(getCreateWorkspaceMethod())
              .addMethod(getGetWorkspaceMethod())
              .addMethod(getListWorkspacesMethod())
              .addMethod(getUpdateWorkspaceMethod())
              .addMethod(getDeleteWorkspaceMethod())
              .addMethod(getCreateTeamMethod())
              .addMethod(getGetTeamMethod())
              .addMethod(getListTeamsMethod())
              .addMethod(getUpdateTeamMethod())
              .addMethod(getDeleteTeamMethod())
              .addMethod(getCreateDomainMethod())
              .addMethod(getGetDomainMethod())
              .addMethod(getListDomainsMethod())
              .addMethod(getUpdateDomainMethod())
              .addMethod(getDeleteDomainMethod())
              .addMethod(getCreateTokenMethod())
              .addMethod(getListTokensMethod())
              .addMethod(getDeleteTokenMethod())
              .addMethod(getListAuditEntriesMethod())
              .addMethod(getGetClusterMethod())
              .addMethod(getDrainNodeMethod())
              .addMethod(getUndrainNodeMethod())
              .addMethod(getMoveWorkspaceMethod())
              .addMethod(getReleaseWorkspaceMethod())
              .addMethod(getBackupStoreMethod())
              .build();
        }
      }
    }
    return result;
  }
}
