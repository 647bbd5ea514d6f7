export { TokenServiceError } from "./token-service-error.ts";
