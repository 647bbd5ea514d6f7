export { connect } from "./connect/connect.ts";
export type { ConnectOptions, ConnectResult, ConnectStatus, FinalStatus } from "./connect/statuses.ts";
