// Gets a token from the OAuth Token Service, or says why there is none.
//
//	get_token localhost:50051 slack
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	tokenv1 "gettoken/oauth/token/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func main() {
	os.Exit(run(os.Args[1], os.Args[2]))
}

func run(address, platform string) int {
	connection, err := grpc.Dial(address, grpc.WithInsecure())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if key := os.Getenv("OAUTH_TOKEN_SERVICE_API_KEY"); key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
	}
	service := tokenv1.NewTokenServiceClient(connection)
	token, err := service.GetToken(ctx, &tokenv1.GetTokenRequest{Platform: platform})
	if err != nil {
		return refused(status.Convert(err))
	}
	fmt.Printf("a token for %s, to be used at %s\n", token.ExternalOrgId, token.ApiBaseUrl)
	return 0
}

func refused(refusal *status.Status) int {
	reason := refusal.Code().String()
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info, reason = detail, detail.Reason
		case *errdetails.RetryInfo:
			retry = detail
		}
	}
	switch {
	case reason == "INSTALLATION_NOT_FOUND", reason == "REAUTHORIZATION_REQUIRED":
		fmt.Printf("%s: a person connects it at %s\n", reason, info.Metadata["install_url"])
		return 3
	case retry != nil:
		wait := time.Duration(retry.RetryDelay.Seconds)*time.Second + time.Duration(retry.RetryDelay.Nanos)
		fmt.Printf("%s: ask again in %d ms\n", reason, wait.Milliseconds())
		return 75
	}
	fmt.Printf("%s: %s\n", reason, refusal.Message())
	return 1
}
