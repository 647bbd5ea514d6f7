import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;
import oauth.token.v1.GetTokenRequest;
import oauth.token.v1.GetTokenResponse;
import oauth.token.v1.TokenServiceGrpc;

/** Gets a token from the OAuth Token Service, or says why there is none: {@code GetToken localhost:50051 slack}. */
public final class GetToken {
  private static final Metadata.Key<Status> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", ProtoUtils.metadataMarshaller(Status.getDefaultInstance()));

  public static void main(String[] args) throws Exception {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    try {
      System.exit(run(TokenServiceGrpc.newBlockingStub(channel), args[1]));
    } finally {
      channel.shutdownNow();
    }
  }

  private static int run(TokenServiceGrpc.TokenServiceBlockingStub service, String platform) throws Exception {
    Metadata headers = new Metadata();
    String key = System.getenv("OAUTH_TOKEN_SERVICE_API_KEY");
    if (key != null) {
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
    }
    try {
      GetTokenResponse token = service
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .getToken(GetTokenRequest.newBuilder().setPlatform(platform).build());
      System.out.printf("a token for %s, to be used at %s%n", token.getExternalOrgId(), token.getApiBaseUrl());
      return 0;
    } catch (StatusRuntimeException error) {
      return refused(error);
    }
  }

  private static int refused(StatusRuntimeException error) throws Exception {
    String reason = error.getStatus().getCode().name();
    ErrorInfo info = ErrorInfo.getDefaultInstance();
    RetryInfo retry = null;
    Metadata trailers = error.getTrailers();
    Status status = trailers == null ? null : trailers.get(DETAILS);
    if (status != null) {
      for (com.google.protobuf.Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          info = detail.unpack(ErrorInfo.class);
          reason = info.getReason();
        } else if (detail.is(RetryInfo.class)) {
          retry = detail.unpack(RetryInfo.class);
        }
      }
    }
    if (reason.equals("INSTALLATION_NOT_FOUND") || reason.equals("REAUTHORIZATION_REQUIRED")) {
      System.out.printf("%s: a person connects it at %s%n", reason, info.getMetadataOrDefault("install_url", ""));
      return 3;
    }
    if (retry != null) {
      long wait = retry.getRetryDelay().getSeconds() * 1000 + retry.getRetryDelay().getNanos() / 1_000_000;
      System.out.printf("%s: ask again in %d ms%n", reason, wait);
      return 75;
    }
    System.out.printf("%s: %s%n", reason, error.getStatus().getDescription());
    return 1;
  }
}
