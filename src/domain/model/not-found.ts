import { ServiceError } from "../../errors.ts";

/** The same for what is not there and for what may not be seen. */
export function installationNotFound(message: string, metadata: Readonly<Record<string, string>> = {}): ServiceError {
  return new ServiceError("INSTALLATION_NOT_FOUND", message, { metadata });
}

/** The same of one that was named by its id. */
export function noInstallation(id: string): ServiceError {
  return installationNotFound(`no installation ${id}`);
}
