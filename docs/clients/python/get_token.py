"""Gets a token from the OAuth Token Service, or says why there is none.

    python3 get_token.py localhost:50051 slack
"""

import os
import sys

import grpc
from google.rpc import error_details_pb2, status_pb2
from oauth.token.v1 import token_service_pb2, token_service_pb2_grpc


def detail(error, message):
    """The detail of this type that came with a refusal; None: there is none."""
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    return next((message for one in status.details if one.Unpack(message)), None)


def main(address, platform):
    key = os.environ.get("OAUTH_TOKEN_SERVICE_API_KEY")
    metadata = [("authorization", f"Bearer {key}")] if key else []
    with grpc.insecure_channel(address) as channel:
        service = token_service_pb2_grpc.TokenServiceStub(channel)
        request = token_service_pb2.GetTokenRequest(platform=platform)
        try:
            token = service.GetToken(request, timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            return refused(error)
    print(f"a token for {token.external_org_id}, to be used at {token.api_base_url}")
    return 0


def refused(error):
    info = detail(error, error_details_pb2.ErrorInfo())
    reason = info.reason if info else error.code().name
    retry = detail(error, error_details_pb2.RetryInfo())
    if reason in ("INSTALLATION_NOT_FOUND", "REAUTHORIZATION_REQUIRED"):
        print(f"{reason}: a person connects it at {info.metadata['install_url']}")
        return 3
    if retry:
        print(f"{reason}: ask again in {retry.retry_delay.ToMilliseconds()} ms")
        return 75
    print(f"{reason}: {error.details()}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
