import type { JsonObject } from "@bufbuild/protobuf";
import { InstallationSchema } from "../../../gen/oauth/token/v1/installation_pb.js";
import type { Installation } from "../../domain/model/installation.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import { toJsonObject } from "./to-json-object.ts";

/** An installation as JSON callers see it. */
export function installationJson(installation: Installation): JsonObject {
  return toJsonObject(InstallationSchema, toInstallationMessage(installation));
}
